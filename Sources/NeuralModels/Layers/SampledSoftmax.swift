import Glibc
import Kernels
import LanguageModels
import Tensors

/// A full softmax that training sees only a sample of: for each row, its target and the tokens S that are drawn for the whole batch.
///
///     L = −Σ ln softmax over {target} ∪ S of (y_w − ln Q(w)),   y = x Wᵀ + b,   Q(w) = 1 − (1 − q(w))ᵏ
///
/// q is the distribution of the tokens of the text, from which k are drawn; Q(w) is how likely w is among them. With this correction, the
/// logits that minimize L are those that minimize −ln p (Jean et al. 2015; Gao et al. 2021). L itself is less than −ln p: what is
/// measured is the full softmax. A batch of N rows takes N F |S| multiply-adds in place of N F V, and only the rows of W that were drawn, or
/// are targets, get gradients.
final class SampledSoftmax: OutputLayer {
  /// W: [V × F].
  private let weights: ParameterRows
  private let ownWeights: Parameter?
  /// b: [V].
  private let bias: Parameter
  private let full: SoftmaxOutput
  private let sampleCount: Int
  private let engine: Engine
  private let scratch: SoftmaxScratch
  /// The rows of W that take part, what is added to their logits, and the gradients of both.
  private let columns: AlignedBuffer
  private let offsets: AlignedBuffer
  private let columnGradients: AlignedBuffer
  /// Σ q up to each token; empty as long as nobody has said how often the text has them, and training sees all.
  private var cumulative: [Double] = []

  init(
    sampleCount: Int, vocabularySize: Int, featureSize: Int, tied: ParameterRows?,
    _ declarations: Declarations
  ) {
    engine = declarations.engine
    // No more tokens take part than there are.
    let sampleCount = min(sampleCount, vocabularySize)
    self.sampleCount = sampleCount
    ownWeights =
      tied == nil ? declarations.parameter("weights", vocabularySize, featureSize, isSparse: true) : nil
    guard let weights = tied ?? ownWeights.map({ ParameterRows($0) }) else {
      preconditionFailure("an output layer has weights of its own or shares some")
    }
    self.weights = weights
    bias = declarations.parameter("bias", vocabularySize)
    scratch = SoftmaxScratch(sizes: [vocabularySize], featureSize: featureSize, declarations)
    full = SoftmaxOutput(
      vocabularySize: vocabularySize, featureSize: featureSize, tied: weights, bias: (bias, 0),
      scratch: scratch, declarations)
    func perColumn(_ floats: Int) -> Extent {
      Extent { steps, rows in
        min(Double(vocabularySize), Double(sampleCount) + steps * rows) * Double(floats)
      }
    }
    columns = declarations.buffer("sampled_weights", perColumn(featureSize))
    offsets = declarations.buffer("sampled_offsets", perColumn(2))
    columnGradients = declarations.buffer("sampled_gradients", perColumn(featureSize))
  }

  func initialize(features: Int, using generator: inout SeededGenerator) {
    ownWeights?.value.columns(0..<features).fillUniform(0.1, using: &generator)
  }

  // MARK: All tokens

  /// The full softmax, all of whose weights are up to date.
  private var exact: SoftmaxOutput {
    weights.bringUpToDate()
    return full
  }

  func losses(_ x: MatrixView, targets: [TokenID]) -> [Double] { exact.losses(x, targets: targets) }

  func logDistributions(_ x: MatrixView, into output: inout [Float]) {
    exact.logDistributions(x, into: &output)
  }

  func logits(_ x: MatrixView, into y: MatrixView) { exact.logits(x, into: y) }

  func tokenWeights() -> [Float]? { exact.tokenWeights() }

  // MARK: The sample

  /// q is in proportion to the counts; tokens that the text lacks are never drawn.
  func learn(counts: [Int]) {
    let total = Double(counts.reduce(0, +))
    var sum = 0.0
    cumulative = counts.map { count in
      sum += Double(count)
      return sum / max(1, total)
    }
  }

  /// The tokens of a sample, each once, in their order.
  func sample(key: UInt64) -> [TokenID] {
    var generator = SeededGenerator(seed: key)
    var isDrawn = [Bool](repeating: false, count: cumulative.count)
    for _ in 0..<sampleCount {
      let point = generator.uniform() * (cumulative.last ?? 1)
      var (low, high) = (0, cumulative.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] > point { high = middle } else { low = middle + 1 }
      }
      isDrawn[low] = true
    }
    return isDrawn.indices.filter { isDrawn[$0] }.map { TokenID($0) }
  }

  /// ln Q of a token; of one that the text lacks, as if it had less than one of its tokens.
  func logExpectation(_ token: TokenID) -> Double {
    let index = Int(token)
    let q = max(cumulative[index] - (index > 0 ? cumulative[index - 1] : 0), 1e-12)
    return log(-expm1(Double(sampleCount) * log1p(-min(q, 1 - 1e-12))))
  }

  // MARK: Training

  func lossAndGradients(
    _ x: MatrixView, targets: [TokenID], scale: Float, gradient: MatrixView, key: UInt64?
  ) -> Double {
    guard let key, !cumulative.isEmpty else {
      weights.markGradients()
      return exact.lossAndGradients(x, targets: targets, scale: scale, gradient: gradient, key: nil)
    }
    // First those that every row sees, then the targets that only their own rows do.
    var tokens = sample(key: key)
    let shared = tokens.count
    var places = [Int](repeating: -1, count: cumulative.count)
    for (place, token) in tokens.enumerated() { places[Int(token)] = place }
    for target in targets where target != Batch.ignored && places[Int(target)] < 0 {
      places[Int(target)] = tokens.count
      tokens.append(target)
    }
    let rows = tokens.map { Int($0) }
    weights.parameter.bringUpToDate(rows: rows)
    weights.parameter.markGradients(rows: rows)
    let (w, offset) = gather(tokens)
    let dw = columnGradients.matrix(tokens.count, x.columns)
    let db = offset.rows(1..<2)
    dw.fill(0)
    db.fill(0)
    var losses = [Double](repeating: 0, count: x.rows)
    let blockRows = SoftmaxScratch.blockRows(cumulative.count)
    for first in stride(from: 0, to: x.rows, by: blockRows) {
      let block = x.rows(first..<min(x.rows, first + blockRows))
      let y = PanelMatrix(
        scratch.logits, rows: block.rows, columns: tokens.count, kernels: engine.kernels)
      engine.products.multiply(block, w, transposed: true, into: y, bias: offset.pointer)
      losses.withUnsafeMutableBufferPointer { losses in
        nonisolated(unsafe) let losses = losses
        engine.split(y.rows) { mine in
          for row in mine {
            let target = targets[first + row]
            losses[first + row] =
              target == Batch.ignored
              ? clear(y, row)
              : crossEntropy(y, row, target: places[Int(target)], shared: shared, scale: scale)
          }
        }
      }
      engine.products.multiply(y, w, transposed: false, into: gradient.rows(first..<first + block.rows))
      engine.products.addProduct(transposed: y, block, to: dw)
      engine.split(y.panelCount) { panels in
        for panel in panels {
          let part = y.panel(panel)
          engine.kernels.addColumnSums(
            part.rows, part.columns, part.pointer, part.stride, db.pointer + panel * y.panelWidth)
        }
      }
    }
    engine.split(tokens.count) { part in
      for i in part {
        engine.kernels.addScaled(x.columns, 1, dw.row(i), weights.gradient.row(Int(tokens[i])))
        bias.gradient.pointer[Int(tokens[i])] += db.pointer[i]
      }
    }
    return losses.reduce(0, +)
  }

  /// The rows of W, and b − ln Q, of some tokens; behind that is room for the gradient of b.
  private func gather(_ tokens: [TokenID]) -> (weights: MatrixView, offsets: MatrixView) {
    let featureSize = weights.value.columns
    let w = columns.matrix(tokens.count, featureSize)
    let offset = offsets.matrix(2, tokens.count)
    engine.split(tokens.count) { part in
      for i in part {
        w.row(i).update(from: weights.value.row(Int(tokens[i])), count: featureSize)
        offset.pointer[i] = bias.value.pointer[Int(tokens[i])] - Float(logExpectation(tokens[i]))
      }
    }
    return (w, offset)
  }

  /// A row without a target has no gradients.
  private func clear(_ y: PanelMatrix, _ row: Int) -> Double {
    for panel in 0..<y.panelCount {
      let part = y.panel(panel)
      part.row(row).update(repeating: 0, count: part.columns)
    }
    return 0
  }

  /// The loss of a row, which becomes the gradients of its logits; the targets of other rows have no part in it.
  private func crossEntropy(_ y: PanelMatrix, _ row: Int, target: Int, shared: Int, scale: Float) -> Double {
    func logit(_ column: Int) -> UnsafeMutablePointer<Float> {
      y.pointer + column / y.panelWidth * y.panelStride + row * y.panelWidth + column % y.panelWidth
    }
    for column in shared..<max(shared, y.columns) where column != target {
      logit(column).pointee = -.greatestFiniteMagnitude
    }
    let loss = engine.kernels.softmaxCrossEntropy(
      y.columns, y.row(row), panelStride: y.panelStride, target: target, scale: scale)
    for column in shared..<max(shared, y.columns) where column != target { logit(column).pointee = 0 }
    return loss
  }
}
