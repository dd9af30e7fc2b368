import Kernels
import Tensors

/// A layer's weights W [K × N], packed for products of few rows at a time: once, and not for each of them.
///
/// y = x W + b has the bits of `MatrixProducts`, which packs W in every product: what pays for sequences of many rows takes longer than
/// the product itself where a step of some rows is all there is.
final class PackedWeights {
  private let engine: Engine
  private let arena: ParameterArena
  private var packed: PackedMatrix?
  private var version = PackedSlice.noVersion

  /// Multiply-adds that are not worth waking other threads for.
  private static let fewMultiplyAdds = 50_000

  /// For weights that are declared there too; takes no memory yet.
  init(_ declarations: Declarations) { (engine, arena) = (declarations.engine, declarations.arena) }

  /// y = 1 · biasᵀ + x W; packed for later too if `isKept`, and anew when the arena's values have changed.
  func multiply(
    _ x: MatrixView, _ weights: MatrixView, into y: MatrixView, bias: UnsafePointer<Float>?, isKept: Bool
  ) {
    if isKept {
      multiply(x, weights, transposed: false, into: y, bias: bias)
    } else {
      engine.products.multiply(x, weights, into: y, bias: bias)
    }
  }

  /// y = 1 · biasᵀ + x W, or x Wᵀ if `transposed`.
  func multiply(
    _ x: MatrixView, _ weights: MatrixView, transposed: Bool, into y: MatrixView, bias: UnsafePointer<Float>?
  ) {
    let (k, n) = transposed ? (weights.columns, weights.rows) : (weights.rows, weights.columns)
    let packed = packed ?? PackedMatrix(rows: k, columns: n, kernels: engine.kernels)
    self.packed = packed
    let isStale = version != arena.version
    version = arena.version
    func multiply(_ panels: Range<Int>) {
      if isStale { packed.pack(weights, transposed: transposed, panels: panels) }
      packed.multiply(x, panels: panels, into: y, bias: bias)
    }
    if !isStale, x.rows * k * n < Self.fewMultiplyAdds { return multiply(0..<packed.panelCount) }
    engine.split(packed.panelCount, multiply)
  }
}
