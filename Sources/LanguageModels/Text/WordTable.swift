/// The index of a token in a vocabulary.
public typealias TokenID = UInt32

/// A set of byte strings numbered in order of insertion: an open-addressing hash table over one byte arena.
///
/// A word is found from the bytes of the text itself; no `String` is made.
struct WordTable: Sendable {
  private var arena: [UInt8] = []
  /// Word `id` is `arena[ends[id]..<ends[id + 1]]`.
  private var ends: [Int] = [0]
  /// Upper half: hash; lower half: id + 1, or 0 for an empty slot. Linear probing, at most half full.
  private var slots = [UInt64](repeating: 0, count: 1024)

  /// How many words there are.
  var count: Int { ends.count - 1 }

  /// The number of `word`, or `nil` if it is not in the table.
  func find(_ word: UnsafeRawBufferPointer) -> TokenID? {
    let entry = slots[slot(of: word, hash: Self.hash(word))]
    return entry == 0 ? nil : TokenID(truncatingIfNeeded: entry) - 1
  }

  /// The number of `word`, which is added if it is new.
  mutating func insert(_ word: UnsafeRawBufferPointer) -> TokenID {
    let hash = Self.hash(word)
    let position = slot(of: word, hash: hash)
    let entry = slots[position]
    if entry != 0 { return TokenID(truncatingIfNeeded: entry) - 1 }
    let id = count
    arena.append(contentsOf: word)
    ends.append(arena.count)
    slots[position] = hash << 32 | UInt64(id + 1)
    if 2 * count > slots.count { grow() }
    return TokenID(id)
  }

  /// Calls `body` with the bytes of word `id`.
  func withBytes<Result>(of id: TokenID, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
  {
    let range = ends[Int(id)]..<ends[Int(id) + 1]
    return try arena.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  @inline(__always)
  private func slot(of word: UnsafeRawBufferPointer, hash: UInt64) -> Int {
    arena.withUnsafeBytes { arena in
      let mask = slots.count - 1
      var position = Int(truncatingIfNeeded: hash) & mask
      while true {
        let entry = slots[position]
        if entry == 0 { return position }
        if entry >> 32 == hash & 0xFFFF_FFFF {
          let id = Int(entry & 0xFFFF_FFFF) - 1
          let length = ends[id + 1] - ends[id]
          if length == word.count, Self.equal(arena, ends[id], word) { return position }
        }
        position = (position + 1) & mask
      }
    }
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: 4 * old.count)
    let mask = slots.count - 1
    for entry in old where entry != 0 {
      var position = Int(entry >> 32) & mask
      while slots[position] != 0 { position = (position + 1) & mask }
      slots[position] = entry
    }
  }

  @inline(__always)
  private static func equal(
    _ arena: UnsafeRawBufferPointer, _ offset: Int, _ word: UnsafeRawBufferPointer
  ) -> Bool {
    for i in 0..<word.count where arena[offset + i] != word[i] { return false }
    return true
  }

  /// A 32-bit hash: eight bytes at a time, multiplied and folded.
  @inline(__always)
  private static func hash(_ word: UnsafeRawBufferPointer) -> UInt64 {
    var hash = UInt64(word.count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset + 8 <= word.count {
      hash = mix(hash ^ word.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < word.count {
      tail = tail << 8 | UInt64(word[offset])
      offset += 1
    }
    return mix(hash ^ tail) & 0xFFFF_FFFF
  }

  @inline(__always)
  private static func mix(_ x: UInt64) -> UInt64 {
    let product = x.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}
