/// The kernels of one instruction set.
public struct KernelTable: Sendable {
  /// The word that `LMCTL_KERNELS` knows it by.
  public let name: String
  /// The floats of a vector.
  public let lanes: Int
  /// The rows of a register tile.
  public let tileRows: Int
  /// The columns of a packed panel.
  public let panelWidth: Int

  /// C = initial + A · B for one packed panel B.
  public let multiplyPanel: @Sendable (PanelProduct) -> Void
  /// Packs one panel of B or one row tile of A.
  public let pack: @Sendable (PackedPart) -> Void
  /// Runs (iterations, seed) of `peakOperations` operations each.
  public let multiplyAddChains: @Sendable (Int, Float) -> Float
  public let peakOperations: Int
}

extension KernelTable {
  /// The templates, specialized for one vector type; called once in each kernel target.
  @inlinable @inline(__always)
  public init<V: FloatVector>(_ name: String, _: V.Type) {
    self.name = name
    lanes = V.lanes
    tileRows = V.tileRows
    panelWidth = 2 * V.lanes
    multiplyPanel = { KernelTemplates.multiplyPanel(V.self, $0) }
    pack = { KernelTemplates.pack(V.self, $0) }
    multiplyAddChains = { KernelTemplates.multiplyAddChains(V.self, $0, $1) }
    peakOperations = multiplyAddChainOperations(V.self)
  }
}
