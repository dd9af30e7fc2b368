import Kernels
import LanguageModels
import Tensors

/// What a decoder finds in what the encoder gave, e_i [M] for each step i of its row's source, at each step t, from what its own layers
/// give, h_t [H]:
///
///     dot        s_ti = h_t · e_i
///     general    s_ti = h_t · (e_i W)
///     additive   s_ti = v · tanh(h_t Q + e_i W + b)
///
///     a_t = softmax(s_t),   c_t = Σ_i a_ti e_i,   y_t = tanh((h_t, c_t) C + d)
///
/// All are Luong's (2015, section 3.1), behind the cell of step t; so is the additive one, which in Bahdanau et al. (2015) sees the state before
/// the cell, which is then given c_t. What is behind the end of a source has no part.
final class Attention {
  let kind: AttentionKind
  /// H and M.
  let querySize, memorySize: Int
  let engine: Engine
  /// W [M × H], b [H], Q [H × H] and v [H].
  let keyWeights, keyBias, queryWeights, vector: Parameter?
  private let packedQueryWeights: PackedWeights
  /// C and d.
  let combination: FeedForwardLayer
  /// e_i W + b, [S·B × H]; h_t Q, [T·B × H]; (h_t, c_t), [T·B × (H + M)]; and a, [T·B × S].
  private let keyBuffer, queryBuffer, combined, shareBuffer: AlignedBuffer
  /// ∂L/∂e, ∂L/∂ of keys and queries, of (h_t, c_t), of one step's scores, and of v for each row.
  let memoryGradientBuffer, keyGradientBuffer, queryGradientBuffer, combinedGradient: AlignedBuffer
  let scoreGradients, vectorGradients: AlignedBuffer

  /// e, and how long it is for each row.
  private(set) var memory: (values: MatrixView, pass: Pass)?
  /// h of the last `forward`, and what the scores were made of.
  private(set) var queries: (given: MatrixView, projected: MatrixView)?

  init(_ kind: AttentionKind, querySize: Int, memorySize: Int, _ declarations: Declarations) {
    precondition(kind != .none, "some attention is paid")
    precondition(kind != .dot || querySize == memorySize, "products are of vectors of one size")
    let (d, h, m) = (declarations, querySize, memorySize)
    (self.kind, self.querySize, self.memorySize, engine) = (kind, h, m, d.engine)
    let (hasKeys, isAdditive) = (kind != .dot, kind == .additive)
    keyWeights = hasKeys ? d.parameter("key_weights", m, h) : nil
    keyBias = isAdditive ? d.parameter("key_bias", h) : nil
    queryWeights = isAdditive ? d.parameter("query_weights", h, h) : nil
    vector = isAdditive ? d.parameter("vector", h) : nil
    packedQueryWeights = PackedWeights(d)
    combination = FeedForwardLayer(h + m, h, d.of("combination"))
    keyBuffer = d.buffer("keys", .positions(hasKeys ? h : 0))
    queryBuffer = d.buffer("queries", .positions(isAdditive ? h : 0))
    combined = d.buffer("combined", .positions(h + m))
    shareBuffer = d.buffer("shares", Extent { steps, rows in steps * steps * rows })
    memoryGradientBuffer = d.buffer("memory_gradient", .positions(m))
    keyGradientBuffer = d.buffer("key_gradient", .positions(hasKeys ? h : 0))
    queryGradientBuffer = d.buffer("query_gradient", .positions(isAdditive ? h : 0))
    combinedGradient = d.buffer("combined_gradient", .positions(h + m))
    scoreGradients = d.buffer("score_gradient", .positions(1))
    vectorGradients = d.buffer("vector_gradient", .rows(isAdditive ? h : 0))
  }

  /// Weights uniform in ±1/√(what they are multiplied with).
  func initialize(using generator: inout SeededGenerator) {
    keyWeights?.value.fillUniform(1 / Float(memorySize).squareRoot(), using: &generator)
    for parameter in [queryWeights, vector] {
      parameter?.value.fillUniform(1 / Float(querySize).squareRoot(), using: &generator)
    }
    combination.initialize(using: &generator)
  }

  // MARK: Forward

  /// Takes what is attended to from now on: e [S·B × M], which must outlive that, of the rows of `pass`.
  func begin(_ e: MatrixView, _ pass: Pass) {
    memory = (e, pass)
    if let keyWeights {
      engine.products.multiply(
        e, keyWeights.value, into: keyBuffer.matrix(e.rows, querySize), bias: keyBias?.value.pointer)
    }
  }

  /// What scores are made with of e: [S·B × H].
  var keys: MatrixView? {
    memory.map { kind == .dot ? $0.values : keyBuffer.matrix($0.values.rows, querySize) }
  }

  /// a of the last `forward`, of so many steps of all rows: [T·B × S].
  func shares(positions: Int) -> MatrixView { shareBuffer.matrix(positions, memory?.pass.steps ?? 0) }

  /// y [T·B × H], until the next call, of h [T·B × H].
  ///
  /// - Parameter sources: the row of the memory that each row attends to; its own if `nil`.
  func forward(_ h: MatrixView, _ pass: Pass, sources: [Int]? = nil) -> MatrixView {
    guard let memory, let keys else { preconditionFailure("there is something to attend to") }
    let q = project(h, pass)
    queries = (h, q)
    let (z, a) = (combined.matrix(pass.positions, querySize + memorySize), shares(positions: pass.positions))
    engine.split(pass.rows) { rows in
      for row in rows {
        let source = sources?[row] ?? row
        let length = pass.length(of: row)
        for t in 0..<pass.steps {
          let i = t * pass.rows + row
          z.row(i).update(repeating: 0, count: z.columns)
          guard t < length else {
            a.row(i).update(repeating: 0, count: a.columns)
            continue
          }
          z.row(i).update(from: h.row(i), count: querySize)
          attend(q.row(i), source, memory, keys, a.row(i), into: z.row(i) + querySize)
        }
      }
    }
    return combination.forward(z, pass)
  }

  private func project(_ h: MatrixView, _ pass: Pass) -> MatrixView {
    guard let queryWeights else { return h }
    let q = queryBuffer.matrix(h.rows, querySize)
    packedQueryWeights.multiply(h, queryWeights.value, into: q, bias: nil, isKept: pass.keepsPackedWeights)
    return q
  }

  /// a of one step of one row, and c, to which it is added.
  private func attend(
    _ q: UnsafePointer<Float>, _ source: Int, _ memory: (values: MatrixView, pass: Pass), _ keys: MatrixView,
    _ a: UnsafeMutablePointer<Float>, into c: UnsafeMutablePointer<Float>
  ) {
    let (kernels, rows, n) = (engine.kernels, memory.pass.rows, memory.pass.length(of: source))
    if let vector {
      withHiddenLayer { u in
        for i in 0..<n {
          hiddenLayer(q, keys.row(i * rows + source), into: u)
          a[i] = Float(kernels.dot(querySize, u, vector.value.pointer))
        }
      }
    } else {
      for i in 0..<n { a[i] = Float(kernels.dot(querySize, q, keys.row(i * rows + source))) }
    }
    let largest = kernels.maximum(n, a, kernels.panelWidth)
    let sum = kernels.shiftedExponentials(n, largest, a, a, kernels.panelWidth)
    kernels.scale(n, Float(1 / sum), a, a)
    (a + n).update(repeating: 0, count: memory.pass.steps - n)
    for i in 0..<n { kernels.addScaled(memorySize, a[i], memory.values.row(i * rows + source), c) }
  }

  /// u = tanh(q + k)
  func hiddenLayer(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>
  ) {
    u.update(from: q, count: querySize)
    engine.kernels.addScaled(querySize, 1, k, u)
    engine.kernels.tanh(querySize, u, u)
  }

  /// Room for u.
  func withHiddenLayer(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: querySize) { room in
      if let u = room.baseAddress { body(u) }
    }
  }
}
