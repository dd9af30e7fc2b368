/// The rows and columns that a cell's pointwise mathematics runs over: B rows (sequences) of `units` hidden units.
@frozen public struct CellShape {
  /// B.
  public var rows: Int
  /// The units of each row, all of H or a thread's share.
  public var units: Int
  /// The distance between rows of every gate buffer.
  public var gateStride: Int
  /// The distance between rows of every state buffer: h, c, tanh c and their gradients.
  public var stateStride: Int

  @inlinable public init(rows: Int, units: Int, gateStride: Int, stateStride: Int) {
    (self.rows, self.units, self.gateStride, self.stateStride) = (rows, units, gateStride, stateStride)
  }
}
