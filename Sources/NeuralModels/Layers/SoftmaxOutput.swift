import Kernels
import LanguageModels
import Tensors

/// The full softmax: y = x W + b, p = softmax(y), L = −Σ ln p(target).
///
/// With label smoothing (Szegedy et al. 2016, section 7) the gradients are those of L = −Σ Σ_w q(w) ln p(w), where q gives the target 1 − ε
/// and spreads ε evenly over all V tokens, so that the network gains nothing by being all too sure.
///
/// With large vocabularies this layer takes most of the time. Logits are computed, turned into gradients and used up in blocks of rows,
/// which bounds their memory; each block is large enough to pay for reading the weights. They lie in panels, where products and
/// softmax read them as they are.
final class SoftmaxOutput: OutputLayer {
  /// V.
  let vocabularySize: Int
  /// F, the number of features.
  let featureSize: Int
  /// W: [F × V], which makes the faster products; or rows of somebody else's parameter, [V × F], which is then taken transposed.
  private let own: Parameter?
  private let shared: ParameterRows?
  /// b: V elements of it, from `firstBias` on.
  private let bias: Parameter
  private let firstBias: Int

  /// ε.
  private let labelSmoothing: Double
  private let engine: Engine
  private let scratch: SoftmaxScratch
  /// The rows of a block.
  private let blockRows: Int
  private var rowLosses: [Double] = []
  private let packedWeights: PackedWeights

  /// An output layer with weights of its own, or with the rows `tied`; its bias may be a part of another one, and its buffers those of
  /// layers that work at other times.
  init(
    vocabularySize: Int, featureSize: Int, tied: ParameterRows? = nil, labelSmoothing: Double = 0,
    bias: (Parameter, first: Int)? = nil, scratch: SoftmaxScratch? = nil, _ declarations: Declarations
  ) {
    self.vocabularySize = vocabularySize
    self.labelSmoothing = labelSmoothing
    self.featureSize = featureSize
    engine = declarations.engine
    packedWeights = PackedWeights(declarations)
    blockRows = SoftmaxScratch.blockRows(vocabularySize)
    self.scratch =
      scratch ?? SoftmaxScratch(sizes: [vocabularySize], featureSize: featureSize, declarations)
    shared = tied
    own = tied == nil ? declarations.parameter("weights", featureSize, vocabularySize) : nil
    self.bias = bias?.0 ?? declarations.parameter("bias", vocabularySize)
    firstBias = bias?.first ?? 0
  }

  func initialize(features: Int, using generator: inout SeededGenerator) {
    own?.value.rows(0..<features).fillUniform(0.1, using: &generator)
  }

  /// b from its first element on.
  var biases: UnsafeMutablePointer<Float> { bias.value.pointer + firstBias }

  /// W, and its gradient.
  private var weights: (value: MatrixView, gradient: MatrixView) {
    if let own { return (own.value, own.gradient) }
    guard let shared else { preconditionFailure("an output layer has weights of its own or shares some") }
    return (shared.value, shared.gradient)
  }
  private var isTied: Bool { shared != nil }

  /// Calls `body` with the first row of each block of rows, and its logits [block × V].
  private func forEachBlock(_ x: MatrixView, _ body: (_ firstRow: Int, _ logits: PanelMatrix) -> Void) {
    for first in stride(from: 0, to: x.rows, by: blockRows) {
      let rows = x.rows(first..<min(x.rows, first + blockRows))
      let y = PanelMatrix(scratch.logits, rows: rows.rows, columns: vocabularySize, kernels: engine.kernels)
      engine.products.multiply(
        rows, weights.value, transposed: isTied, into: y, bias: biases)
      body(first, y)
    }
  }

  func lossAndGradients(
    _ x: MatrixView, targets: [TokenID], scale: Float, gradient: MatrixView, key: UInt64?
  ) -> Double {
    rowLosses.removeAll(keepingCapacity: true)
    rowLosses.append(contentsOf: repeatElement(0, count: x.rows))
    forEachBlock(x) { first, y in
      rowLosses.withUnsafeMutableBufferPointer { losses in
        nonisolated(unsafe) let losses = losses
        engine.split(y.rows) { mine in
          for row in mine {
            let target = targets[first + row]
            if target == Batch.ignored {
              for panel in 0..<y.panelCount {
                let columns = y.panel(panel)
                columns.row(row).update(repeating: 0, count: columns.columns)
              }
            } else {
              losses[first + row] = engine.kernels.softmaxCrossEntropy(
                vocabularySize, y.row(row), panelStride: y.panelStride, target: Int(target), scale: scale)
              if labelSmoothing > 0 { smooth(y, row: row, target: Int(target), scale: scale) }
            }
          }
        }
      }
      let rows = first..<first + y.rows
      // y = x W + b:  dx = dy Wᵀ,  dW += xᵀ dy;  or, tied, y = x Wᵀ + b:  dx = dy W,  dW += dyᵀ x
      engine.products.multiply(y, weights.value, transposed: !isTied, into: gradient.rows(rows))
      if isTied {
        engine.products.addProduct(transposed: y, x.rows(rows), to: weights.gradient)
      } else {
        engine.products.addProduct(transposed: x.rows(rows), y, to: weights.gradient)
      }
      // db += Σ dy
      engine.split(y.panelCount) { panels in
        for panel in panels {
          let columns = y.panel(panel)
          engine.kernels.addColumnSums(
            columns.rows, columns.columns, columns.pointer, columns.stride,
            bias.gradient.pointer + firstBias + panel * y.panelWidth)
        }
      }
    }
    return rowLosses.reduce(0, +)
  }

  /// dy = scale · (p − [target]) becomes scale · (p − (1 − ε) [target] − ε / V).
  private func smooth(_ y: PanelMatrix, row: Int, target: Int, scale: Float) {
    let epsilon = scale * Float(labelSmoothing)
    y.panel(target / y.panelWidth)[row, target % y.panelWidth] += epsilon
    for panel in 0..<y.panelCount {
      let columns = y.panel(panel)
      engine.kernels.offset(
        columns.columns, -epsilon / Float(vocabularySize), columns.row(row), columns.row(row))
    }
  }

  func losses(_ x: MatrixView, targets: [TokenID]) -> [Double] {
    let scored = targets.indices.filter { targets[$0] != Batch.ignored }
    var result = [Double](repeating: 0, count: targets.count)
    forEachBlock(scored.count < x.rows ? gather(scored, of: x) : x) { first, y in
      result.withUnsafeMutableBufferPointer { result in
        nonisolated(unsafe) let result = result
        engine.split(y.rows) { mine in
          for row in mine {
            let index = scored[first + row]
            result[index] = engine.kernels.crossEntropy(
              vocabularySize, y.row(row), panelStride: y.panelStride, target: Int(targets[index]))
          }
        }
      }
    }
    return result
  }

  /// Some rows of x, one behind the other.
  private func gather(_ rows: [Int], of x: MatrixView) -> MatrixView {
    let result = scratch.gathered.matrix(rows.count, x.columns)
    for (i, row) in rows.enumerated() { result.row(i).update(from: x.row(row), count: x.columns) }
    return result
  }

  func logDistributions(_ x: MatrixView, into output: inout [Float]) {
    if output.count != x.rows * vocabularySize {
      output = [Float](repeating: 0, count: x.rows * vocabularySize)
    }
    output.withUnsafeMutableBufferPointer { output in
      guard let target = output.baseAddress else { return }
      let y = MatrixView(target, rows: x.rows, columns: vocabularySize)
      logits(x, into: y)
      engine.split(y.rows) { rows in
        for row in rows { engine.kernels.logSoftmax(vocabularySize, y.row(row), y.row(row)) }
      }
    }
  }

  func tokenWeights() -> [Float]? {
    let w = weights.value
    var result: [Float] = []
    result.reserveCapacity(vocabularySize * featureSize)
    for token in 0..<vocabularySize {
      for i in 0..<featureSize { result.append(isTied ? w[token, i] : w[i, token]) }
    }
    return result
  }

  func logits(_ x: MatrixView, into y: MatrixView) {
    packedWeights.multiply(x, weights.value, transposed: isTied, into: y, bias: biases)
  }
}

/// The buffers of softmax layers, of which one works at a time.
final class SoftmaxScratch {
  /// Logits in panels, a block of rows at a time.
  let logits: AlignedBuffer
  /// Rows of features that are scored: [T·B × F].
  let gathered: AlignedBuffer

  /// Floats of logits that are in the making at a time.
  private static let blockSize = 1 << 23

  /// The rows of a block of so many logits.
  static func blockRows(_ size: Int) -> Int { max(64, blockSize / size) }

  /// Buffers for layers of `sizes` tokens.
  init(sizes: [Int], featureSize: Int, _ declarations: Declarations) {
    let kernels = declarations.engine.kernels
    let shapes = sizes.map { (Self.blockRows($0), kernels.panels(columns: $0) * kernels.panelWidth) }
    logits = declarations.buffer(
      "logits",
      // Panels have an odd number of rows.
      Extent { steps, rows in
        shapes.reduce(0) { max($0, (min(steps * rows, Double($1.0)) + 1) * Double($1.1)) }
      })
    gathered = declarations.buffer("scored_features", .positions(featureSize))
  }
}
