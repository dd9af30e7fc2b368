import Synchronization

/// Finds the children of contexts that have many of them in constant time: a hash table of node numbers over a trie, in which a
/// node is known by its parent and its word.
///
/// Contexts with few children need none: those lie in one or two cache lines. Open addressing with linear probing, at most half full:
/// 8 to 16 bytes for each n-gram in it. A slot is believed only if it lies among the context's children, so most searches that
/// fail touch the table alone.
struct ChildIndex: Sendable {
  /// Contexts with more children than this are in the table.
  static let fewChildren = 8

  private let slots: [UInt32]
  private let mask: Int
  private static let empty = UInt32.max

  init(_ trie: NGramTrie) {
    var hashed = 0
    for node in 0..<trie.innerCount {
      let count = trie.children(of: node).count
      if count > Self.fewChildren { hashed += count }
    }
    var capacity = 16
    while capacity < 2 * hashed { capacity *= 2 }
    var slots = [UInt32](repeating: Self.empty, count: capacity)
    let mask = capacity - 1
    slots.withUnsafeMutableBufferPointer { slots in
      trie.words.withUnsafeBufferPointer { words in
        for node in 0..<trie.innerCount {
          let children = trie.children(of: node)
          guard children.count > Self.fewChildren else { continue }
          for child in children {
            var place = Self.hash(node, words[child]) & mask
            while slots[place] != Self.empty { place = (place + 1) & mask }
            slots[place] = UInt32(child)
          }
        }
      }
    }
    self.slots = slots
    self.mask = mask
  }

  @inline(__always)
  private static func hash(_ node: Int, _ word: UInt32) -> Int {
    let product = (UInt64(node) << 32 | UInt64(word)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: product >> 32 ^ product >> 15)
  }

  /// Calls `body` with the table where it can be read without bounds checks.
  func withView<R>(_ body: (View) -> R) -> R {
    slots.withUnsafeBufferPointer { body(View(slots: $0, mask: mask)) }
  }

  /// The table.
  struct View {
    let slots: UnsafeBufferPointer<UInt32>
    let mask: Int

    /// The child of `node` with `word`, or a negative number if there is none.
    ///
    /// - Parameter children: the children of `node`.
    @inline(__always)
    func child(of node: Int, word: UInt32, _ children: Range<Int>, _ words: UnsafeBufferPointer<UInt32>)
      -> Int
    {
      if children.count <= ChildIndex.fewChildren {
        for child in children where words[child] == word { return child }
        return -1
      }
      var place = ChildIndex.hash(node, word) & mask
      while true {
        let slot = slots[place]
        if slot == ChildIndex.empty { return -1 }
        if children.contains(Int(slot)), words[Int(slot)] == word { return Int(slot) }
        place = (place + 1) & mask
      }
    }
  }
}

/// An index that is made when it is first needed, once for all copies of its model.
final class LazyChildIndex: Sendable {
  private let index = Mutex<ChildIndex?>(nil)

  /// The index of `trie`, always the same.
  func value(for trie: NGramTrie) -> ChildIndex {
    index.withLock { index in
      if let index { return index }
      let made = ChildIndex(trie)
      index = made
      return made
    }
  }
}
