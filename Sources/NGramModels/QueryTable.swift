import Glibc
import LanguageModels
import Synchronization
import Threads

/// Finds n-grams in long texts in constant time: a hash table over a trie, from a context's node and a word to what they lead to.
///
/// A search that succeeds reads one place in memory, one that fails another beside it. Open addressing with linear probing, two thirds full.
/// Memory: 24 bytes for each n-gram, and 8 for each context.
struct QueryTable: Sendable {
  /// An n-gram hw.
  private struct Slot {
    /// The node of h and the word w, or `empty`.
    var key: UInt64
    /// The node that the next word is looked up under.
    var next: UInt32
    /// ln p(w | h).
    var logProbability: Float

    static let empty = UInt64.max
  }

  /// What a context becomes without its first word.
  private struct Shortening {
    /// Its node.
    var suffix: UInt32
    /// ln b(h).
    var logBackoff: Float
  }

  private let memory: Memory
  /// Parts of the same size that the table is filled in.
  private let regions: Int
  private let shortenings: [Shortening]
  /// Of the unigrams.
  private let logProbabilities: [Float]
  /// V: node V is `<s>`, and the nodes up to it are single words.
  private let vocabularySize: Int

  /// A table of a trie of an order from 2; `nil` if the system has no memory for it.
  init?(_ trie: NGramTrie) {
    let count = trie.words.count - trie.levelStarts[1]
    let needed = max(16, count + count / 2)
    regions = min(max(1, needed / Self.regionSize), Self.maximumRegions)
    let slots = (needed + regions - 1) / regions * regions
    let others = trie.innerCount * MemoryLayout<Shortening>.stride + 4 * trie.levelStarts[1]
    guard MemoryBudget.left >= slots * MemoryLayout<Slot>.stride + others + Self.margin,
      let memory = Memory(count: slots)
    else { return nil }
    self.memory = memory
    vocabularySize = trie.vocabularySize
    logProbabilities = Array(trie.logProbabilities[..<trie.levelStarts[1]])
    shortenings = zip(trie.suffixes, trie.logBackoffs).map { Shortening(suffix: $0, logBackoff: $1) }
    fill(from: trie)
  }

  /// Bytes that are left for what else there is to do.
  private static let margin = 64 << 20

  /// Slots of a region, which the second-level cache holds, unless there are too many regions for the first one to write to side by side.
  private static let regionSize = 1 << 15
  private static let maximumRegions = 512

  /// Puts all n-grams into the table: first into the regions that they belong to, one after the other, then, region by region,
  /// each in its place.
  private func fill(from trie: NGramTrie) {
    nonisolated(unsafe) let slots = memory.slots
    let size = slots.count / regions
    var counts = [Int](repeating: 0, count: regions)
    // What does not fit into its region.
    var rest: [Slot] = []
    for node in 0..<trie.innerCount {
      for child in trie.children(of: node) {
        let slot = Slot(
          key: Self.key(UInt32(node), trie.words[child]),
          next: child < trie.innerCount ? UInt32(child) : trie.suffixes[child],
          logProbability: trie.logProbabilities[child])
        let region = Self.place(of: slot.key, in: regions)
        let count = counts[region]
        if count < size {
          slots.initializeElement(at: region * size + count, to: slot)
          counts[region] = count + 1
        } else {
          rest.append(slot)
        }
      }
    }
    let rests = Mutex<[Slot]>(rest)
    Threads.perform(regions) { [counts] region in
      let part = UnsafeMutableBufferPointer(rebasing: slots[region * size..<(region + 1) * size])
      let rest = Self.settle(part, count: counts[region], from: region * size, of: slots.count)
      if !rest.isEmpty { rests.withLock { $0 += rest } }
    }
    rests.withLock { rests in
      for slot in rests {
        var place = Self.place(of: slot.key, in: slots.count)
        while slots[place].key != Slot.empty { place = place + 1 == slots.count ? 0 : place + 1 }
        slots[place] = slot
      }
    }
  }

  /// Puts the first `count` slots of a region, which begins at place `start` of a table of `total`, in their places; those that run over its
  /// end come back.
  private static func settle(
    _ region: UnsafeMutableBufferPointer<Slot>, count: Int, from start: Int, of total: Int
  ) -> [Slot] {
    let found = Array(region[..<count])
    region.initialize(repeating: Slot(key: Slot.empty, next: 0, logProbability: 0))
    var rest: [Slot] = []
    for slot in found {
      var place = Self.place(of: slot.key, in: total) - start
      while place < region.count, region[place].key != Slot.empty { place += 1 }
      if place < region.count { region[place] = slot } else { rest.append(slot) }
    }
    return rest
  }

  /// The slots, in huge pages where the system has them: searches go everywhere.
  private final class Memory: @unchecked Sendable {
    let slots: UnsafeMutableBufferPointer<Slot>

    private let mapping: (start: UnsafeMutableRawPointer, size: Int)

    /// Room for `count` slots; `nil` if the system gives none.
    init?(count: Int) {
      let hugePage = 2 << 20
      let size = count * MemoryLayout<Slot>.stride
      let isLarge = size >= hugePage
      let mapped = isLarge ? size + hugePage : size
      // Unlike an array, it may be refused.
      guard
        let start = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        start != MAP_FAILED
      else { return nil }
      mapping = (start, mapped)
      let memory = isLarge ? start.alignedUp(toMultipleOf: hugePage) : start
      if isLarge { madvise(memory, size / hugePage * hugePage, MADV_HUGEPAGE) }
      slots = UnsafeMutableBufferPointer(
        start: memory.bindMemory(to: Slot.self, capacity: count), count: count)
    }

    deinit { munmap(mapping.start, mapping.size) }
  }

  @inline(__always)
  private static func key(_ node: UInt32, _ word: UInt32) -> UInt64 { UInt64(node) << 32 | UInt64(word) }

  @inline(__always)
  private static func place(of key: UInt64, in count: Int) -> Int {
    let product = key.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return Int((product.high ^ product.low).multipliedFullWidth(by: UInt64(count)).high)
  }

  /// A stretch of the text that is being scored.
  private struct Lane {
    /// Where the next token is looked up: the longest known suffix of the words before it, or what is left of it.
    var node: UInt32
    /// Σ ln b of what it was shortened by.
    var weight: Float = 0
    /// Where the token was looked up first.
    var context: UInt32
    var position: Int
    let end: Int
    /// The search: for what, where it begins, and what is there.
    var key: UInt64 = 0
    var place = 0
    var found: UInt64 = 0

    /// The lane of the tokens at `positions`, the first of which is looked up at `node`.
    init(_ node: UInt32, _ positions: Range<Int>) {
      (self.node, context) = (node, node)
      (position, end) = (positions.lowerBound, positions.upperBound)
    }
  }

  /// Stretches scored side by side, so that the memory works on as many searches at a time.
  private static let lanes = 8

  /// Writes ln p of each of `tokens`, and returns the node that the token behind them is looked up under.
  ///
  /// - Parameters:
  ///   - node: where the first token is looked up.
  ///   - start: where the first token of each sentence is looked up, if the context restarts with it.
  func score(
    _ tokens: UnsafeBufferPointer<TokenID>, after node: UInt32, start: UInt32?,
    into output: UnsafeMutableBufferPointer<Float>
  ) -> UInt32 {
    follow(tokens, after: node, start: start, into: output) { score, _ in score }
  }

  /// The same with, in place of ln p of a token, the element of `totals` for the node that it is looked up under.
  func score(
    _ tokens: UnsafeBufferPointer<TokenID>, after node: UInt32, start: UInt32?, totals: [Float],
    into output: UnsafeMutableBufferPointer<Float>
  ) -> UInt32 {
    follow(tokens, after: node, start: start, into: output) { _, context in totals[Int(context)] }
  }

  /// Looks up each of `tokens`, and writes what `value` makes of its ln p and the node of its context.
  @inline(__always)
  private func follow(
    _ tokens: UnsafeBufferPointer<TokenID>, after node: UInt32, start: UInt32?,
    into output: UnsafeMutableBufferPointer<Float>,
    _ value: (_ logProbability: Float, _ context: UInt32) -> Float
  ) -> UInt32 {
    let cuts = start == nil ? [0, tokens.count] : sentenceCuts(of: tokens, pieces: Self.lanes)
    var result = node
    withUnsafeTemporaryAllocation(of: Lane.self, capacity: Self.lanes) { lanes in
      var active = 0
      for (first, end) in zip(cuts, cuts.dropFirst()) {
        lanes.initializeElement(
          at: active, to: Lane(first == 0 ? node : start ?? node, first..<end))
        active += 1
      }
      let slots = memory.slots
      withExtendedLifetime(memory) {
        shortenings.withUnsafeBufferPointer { shortenings in
          logProbabilities.withUnsafeBufferPointer { logProbabilities in
            while active > 0 {
              for i in 0..<active {
                let key = Self.key(lanes[i].node, tokens[lanes[i].position])
                let place = Self.place(of: key, in: slots.count)
                (lanes[i].key, lanes[i].place, lanes[i].found) = (key, place, slots[place].key)
              }
              var i = 0
              while i < active {
                var lane = lanes[i]
                while lane.found != lane.key, lane.found != Slot.empty {
                  lane.place = lane.place + 1 == slots.count ? 0 : lane.place + 1
                  lane.found = slots[lane.place].key
                }
                let word = tokens[lane.position]
                if lane.found == lane.key {
                  let slot = slots[lane.place]
                  output[lane.position] = value(lane.weight + slot.logProbability, lane.context)
                  lane.node = slot.next
                } else {
                  let shortening = shortenings[Int(lane.node)]
                  lane.weight += shortening.logBackoff
                  if lane.node > vocabularySize {
                    lane.node = shortening.suffix
                    lanes[i] = lane
                    i += 1
                    continue
                  }
                  output[lane.position] = value(lane.weight + logProbabilities[Int(word)], lane.context)
                  lane.node = word
                }
                lane.weight = 0
                lane.position += 1
                if let start, word == Vocabulary.endOfSentence { lane.node = start }
                lane.context = lane.node
                if lane.position < lane.end {
                  lanes[i] = lane
                  i += 1
                } else {
                  if lane.end == tokens.count { result = lane.node }
                  active -= 1
                  lanes[i] = lanes[active]
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// Where to cut a text, behind ends of sentences, into at most so many pieces of about the same size; none is empty.
func sentenceCuts(of tokens: UnsafeBufferPointer<TokenID>, pieces: Int) -> [Int] {
  var cuts = [0]
  for piece in 1..<max(2, pieces) {
    var cut = max(cuts[cuts.count - 1] + 1, tokens.count * piece / pieces)
    while cut < tokens.count, tokens[cut - 1] != Vocabulary.endOfSentence { cut += 1 }
    if cut >= tokens.count { break }
    cuts.append(cut)
  }
  return cuts + (tokens.isEmpty ? [] : [tokens.count])
}

/// A table that is made once for all copies of its model, when so many tokens have been scored that it pays; if there is no memory
/// for it, it is done without.
final class LazyQueryTable: Sendable {
  private struct State {
    var tokens = 0
    var table: QueryTable?
    /// Whether there was no memory for the table.
    var isRefused = false
  }

  private let state = Mutex(State())

  /// The table of `trie`, always the same; `nil` if it does not pay so far.
  ///
  /// - Parameter count: how many more tokens are scored now.
  func value(for trie: NGramTrie, scoring count: Int) -> QueryTable? {
    state.withLock { state in
      state.tokens += count
      Self.make(&state, for: trie, ifItPaysFor: state.tokens)
      return state.table
    }
  }

  /// Makes the table if it pays to do so for `count` tokens that will be scored.
  func prepare(for trie: NGramTrie, scoring count: Int) {
    state.withLock { Self.make(&$0, for: trie, ifItPaysFor: $0.tokens + count) }
  }

  /// To put an n-gram into the table takes about a sixteenth of what the table saves for each token.
  private static func make(_ state: inout State, for trie: NGramTrie, ifItPaysFor tokens: Int) {
    guard state.table == nil, !state.isRefused, tokens >= trie.words.count / 16 else { return }
    state.table = QueryTable(trie)
    state.isRefused = state.table == nil
  }
}
