/// Which elements dropout keeps (Hinton et al. 2012), by a generator that maps a counter to a word: an element's fate
/// depends on the key and its index alone, so masks are the same for any number of threads and any instruction set.
@frozen public struct DropoutMask {
  /// 64 bits that differ for every mask: of the seed, the layer and the step.
  public var key: UInt64
  /// The index of the first element in the whole mask.
  public var firstIndex: UInt32
  /// The probability of a zero, below 1.
  public var rate: Float

  @inlinable public init(key: UInt64, firstIndex: UInt32 = 0, rate: Float) {
    (self.key, self.firstIndex, self.rate) = (key, firstIndex, rate)
  }
}

/// y = 0 with probability `rate`, else 1 / (1 − rate).
///
/// The word of an element is two keyed rounds of the finalizer of MurmurHash3 (Appleby 2011) over its index; its upper
/// 23 bits are compared with the rate.
@inlinable @inline(__always)
func dropout<V: FloatVector>(_: V.Type, _ n: Int, _ mask: DropoutMask, _ y: UnsafeMutablePointer<Float>) {
  let key0 = V.Words(repeating: UInt32(truncatingIfNeeded: mask.key))
  let key1 = V.Words(repeating: UInt32(truncatingIfNeeded: mask.key &>> 32))
  let (rate, kept) = (V(repeating: mask.rate), V(repeating: 1 / (1 - mask.rate)))
  forEachVector(V.self, n) { part in
    let first = mask.firstIndex &+ UInt32(truncatingIfNeeded: part.offset)
    let index = V.Words(repeating: first) &+ V.laneIndices
    let word = mixed(V.self, mixed(V.self, index ^ key0) &+ key1)
    // A float in [1, 2) with 23 of the word's bits, less 1.
    let bits = (word &>> V.Words(repeating: 9)) | V.Words(repeating: 0x3f80_0000)
    let uniform = V(bits: bits) - V(repeating: 1)
    part.store(kept.choosing(V.zero, where: uniform .< rate), y)
  }
}

@inlinable @inline(__always)
func mixed<V: FloatVector>(_: V.Type, _ word: V.Words) -> V.Words {
  var word = (word ^ (word &>> V.Words(repeating: 16))) &* V.Words(repeating: 0x85eb_ca6b)
  word = (word ^ (word &>> V.Words(repeating: 13))) &* V.Words(repeating: 0xc2b2_ae35)
  return word ^ (word &>> V.Words(repeating: 16))
}
