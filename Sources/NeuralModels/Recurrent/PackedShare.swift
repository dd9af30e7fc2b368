import Kernels
import Tensors

/// One thread's share of a matrix M that single steps multiply by: its columns, for products with M, and its rows, for products with Mᵀ,
/// packed once for each update.
final class PackedShare {
  let columns, rows: PackedMatrix
  private let weights: Parameter
  private let ownColumns, ownRows: Range<Int>
  private var versions = (columns: PackedSlice.noVersion, rows: PackedSlice.noVersion)

  /// The share of `thread` in `weights`, which may have no memory yet.
  init(_ weights: Parameter, thread: Int, _ engine: Engine) {
    self.weights = weights
    let shape = weights.shape
    (ownColumns, ownRows) = (engine.units(shape[1], of: thread), engine.units(shape[0], of: thread))
    columns = PackedMatrix(rows: shape[0], columns: ownColumns.count, kernels: engine.kernels)
    rows = PackedMatrix(rows: shape[1], columns: ownRows.count, kernels: engine.kernels)
  }

  /// Packs the columns, unless the weights are still those of `version`.
  func packColumns(version: Int) {
    guard versions.columns != version else { return }
    versions.columns = version
    columns.pack(weights.value.columns(ownColumns))
  }

  /// Packs the rows, unless the weights are still those of `version`.
  func packRows(version: Int) {
    guard versions.rows != version else { return }
    versions.rows = version
    rows.pack(weights.value.rows(ownRows), transposed: true)
  }
}
