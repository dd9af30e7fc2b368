import Kernels
import Tensors

/// One thread's share of a layer's recurrent weights U [H × blocks·H]: the columns of its units, packed for h U, and the rows of its
/// units, packed for ∂a Uᵀ.
final class PackedSlice {
  /// The units of the thread.
  let units: Range<Int>
  /// For each block, its columns of the units: [H × units].
  let blocks: [PackedMatrix]
  /// The rows of the units, transposed: [blocks·H × units].
  let transpose: PackedMatrix

  private let hiddenSize: Int
  private var forwardVersion = noVersion
  private var backwardVersion = noVersion

  init(units: Range<Int>, blocks: Int, hiddenSize: Int, kernels: KernelTable) {
    self.units = units
    self.hiddenSize = hiddenSize
    self.blocks = (0..<blocks).map { _ in
      PackedMatrix(rows: hiddenSize, columns: units.count, kernels: kernels)
    }
    transpose = PackedMatrix(rows: blocks * hiddenSize, columns: units.count, kernels: kernels)
  }

  /// What never is the version of an arena: weights of this version are packed at every call.
  static let noVersion = -1

  /// Packs for h U, unless the weights are still those of `version`.
  func packForward(_ weights: MatrixView, version: Int) {
    guard forwardVersion != version || version == Self.noVersion else { return }
    forwardVersion = version
    for (i, block) in blocks.enumerated() {
      let first = i * hiddenSize
      block.pack(weights.columns(first + units.lowerBound..<first + units.upperBound))
    }
  }

  /// Packs for ∂a Uᵀ, unless the weights are still those of `version`.
  func packBackward(_ weights: MatrixView, version: Int) {
    guard backwardVersion != version || version == Self.noVersion else { return }
    backwardVersion = version
    transpose.pack(weights.rows(units), transposed: true)
  }
}
