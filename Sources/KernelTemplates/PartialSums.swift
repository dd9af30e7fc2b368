/// Sums over all units of a row, whoever computes them: each thread writes those of its own units, vector by vector, and in the next
/// stage everyone adds all of them up in the same order, so that the sum does not depend on the number of threads.
@frozen public struct PartialSums {
  /// [sums × rows × vectors of units].
  @usableFromInline let pointer: UnsafeMutablePointer<Float>
  /// The rows of the sequence, and the first of this call.
  @usableFromInline let rows, firstRow: Int
  /// One for each whole or broken vector of the H units, and the first of this thread.
  @usableFromInline let parts, firstPart: Int

  @inlinable public init(
    pointer: UnsafeMutablePointer<Float>, rows: Int, firstRow: Int, parts: Int, firstPart: Int
  ) {
    (self.pointer, self.rows, self.firstRow) = (pointer, rows, firstRow)
    (self.parts, self.firstPart) = (parts, firstPart)
  }

  /// Whether this thread has the first units: what is the same for all of them is written by it.
  @inlinable public var isFirst: Bool { firstPart == 0 }

  /// Where the part of sum k goes for the thread's vector of units `part`, counted from 0, of a row of this call.
  @inlinable public func part(_ part: Int, sum k: Int, row: Int) -> UnsafeMutablePointer<Float> {
    pointer + ((k &* rows &+ firstRow &+ row) &* parts &+ firstPart &+ part)
  }

  /// Sum k of a row of this call, complete from the next stage on.
  @inlinable public func sum(_ k: Int, row: Int) -> Float {
    let first = pointer + (k &* rows &+ firstRow &+ row) &* parts
    var sum: Float = 0
    var part = 0
    while part < parts {
      sum += first[part]
      part &+= 1
    }
    return sum
  }
}
