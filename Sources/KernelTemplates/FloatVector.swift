/// A SIMD register of floats, and so an instruction set: `SIMD4` the baseline, `SIMD8` AVX2, `SIMD16` AVX-512.
///
/// The kernels are written once, generic over this protocol, and are inlined and specialized in one small target
/// per instruction set. Almost every requirement is met by the standard library's own operators.
public protocol FloatVector: SendableMetatype {
  /// One 32-bit word per lane.
  associatedtype Words: WordVector
  /// One truth value per lane.
  associatedtype Mask

  /// How many floats it holds.
  static var lanes: Int { get }
  /// How many rows the register tile of a matrix product has; its columns are two vectors wide.
  static var tileRows: Int { get }

  /// 0, 1, 2, ….
  static var laneIndices: Words { get }

  init(repeating value: Float)
  init(bits: Words)
  /// The lanes' bit patterns.
  var bits: Words { get }

  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  static func .< (a: Self, b: Self) -> Mask
  static func .> (a: Self, b: Self) -> Mask
  static func .!= (a: Self, b: Self) -> Mask
  /// `self + a * b`, rounded once where the instruction set has a fused multiply-add, else twice.
  func adding(_ a: Self, times b: Self) -> Self
}

/// As many 32-bit words as a `FloatVector` has lanes.
public protocol WordVector: SendableMetatype {
  init(repeating value: UInt32)
  static func &+ (a: Self, b: Self) -> Self
  static func &- (a: Self, b: Self) -> Self
  static func &* (a: Self, b: Self) -> Self
  static func ^ (a: Self, b: Self) -> Self
  static func & (a: Self, b: Self) -> Self
  static func | (a: Self, b: Self) -> Self
  static func &<< (a: Self, b: Self) -> Self
  static func &>> (a: Self, b: Self) -> Self
}

extension SIMD4<UInt32>: WordVector {}
extension SIMD8<UInt32>: WordVector {}
extension SIMD16<UInt32>: WordVector {}

extension SIMD4<Float>: FloatVector {
  public typealias Words = SIMD4<UInt32>
  public typealias Mask = SIMDMask<SIMD4<Int32>>
  @inlinable @inline(__always) public static var laneIndices: Words {
    Words(0, 1, 2, 3)
  }
  @inlinable @inline(__always) public static var lanes: Int { 4 }
  @inlinable @inline(__always) public static var tileRows: Int { 4 }
  @inlinable @inline(__always) public init(bits: Words) { self = unsafeBitCast(bits, to: Self.self) }
  @inlinable @inline(__always) public var bits: Words { unsafeBitCast(self, to: Words.self) }
  @inlinable @inline(__always) public func adding(_ a: Self, times b: Self) -> Self { self + a * b }
}

extension SIMD8<Float>: FloatVector {
  public typealias Words = SIMD8<UInt32>
  public typealias Mask = SIMDMask<SIMD8<Int32>>
  @inlinable @inline(__always) public static var laneIndices: Words {
    Words(0, 1, 2, 3, 4, 5, 6, 7)
  }
  @inlinable @inline(__always) public static var lanes: Int { 8 }
  @inlinable @inline(__always) public static var tileRows: Int { 6 }
  @inlinable @inline(__always) public init(bits: Words) { self = unsafeBitCast(bits, to: Self.self) }
  @inlinable @inline(__always) public var bits: Words { unsafeBitCast(self, to: Words.self) }
  @inlinable @inline(__always) public func adding(_ a: Self, times b: Self) -> Self { addingProduct(a, b) }
}

extension SIMD16<Float>: FloatVector {
  public typealias Words = SIMD16<UInt32>
  public typealias Mask = SIMDMask<SIMD16<Int32>>
  @inlinable @inline(__always) public static var laneIndices: Words {
    Words(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  }
  @inlinable @inline(__always) public static var lanes: Int { 16 }
  @inlinable @inline(__always) public static var tileRows: Int { 12 }
  @inlinable @inline(__always) public init(bits: Words) { self = unsafeBitCast(bits, to: Self.self) }
  @inlinable @inline(__always) public var bits: Words { unsafeBitCast(self, to: Words.self) }
  @inlinable @inline(__always) public func adding(_ a: Self, times b: Self) -> Self { addingProduct(a, b) }
}

extension FloatVector {
  @inlinable @inline(__always) public static var zero: Self { Self(repeating: 0) }

  /// The lanes of `other` where the mask is true, and else those of this vector: as arithmetic on words, because the standard library's
  /// own choice takes a vector apart.
  @inlinable @inline(__always) func choosing(_ other: Self, where mask: Mask) -> Self {
    let words = unsafeBitCast(mask, to: Words.self)
    return Self(bits: bits ^ ((bits ^ other.bits) & words))
  }

  /// The vector at any address.
  @inlinable @inline(__always) public static func load(_ source: UnsafePointer<Float>) -> Self {
    UnsafeRawPointer(source).loadUnaligned(as: Self.self)
  }

  /// Writes the vector to any address.
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: self, as: Self.self)
  }

  /// The first `count` floats at an address and zeros after them; never reads past them.
  @inlinable @inline(__always) public static func load(_ source: UnsafePointer<Float>, count: Int) -> Self {
    var vector = Self.zero
    withUnsafeMutableBytes(of: &vector) { bytes in
      guard let base = bytes.baseAddress else { return }
      copyFloats(Self.self, count, source, base.assumingMemoryBound(to: Float.self))
    }
    return vector
  }

  /// Writes the first `count` lanes, and never past them.
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<Float>, count: Int) {
    withUnsafeBytes(of: self) { bytes in
      guard let base = bytes.baseAddress else { return }
      copyFloats(Self.self, count, base.assumingMemoryBound(to: Float.self), target)
    }
  }

  /// `load(_:count:)` out of line, so that the accumulators of a register tile stay in registers.
  @inlinable @inline(never) static func loadApart(_ source: UnsafePointer<Float>, count: Int) -> Self {
    load(source, count: count)
  }

  /// `store(_:count:)` out of line.
  @inlinable @inline(never) func storeApart(_ target: UnsafeMutablePointer<Float>, count: Int) {
    store(target, count: count)
  }
}

/// Copies `count` floats, at most a vector. It takes addresses because vectors are passed to a function in pieces.
@inlinable @inline(never)
func copyFloats<V: FloatVector>(
  _: V.Type, _ count: Int, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
) {
  var i = 0
  while i < count && i < V.lanes {
    target[i] = source[i]
    i &+= 1
  }
}
