import Kernels
import Tensors

/// One thread's share of a layer's recurrent weights U [R × recurrent gates·H]: the columns of its units, packed for the product of each
/// gate, and the rows of its part of the R numbers that the step before gave, packed for ∂a Uᵀ. Without projection R = H.
final class PackedSlice {
  /// The units of the thread.
  let units: Range<Int>
  /// The thread's part of R.
  let outputs: Range<Int>
  /// For each recurrent gate, in the order of U's columns, its columns of the units: [R × units].
  let gates: [PackedMatrix]
  /// For each stage, the rows of the outputs in the columns of its gates, transposed: [gates·H × outputs].
  let transposes: [PackedMatrix]

  private let hiddenSize: Int
  private var forwardVersion = noVersion
  private var backwardVersion = noVersion

  /// - Parameter stageGates: how many gates each stage has.
  init(
    units: Range<Int>, outputs: Range<Int>, stageGates: [Int], hiddenSize: Int, outputSize: Int,
    kernels: KernelTable
  ) {
    (self.units, self.outputs) = (units, outputs)
    self.hiddenSize = hiddenSize
    gates = (0..<stageGates.reduce(0, +)).map { _ in
      PackedMatrix(rows: outputSize, columns: units.count, kernels: kernels)
    }
    transposes = stageGates.map {
      PackedMatrix(rows: $0 * hiddenSize, columns: outputs.count, kernels: kernels)
    }
  }

  /// What never is the version of an arena: weights of this version are packed at every call.
  static let noVersion = -1

  /// Packs for the products of the gates, unless the weights are still those of `version`.
  func packForward(_ weights: MatrixView, version: Int) {
    guard forwardVersion != version || version == Self.noVersion else { return }
    forwardVersion = version
    for (i, gate) in gates.enumerated() {
      let first = i * hiddenSize
      gate.pack(weights.columns(first + units.lowerBound..<first + units.upperBound))
    }
  }

  /// Packs for ∂a Uᵀ, unless the weights are still those of `version`.
  func packBackward(_ weights: MatrixView, version: Int) {
    guard backwardVersion != version || version == Self.noVersion else { return }
    backwardVersion = version
    var first = 0
    for transpose in transposes where transpose.rows > 0 {
      transpose.pack(weights.rows(outputs).columns(first..<first + transpose.rows), transposed: true)
      first += transpose.rows
    }
  }
}
