/// The accumulators of some rows of a register tile, two vectors a row: a type per number of rows, so that all of
/// them stay in registers without relying on the optimizer to unroll a loop.
public protocol Accumulators {
  associatedtype Vector: FloatVector
  static var rows: Int { get }
  /// Zeros.
  init()
  init(loading source: UnsafePointer<Float>, stride: Int)
  /// Loads no more than the first `columns` columns.
  init(loading source: UnsafePointer<Float>, stride: Int, columns: Int)
  /// Adds the outer product of the column `a[r * stride]` and the row (b0, b1).
  mutating func add(_ a: UnsafePointer<Float>, stride: Int, _ b0: Vector, _ b1: Vector)
  func store(_ target: UnsafeMutablePointer<Float>, stride: Int)
  /// Writes no more than the first `columns` columns.
  func store(_ target: UnsafeMutablePointer<Float>, stride: Int, columns: Int)
}

/// The accumulators of one row.
@frozen public struct OneRow<Vector: FloatVector>: Accumulators {
  @usableFromInline var left: Vector
  @usableFromInline var right: Vector

  @inlinable @inline(__always) public static var rows: Int { 1 }

  @inlinable @inline(__always) public init() {
    left = Vector.zero
    right = Vector.zero
  }

  @inlinable @inline(__always) public init(loading source: UnsafePointer<Float>, stride: Int) {
    left = Vector.load(source)
    right = Vector.load(source + Vector.lanes)
  }

  @inlinable @inline(__always)
  public init(loading source: UnsafePointer<Float>, stride: Int, columns: Int) {
    left = Vector.loadApart(source, count: columns)
    right = Vector.loadApart(source + Vector.lanes, count: columns &- Vector.lanes)
  }

  @inlinable @inline(__always)
  public mutating func add(_ a: UnsafePointer<Float>, stride: Int, _ b0: Vector, _ b1: Vector) {
    let value = Vector(repeating: a.pointee)
    left = left.adding(value, times: b0)
    right = right.adding(value, times: b1)
  }

  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
    left.store(target)
    right.store(target + Vector.lanes)
  }

  @inlinable @inline(__always)
  public func store(_ target: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
    left.storeApart(target, count: columns)
    right.storeApart(target + Vector.lanes, count: columns &- Vector.lanes)
  }
}

/// The accumulators of one row of the last panel's half, when the product has no columns in the other half.
@frozen public struct HalfRow<Vector: FloatVector>: Accumulators {
  @usableFromInline var left: Vector

  @inlinable @inline(__always) public static var rows: Int { 1 }

  @inlinable @inline(__always) public init() { left = Vector.zero }

  @inlinable @inline(__always) public init(loading source: UnsafePointer<Float>, stride: Int) {
    left = Vector.load(source)
  }

  @inlinable @inline(__always)
  public init(loading source: UnsafePointer<Float>, stride: Int, columns: Int) {
    left = Vector.loadApart(source, count: columns)
  }

  @inlinable @inline(__always)
  public mutating func add(_ a: UnsafePointer<Float>, stride: Int, _ b0: Vector, _ b1: Vector) {
    left = left.adding(Vector(repeating: a.pointee), times: b0)
  }

  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
    left.store(target)
  }

  @inlinable @inline(__always)
  public func store(_ target: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
    left.storeApart(target, count: columns)
  }
}

/// The accumulators of the rows of `Upper` and below them those of `Lower`.
@frozen public struct Both<Upper: Accumulators, Lower: Accumulators>: Accumulators
where Upper.Vector == Lower.Vector {
  @usableFromInline var upper: Upper
  @usableFromInline var lower: Lower

  @inlinable @inline(__always) public static var rows: Int { Upper.rows &+ Lower.rows }

  @inlinable @inline(__always) public init() {
    upper = Upper()
    lower = Lower()
  }

  @inlinable @inline(__always) public init(loading source: UnsafePointer<Float>, stride: Int) {
    upper = Upper(loading: source, stride: stride)
    lower = Lower(loading: source + Upper.rows &* stride, stride: stride)
  }

  @inlinable @inline(__always)
  public init(loading source: UnsafePointer<Float>, stride: Int, columns: Int) {
    upper = Upper(loading: source, stride: stride, columns: columns)
    lower = Lower(loading: source + Upper.rows &* stride, stride: stride, columns: columns)
  }

  @inlinable @inline(__always)
  public mutating func add(
    _ a: UnsafePointer<Float>, stride: Int, _ b0: Upper.Vector, _ b1: Upper.Vector
  ) {
    upper.add(a, stride: stride, b0, b1)
    lower.add(a + Upper.rows &* stride, stride: stride, b0, b1)
  }

  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<Float>, stride: Int) {
    upper.store(target, stride: stride)
    lower.store(target + Upper.rows &* stride, stride: stride)
  }

  @inlinable @inline(__always)
  public func store(_ target: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
    upper.store(target, stride: stride, columns: columns)
    lower.store(target + Upper.rows &* stride, stride: stride, columns: columns)
  }
}
