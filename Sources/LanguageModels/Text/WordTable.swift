/// The index of a token in a vocabulary.
public typealias TokenID = UInt32

/// A set of byte strings numbered in order of insertion: an open-addressing hash table over one byte arena.
///
/// A word is found from the bytes of the text itself; no `String` is made. A slot holds a word of up to eight bytes, as most are, in whole, so that
/// to find it is to read one slot.
struct WordTable: Sendable {
  /// A word in the table.
  fileprivate struct Slot {
    /// The bytes of a short word, the hash of a long one.
    var key: UInt64
    var length: UInt32
    /// The word's number, or `none`.
    var id: UInt32

    static let none = UInt32.max
    static let empty = Slot(key: 0, length: 0, id: none)
  }

  private var arena: [UInt8] = []
  /// Word `id` is `arena[ends[id]..<ends[id + 1]]`.
  private var ends: [Int] = [0]
  /// Linear probing, at most two thirds full.
  private var slots = [Slot](repeating: .empty, count: 1024)

  /// How many words there are.
  var count: Int { ends.count - 1 }

  /// The number of `word`, or `nil` if it is not in the table.
  func find(_ word: UnsafeRawBufferPointer) -> TokenID? {
    withLookup { $0.find(word, 0, word.count) }
  }

  /// Calls `body` with what finds many words without a check of bounds or a count of references for each.
  @inline(__always)
  func withLookup<Result>(_ body: (Lookup) throws -> Result) rethrows -> Result {
    try slots.withUnsafeBufferPointer { slots in
      try ends.withUnsafeBufferPointer { ends in
        try arena.withUnsafeBytes { try body(Lookup(slots: slots, ends: ends, arena: $0)) }
      }
    }
  }

  /// The number of `word`, which is added if it is new.
  mutating func insert(_ word: UnsafeRawBufferPointer) -> TokenID { insert(word, 0, word.count) }

  /// The number of the word in `bytes[start..<end]`, which is added if it is new.
  @inline(__always)
  mutating func insert(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> TokenID {
    let key = Lookup.key(bytes, start, end)
    let place = withLookup { $0.place(of: key, bytes, start, end) }
    if slots[place].id != Slot.none { return slots[place].id }
    return add(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), key, at: place)
  }

  private mutating func add(_ word: UnsafeRawBufferPointer, _ key: UInt64, at place: Int) -> TokenID {
    let id = TokenID(count)
    arena.append(contentsOf: word)
    ends.append(arena.count)
    slots[place] = Slot(key: key, length: UInt32(word.count), id: id)
    if 3 * count > 2 * slots.count { grow() }
    return id
  }

  /// Calls `body` with the bytes of word `id`.
  func withBytes<Result>(of id: TokenID, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
  {
    let range = ends[Int(id)]..<ends[Int(id) + 1]
    return try arena.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Forgets where words are found, which takes most of the memory; they can still be named by their numbers.
  mutating func forgetPlaces() { slots = [.empty] }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: .empty, count: (old.count < 1 << 16 ? 4 : 2) * old.count)
    let mask = slots.count - 1
    for slot in old where slot.id != Slot.none {
      var place = Lookup.hash(slot.key, slot.length) & mask
      while slots[place].id != Slot.none { place = (place + 1) & mask }
      slots[place] = slot
    }
  }

  /// A table where it lies.
  struct Lookup {
    fileprivate let slots: UnsafeBufferPointer<Slot>
    fileprivate let ends: UnsafeBufferPointer<Int>
    fileprivate let arena: UnsafeRawBufferPointer

    /// The number of the word in `bytes[start..<end]`, or `nil` if it is not in the table.
    @inline(__always)
    func find(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> TokenID? {
      let id = slots[place(of: Self.key(bytes, start, end), bytes, start, end)].id
      return id == Slot.none ? nil : id
    }

    /// Where the word is, or would be.
    @inline(__always)
    fileprivate func place(of key: UInt64, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
      let mask = slots.count - 1
      let length = UInt32(end - start)
      var place = WordTable.Lookup.hash(key, length) & mask
      while true {
        let slot = slots[place]
        if slot.id == Slot.none { return place }
        if slot.key == key, slot.length == length, length <= 8 || equal(slot.id, bytes, start, end) {
          return place
        }
        place = (place + 1) & mask
      }
    }

    @inline(__always)
    private func equal(_ id: UInt32, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
      let offset = ends[Int(id)] - start
      for i in start..<end where arena[offset + i] != bytes[i] { return false }
      return true
    }

    /// The bytes of a short word as a number, the hash of a long one.
    @inline(__always)
    fileprivate static func key(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UInt64 {
      var position = start
      var hash: UInt64 = 0
      while end - position > 8 {
        hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        position += 8
      }
      let rest = end - position
      if rest == 0 { return hash }
      if position + 8 <= bytes.count {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        return hash ^ (word & (.max >> UInt64(64 - 8 * rest)))
      }
      var tail: UInt64 = 0
      for i in 0..<rest { tail |= UInt64(bytes[position + i]) << UInt64(8 * i) }
      return hash ^ tail
    }

    @inline(__always)
    fileprivate static func hash(_ key: UInt64, _ length: UInt32) -> Int {
      Int(truncatingIfNeeded: mix(key ^ UInt64(length) &* 0x9E37_79B9_7F4A_7C15))
    }

    @inline(__always)
    private static func mix(_ x: UInt64) -> UInt64 {
      let product = x.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      return product.high ^ product.low
    }
  }
}
