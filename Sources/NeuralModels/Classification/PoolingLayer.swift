import Glibc
import Kernels
import LanguageModels
import Tensors

/// How the features of the steps of a text become one vector.
public enum PoolingKind: String, CaseIterable, Sendable {
  /// Those of the last step; of the first, for a direction that reads backward.
  case last
  /// The largest of each feature.
  case max
  /// Their mean.
  case mean
  /// Their mean by weights that the network chooses (Yang et al. 2016, equations 5 to 7).
  case attention
}

/// Makes one vector of the features of each row's steps, [T·B × F] → [B × F]:
///
///     last       v = y_{n−1}, or (forward_{n−1}, backward_0) of two directions
///     max        v_j = max_t y_tj
///     mean       v = (1/n) Σ_t y_t
///     attention  v = Σ_t a_t y_t,   a = softmax_t(q · u_t),   u_t = tanh(y_t W + b)
///
/// t runs over the n steps that the row has.
final class PoolingLayer {
  let kind: PoolingKind
  /// F.
  let size: Int
  /// The features of the forward direction; F if there is one only.
  private let forwardSize: Int
  private let engine: Engine
  private let pooled: AlignedBuffer
  /// max: the step of each largest feature.
  private let places: AlignedBuffer
  /// attention: W [F × F], b and q [F]; u, and ∂L/∂ of what it is the tanh of; a and ∂L/∂s.
  private let weights, bias, query: Parameter?
  private let keys, keyGradients, shares, scoreGradients: AlignedBuffer
  /// max: whether the steps that were the largest in the pass before count as such, whatever they are now. Its gradient is that of these.
  var keepsPlaces = false
  /// y of the last `forward`.
  private var features: MatrixView?

  init(_ kind: PoolingKind, size: Int, forwardSize: Int, _ declarations: Declarations) {
    (self.kind, self.size, self.forwardSize, engine) = (kind, size, forwardSize, declarations.engine)
    let (d, attends) = (declarations, kind == .attention)
    pooled = d.buffer("output", .rows(size))
    places = d.buffer("places", .rows(kind == .max ? size : 0))
    weights = attends ? d.parameter("weights", size, size) : nil
    bias = attends ? d.parameter("bias", size) : nil
    query = attends ? d.parameter("query", size) : nil
    keys = d.buffer("keys", .positions(attends ? size : 0))
    keyGradients = d.buffer("key_gradient", .positions(attends ? size : 0))
    shares = d.buffer("shares", .positions(attends ? 1 : 0))
    scoreGradients = d.buffer("score_gradient", .positions(attends ? 1 : 0))
  }

  /// Weights uniform in ±1/√F.
  func initialize(using generator: inout SeededGenerator) {
    let spread = 1 / Float(size).squareRoot()
    weights?.value.fillUniform(spread, using: &generator)
    query?.value.fillUniform(spread, using: &generator)
  }

  private func length(_ row: Int, _ pass: Pass) -> Int {
    pass.lengths.isEmpty ? pass.steps : pass.lengths[row]
  }

  // MARK: Forward

  /// v of each row: [B × F], until the next call.
  func forward(_ y: MatrixView, _ pass: Pass) -> MatrixView {
    features = y
    let v = pooled.matrix(pass.rows, size)
    if kind == .attention { attend(y, pass) }
    if kind == .max { places.reserve(pass.rows * size) }
    engine.split(pass.rows) { rows in
      for row in rows { pool(y, row: row, length(row, pass), pass.rows, into: v.row(row)) }
    }
    return v
  }

  private func pool(
    _ y: MatrixView, row: Int, _ length: Int, _ rows: Int, into v: UnsafeMutablePointer<Float>
  ) {
    switch kind {
    case .last:
      v.update(from: y.row((length - 1) * rows + row), count: forwardSize)
      (v + forwardSize).update(from: y.row(row) + forwardSize, count: size - forwardSize)
    case .max where keepsPlaces:
      let step = places.pointer + row * size
      for j in 0..<size { v[j] = y.row(Int(step[j]) * rows + row)[j] }
    case .max:
      let step = places.pointer + row * size
      v.update(from: y.row(row), count: size)
      step.update(repeating: 0, count: size)
      for t in 1..<Swift.max(1, length) {
        let x = y.row(t * rows + row)
        for j in 0..<size where x[j] > v[j] { (v[j], step[j]) = (x[j], Float(t)) }
      }
    case .mean, .attention:
      v.update(repeating: 0, count: size)
      for t in 0..<length {
        let share = kind == .mean ? 1 / Float(length) : shares.pointer[t * rows + row]
        engine.kernels.addScaled(size, share, y.row(t * rows + row), v)
      }
    }
  }

  /// u and a of all steps.
  private func attend(_ y: MatrixView, _ pass: Pass) {
    guard let weights, let bias, let query else { return }
    let u = keys.matrix(pass.positions, size)
    shares.reserve(pass.positions)
    engine.products.multiply(y, weights.value, into: u, bias: bias.value.pointer)
    engine.split(pass.positions * size) { part in
      engine.kernels.tanh(part.count, u.pointer + part.lowerBound, u.pointer + part.lowerBound)
    }
    engine.split(pass.rows) { rows in
      for row in rows {
        let n = length(row, pass)
        var largest = -Float.infinity
        for t in 0..<n {
          let i = t * pass.rows + row
          shares.pointer[i] = Float(engine.kernels.dot(size, u.row(i), query.value.pointer))
          largest = Swift.max(largest, shares.pointer[i])
        }
        var sum: Float = 0
        for t in 0..<n {
          let i = t * pass.rows + row
          shares.pointer[i] = expf(shares.pointer[i] - largest)
          sum += shares.pointer[i]
        }
        for t in 0..<n { shares.pointer[t * pass.rows + row] /= sum }
      }
    }
  }

  // MARK: Backward

  /// Overwrites `result` [T·B × F] with ∂L/∂y, given ∂L/∂v [B × F]; behind the ends of rows it is zero.
  func backward(_ gradient: MatrixView, into result: MatrixView, _ pass: Pass) {
    guard let y = features else { preconditionFailure("there is no gradient before a forward pass") }
    if kind == .attention { scoreGradients.reserve(pass.positions) }
    engine.split(pass.rows) { rows in
      for row in rows {
        for t in 0..<pass.steps { result.row(t * pass.rows + row).update(repeating: 0, count: size) }
        unpool(gradient.row(row), row: row, length(row, pass), pass.rows, y, into: result)
      }
    }
    if kind == .attention { attendBackward(y, into: result, pass) }
  }

  private func unpool(
    _ g: UnsafeMutablePointer<Float>, row: Int, _ length: Int, _ rows: Int, _ y: MatrixView,
    into result: MatrixView
  ) {
    switch kind {
    case .last:
      result.row((length - 1) * rows + row).update(from: g, count: forwardSize)
      (result.row(row) + forwardSize).update(from: g + forwardSize, count: size - forwardSize)
    case .max:
      for j in 0..<size { result.row(Int(places.pointer[row * size + j]) * rows + row)[j] = g[j] }
    case .mean:
      for t in 0..<length { engine.kernels.scale(size, 1 / Float(length), g, result.row(t * rows + row)) }
    case .attention:
      // v = Σ a_t y_t:  dy_t = a_t dv,  da_t = dv · y_t;   a = softmax(s):  ds_t = a_t (da_t − Σ a da)
      var mean = 0.0
      for t in 0..<length {
        let i = t * rows + row
        engine.kernels.scale(size, shares.pointer[i], g, result.row(i))
        let slope = engine.kernels.dot(size, g, y.row(i))
        scoreGradients.pointer[i] = Float(slope)
        mean += Double(shares.pointer[i]) * slope
      }
      for t in 0..<length {
        let i = t * rows + row
        scoreGradients.pointer[i] = shares.pointer[i] * (scoreGradients.pointer[i] - Float(mean))
      }
    }
  }

  /// s_t = q · u_t:  dq += Σ ds_t u_t,  du_t = ds_t q;   u = tanh(a):  da = du (1 − u²);   a = y W + b:  dW += yᵀ da,  db += Σ da,
  /// dy += da Wᵀ
  private func attendBackward(_ y: MatrixView, into result: MatrixView, _ pass: Pass) {
    guard let weights, let bias, let query else { return }
    let u = keys.matrix(pass.positions, size)
    let a = keyGradients.matrix(pass.positions, size)
    // Behind the ends there is nothing.
    let present = (0..<pass.positions).map { $0 / pass.rows < length($0 % pass.rows, pass) }
    engine.pool.run { thread in
      let mine = engine.units(size, of: thread)
      for i in 0..<pass.positions where present[i] {
        engine.kernels.addScaled(
          mine.count, scoreGradients.pointer[i], u.row(i) + mine.lowerBound,
          query.gradient.pointer + mine.lowerBound)
      }
    }
    engine.split(pass.positions) { positions in
      for i in positions {
        let target = a.row(i)
        if !present[i] {
          target.update(repeating: 0, count: size)
          continue
        }
        let key = u.row(i)
        for j in 0..<size {
          target[j] = scoreGradients.pointer[i] * query.value.pointer[j] * (1 - key[j] * key[j])
        }
      }
    }
    engine.products.multiply(transposed: y, a, into: weights.gradient, accumulate: true)
    engine.addColumnSums(a, into: bias.gradient)
    engine.products.multiply(a, transposed: weights.value, into: result, accumulate: true)
  }
}
