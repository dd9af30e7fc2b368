import LanguageModels

/// Finds the suffix of every n-gram of `StoredCounts` without random access to files.
///
/// The suffix of an n-gram hw is the child of h′, the suffix of its context, with the word w. Level k − 1 is cut into parts that fit into
/// memory; what looks for a suffix is sorted by these, part by part looked up, and put in order again. Contexts keep their order
/// within a part, so for all of it, it is enough to know which context belongs to which part.
struct SuffixLinks: Sendable {
  /// The links of one level.
  struct Level: Sendable {
    /// For each context that something follows, in order, the part that it belongs to.
    let parts: StoredArray<UInt8>
    /// Of each part, the n-grams of level k − 1 in it.
    let targets: [Range<Int>]
    /// The suffixes, part by part.
    let suffixes: StoredArray<UInt32>
    /// Where each part begins in `suffixes`, and their end.
    let starts: [Int]
  }

  let counts: StoredCounts
  /// The links of each level from 2.
  private(set) var levels: [Level] = []
  /// Of each level below the highest, the adjusted counts; see `NGramCounts.counts(adjusted:)`.
  private(set) var adjustedCounts: [StoredArray<UInt32>] = []

  /// The links of level k, from 2.
  func level(_ k: Int) -> Level { levels[k - 2] }

  /// Parts of a level, at most: their numbers are bytes, and each has a file open while n-grams are sorted by them.
  private static let maximumParts = 255

  /// Finds the suffixes of all levels, from the lowest up.
  ///
  /// - Throws: `StoredCounts.Inconsistency` if these cannot be the counts of a text.
  init(_ counts: StoredCounts, progress: (Int) -> Void) throws {
    self.counts = counts
    guard counts.order > 1 else { return }
    try linkBigrams()
    for k in 3..<max(3, counts.order + 1) {
      progress(k)
      try link(level: k)
    }
  }

  /// The suffix of a bigram is its last word, and all words are one part.
  private mutating func linkBigrams() throws {
    let words = counts.level(2).words
    var predecessors = [UInt32](repeating: 0, count: counts.vocabularySize + 1)
    var reader = StoredArrayReader(words)
    while !reader.isAtEnd { predecessors[Int(try reader.next())] += 1 }
    let folder = counts.limit.folder
    var adjusted = try StoredArrayWriter<UInt32>(in: folder)
    var rawCounts = StoredArrayReader(counts.level(1).counts)
    for (word, count) in predecessors.enumerated() {
      guard try rawCounts.next() == 0 || count > 0 || word == counts.vocabularySize else {
        throw StoredCounts.Inconsistency.nothingBefore(order: 1)
      }
      try adjusted.append(count)
    }
    adjustedCounts.append(try adjusted.finish())
    var parts = try StoredArrayWriter<UInt8>(in: folder)
    for _ in predecessors { try parts.append(0) }
    levels.append(
      Level(
        parts: try parts.finish(), targets: [0..<predecessors.count], suffixes: words,
        starts: [0, words.count]))
  }

  /// A part of level k − 1 in which suffixes are looked up.
  private struct Part {
    /// The contexts of its n-grams, in level k − 2.
    var contexts: Range<Int>
    /// Its n-grams, in level k − 1.
    var targets: Range<Int>
  }

  /// Cuts level k − 1 into parts that fit into memory.
  private func parts(for k: Int) throws -> [Part] {
    let (contexts, targets) = (counts.level(k - 2), counts.level(k - 1))
    let total = 4 * contexts.count + 8 * targets.count
    let size = max(
      counts.limit.partSize(vocabularySize: counts.vocabularySize), total / (Self.maximumParts - 1) + 1)
    var reader = StoredArrayReader(contexts.childCounts)
    var parts: [Part] = []
    var part = Part(contexts: 0..<0, targets: 0..<0)
    for context in 0..<contexts.count {
      let children = Int(try reader.next())
      if 4 * part.contexts.count + 8 * (part.targets.count + children) > size, !part.contexts.isEmpty {
        parts.append(part)
        part = Part(contexts: context..<context, targets: part.targets.upperBound..<part.targets.upperBound)
      }
      part.contexts = part.contexts.lowerBound..<context + 1
      part.targets = part.targets.lowerBound..<part.targets.upperBound + children
    }
    return parts + [part]
  }

  private mutating func link(level k: Int) throws {
    let limit = counts.limit
    let parts = try parts(for: k)
    let (partOfContext, requests) = try distribute(level: k, to: parts)
    let below = counts.level(k - 1)
    let blockSize = limit.blockSize(streams: 8)
    var suffixes = try StoredArrayWriter<UInt32>(in: limit.folder, blockSize: blockSize)
    var adjusted = try StoredArrayWriter<UInt32>(in: limit.folder, blockSize: blockSize)
    var rawCounts = StoredArrayReader(below.counts, from: below.sentenceStart, blockSize: blockSize)
    var starts = [0]
    for (part, requests) in zip(parts, requests) {
      var ends = try counts.level(k - 2).childCounts.read(part.contexts)
      var sum: UInt32 = 0
      for i in ends.indices { (ends[i], sum) = (sum + ends[i], sum + ends[i]) }
      let words = try below.words.read(part.targets)
      var predecessors = [UInt32](repeating: 0, count: words.count)
      var reader = StoredArrayReader(requests, blockSize: blockSize)
      while !reader.isAtEnd {
        let context = Int(try reader.next()) - part.contexts.lowerBound
        let end = Int(ends[context])
        var place = context == 0 ? 0 : Int(ends[context - 1])
        for _ in 0..<(try reader.next()) {
          let word = try reader.next()
          place = (place..<end).partitionPoint { words[$0] < word }
          guard place < end, words[place] == word else {
            throw StoredCounts.Inconsistency.noSuffix(order: k)
          }
          predecessors[place] += 1
          try suffixes.append(UInt32(part.targets.lowerBound + place))
          place += 1
        }
      }
      starts.append(suffixes.count)
      for (i, count) in predecessors.enumerated() {
        let isStart = part.targets.lowerBound + i >= below.sentenceStart
        guard isStart || count > 0 else { throw StoredCounts.Inconsistency.nothingBefore(order: k - 1) }
        try adjusted.append(isStart ? rawCounts.next() : count)
      }
    }
    levels.append(
      Level(
        parts: partOfContext, targets: parts.map(\.targets), suffixes: try suffixes.finish(), starts: starts))
    adjustedCounts.append(try adjusted.finish())
  }

  /// Sorts what looks for suffixes by parts: for each context, its own suffix, the number of its n-grams, and their last words.
  private func distribute(
    level k: Int, to parts: [Part]
  ) throws -> (StoredArray<UInt8>, requests: [StoredArray<UInt32>]) {
    let limit = counts.limit
    let blockSize = limit.blockSize(streams: 2 * parts.count + 8)
    var requests = try parts.map { _ in
      try StoredArrayWriter<UInt32>(in: limit.folder, blockSize: blockSize)
    }
    var partOfContext = try StoredArrayWriter<UInt8>(in: limit.folder)
    var childCounts = StoredArrayReader(counts.level(k - 1).childCounts)
    var words = StoredArrayReader(counts.level(k).words)
    var suffixes = SuffixReader(self, level: k - 1)
    var current = 0
    for _ in 0..<counts.level(k - 1).count {
      let (children, suffix) = (try childCounts.next(), try suffixes.next())
      if children == 0 { continue }
      if !parts[current].contexts.contains(suffix) {
        current = parts.indices.partitionPoint { parts[$0].contexts.upperBound <= suffix }
      }
      try partOfContext.append(UInt8(current))
      try requests[current].append(UInt32(suffix))
      try requests[current].append(children)
      for _ in 0..<children { try requests[current].append(words.next()) }
    }
    return (try partOfContext.finish(), try requests.indices.map { try requests[$0].finish() })
  }
}

/// Reads numbers that lie part by part in the order of the n-grams that they belong to.
struct PartedReader<Element: BitwiseCopyable> {
  private var parts: StoredArrayReader<UInt8>
  private var readers: [StoredArrayReader<Element>]
  private var current = 0

  /// A reader of `values`, which lie as the suffixes of `level` do.
  init(_ values: StoredArray<Element>, of level: SuffixLinks.Level, limit: CountingLimit) {
    parts = StoredArrayReader(level.parts)
    let blockSize = limit.blockSize(streams: 2 * level.targets.count + 8)
    readers = level.targets.indices.map {
      StoredArrayReader(values, from: level.starts[$0], blockSize: blockSize)
    }
  }

  /// To be called before the numbers of a context are read.
  @inline(__always)
  mutating func beginContext() throws { current = Int(try parts.next()) }

  @inline(__always)
  mutating func next() throws -> Element { try readers[current].next() }
}

/// Reads the suffix of each n-gram of a level, in order.
struct SuffixReader {
  private var suffixes: PartedReader<UInt32>
  private var childCounts: StoredArrayReader<UInt32>
  /// N-grams that the current context has left.
  private var left: UInt32 = 0

  /// A reader of level k, from 2.
  init(_ links: SuffixLinks, level k: Int) {
    childCounts = StoredArrayReader(links.counts.level(k - 1).childCounts)
    suffixes = PartedReader(links.level(k).suffixes, of: links.level(k), limit: links.counts.limit)
  }

  /// The next one; there must be one.
  mutating func next() throws -> Int {
    if left == 0 {
      while left == 0 { left = try childCounts.next() }
      try suffixes.beginContext()
    }
    left -= 1
    return Int(try suffixes.next())
  }
}
