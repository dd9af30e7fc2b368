import Glibc
import LanguageModels

/// Turns stored counts into the probabilities and back-off weights of a stored trie: the same numbers as `NGramEstimator`'s, from files
/// that are read from front to back.
///
/// Level by level: the probabilities of one level are looked up, part by part, for the n-grams of the next whose suffixes they
/// belong to; then these are computed context by context.
struct StreamedEstimator<Method: SmoothingMethod> {
  private let smoother: ContextSmoother<Method>
  private let links: SuffixLinks
  /// Of each level, the counts that the method works on.
  private let counts: [StoredArray<UInt32>]

  private var model: StoredCounts { links.counts }
  private var limit: CountingLimit { model.limit }

  private var words: StoredArrayWriter<UInt32>
  private var suffixes: StoredArrayWriter<UInt32>
  private var firstChildren: StoredArrayWriter<UInt32>
  private var logProbabilities: StoredArrayWriter<Float>
  private var logBackoffs: StoredArrayWriter<Float>
  /// Where the levels of the trie begin, so far.
  private var levelStarts: [Int]

  init(smoother: ContextSmoother<Method>, links: SuffixLinks, counts: [StoredArray<UInt32>]) throws {
    (self.smoother, self.links, self.counts) = (smoother, links, counts)
    let folder = links.counts.limit.folder
    let blockSize = links.counts.limit.blockSize(streams: 16)
    words = try StoredArrayWriter(in: folder, blockSize: blockSize)
    suffixes = try StoredArrayWriter(in: folder, blockSize: blockSize)
    firstChildren = try StoredArrayWriter(in: folder, blockSize: blockSize)
    logProbabilities = try StoredArrayWriter(in: folder, blockSize: blockSize)
    logBackoffs = try StoredArrayWriter(in: folder, blockSize: blockSize)
    levelStarts = [0, links.counts.vocabularySize + 1]
  }

  /// The trie, from the unigrams up.
  mutating func estimate(progress: (Int) -> Void) throws -> StoredTrie {
    var probabilities = try estimateUnigrams()
    for k in 1..<max(1, model.order) {
      progress(k + 1)
      probabilities = try estimate(level: k, lower: lookUp(probabilities, level: k + 1))
      levelStarts.append(levelStarts[1] + words.count)
    }
    try firstChildren.append(UInt32(levelStarts[levelStarts.count - 1]))
    // Cut-offs may have left nothing of the highest orders.
    while levelStarts[levelStarts.count - 1] == levelStarts[levelStarts.count - 2] {
      levelStarts.removeLast()
    }
    let inner = levelStarts[levelStarts.count - 2]
    return StoredTrie(
      levelStarts: levelStarts, words: try words.finish(), suffixes: try suffixes.finish(),
      firstChildren: try firstChildren.finish().prefix(inner + 1),
      logProbabilities: try logProbabilities.finish(), logBackoffs: try logBackoffs.finish().prefix(inner))
  }

  /// The probabilities of single words, which it also writes to the trie.
  private mutating func estimateUnigrams() throws -> StoredArray<Float> {
    let size = model.vocabularySize
    var probabilities = [Float](repeating: 0, count: size + 1)
    try counts[0].read(0..<size).withUnsafeBufferPointer { counts in
      probabilities.withUnsafeMutableBufferPointer {
        smoother.estimateUnigrams(counts, isComplete: model.order == 1, into: $0)
      }
    }
    var linear = try StoredArrayWriter<Float>(in: limit.folder)
    for probability in probabilities {
      try linear.append(probability)
      try logProbabilities.append(logf(probability))
    }
    return try linear.finish()
  }

  /// What the n-grams of a level find with their suffixes.
  private struct Lower {
    /// The probabilities of the suffixes, as the suffixes lie in `SuffixLinks`.
    var probabilities: StoredArray<Float>
    /// The suffixes as they are numbered in their level once n-grams of small counts are left out; those that are left out
    /// themselves have none, and are not suffixes of others that are kept.
    var suffixes: StoredArray<UInt32>
  }

  /// Looks the suffixes of level k up in the level below.
  private func lookUp(_ below: StoredArray<Float>, level k: Int) throws -> Lower {
    let level = links.level(k)
    let blockSize = limit.blockSize(streams: 8)
    let cutoff = smoother.cutoffs[k - 2]
    var reader = StoredArrayReader(level.suffixes, blockSize: blockSize)
    var probabilities = try StoredArrayWriter<Float>(in: limit.folder, blockSize: blockSize)
    var suffixes = try StoredArrayWriter<UInt32>(in: limit.folder, blockSize: blockSize)
    var kept: UInt32 = 0
    for (part, targets) in level.targets.enumerated() {
      let values = try below.read(targets)
      // How many are kept before each one.
      var numbers: [UInt32] = []
      if cutoff > 0 {
        numbers = try model.level(k - 1).counts.read(targets)
        for i in numbers.indices {
          let isKept = numbers[i] > cutoff
          numbers[i] = kept
          if isKept { kept += 1 }
        }
      }
      for _ in level.starts[part]..<level.starts[part + 1] {
        let suffix = Int(try reader.next()) - targets.lowerBound
        try probabilities.append(values[suffix])
        if cutoff > 0 { try suffixes.append(numbers[suffix]) }
      }
    }
    return Lower(
      probabilities: try probabilities.finish(),
      suffixes: cutoff > 0 ? try suffixes.finish() : level.suffixes)
  }

  /// Level k + 1, whose probabilities come back, and the back-off weights of level k.
  ///
  /// - Parameter lower: what the suffixes of level k + 1 say.
  private mutating func estimate(level k: Int, lower: Lower) throws -> StoredArray<Float> {
    let (contexts, level) = (model.level(k), model.level(k + 1))
    let blockSize = limit.blockSize(streams: 16)
    var childCounts = StoredArrayReader(contexts.childCounts, blockSize: blockSize)
    var contextOccurrences = StoredArrayReader(contexts.counts, blockSize: blockSize)
    var wordReader = StoredArrayReader(level.words, blockSize: blockSize)
    var countReader = StoredArrayReader(counts[k], blockSize: blockSize)
    var occurrenceReader = StoredArrayReader(level.counts, blockSize: blockSize)
    var lowerReader = PartedReader(lower.probabilities, of: links.level(k + 1), limit: limit)
    var suffixReader = PartedReader(lower.suffixes, of: links.level(k + 1), limit: limit)
    var linear = try StoredArrayWriter<Float>(in: limit.folder, blockSize: blockSize)

    let (contextCutoff, cutoff) = (smoother.cutoffs[k - 1], smoother.cutoffs[k])
    let smoother = smoother
    let children = Children(capacity: model.vocabularySize + 1)
    for context in 0..<contexts.count {
      let isKept = try k == 1 || contextOccurrences.next() > contextCutoff
      if isKept { try firstChildren.append(UInt32(levelStarts[1] + words.count)) }
      children.count = Int(try childCounts.next())
      if children.count > 0 {
        try lowerReader.beginContext()
        try suffixReader.beginContext()
      }
      for i in 0..<children.count {
        children.words[i] = try wordReader.next()
        children.counts[i] = try countReader.next()
        children.occurrences[i] = try occurrenceReader.next()
        children.lower[i] = try lowerReader.next()
        children.suffixes[i] = try suffixReader.next()
      }
      let backoff = smoother.estimate(
        level: k, counts: UnsafeBufferPointer(start: children.counts, count: children.count),
        occurrences: UnsafeBufferPointer(start: children.occurrences, count: children.count),
        isComplete: k + 1 == model.order || context >= contexts.sentenceStart,
        into: UnsafeMutableBufferPointer(start: children.probabilities, count: children.count)
      ) { children.lower[$0] }
      if isKept { try logBackoffs.append(logf(backoff)) }
      for i in 0..<children.count {
        try linear.append(children.probabilities[i])
        guard children.occurrences[i] > cutoff else { continue }
        try words.append(children.words[i])
        try suffixes.append(UInt32(levelStarts[k - 1]) + children.suffixes[i])
        try logProbabilities.append(logf(children.probabilities[i]))
      }
    }
    return try linear.finish()
  }
}

/// The n-grams that go on from one context.
private final class Children {
  var count = 0
  let words: UnsafeMutablePointer<UInt32>
  let counts: UnsafeMutablePointer<UInt32>
  let occurrences: UnsafeMutablePointer<UInt32>
  let suffixes: UnsafeMutablePointer<UInt32>
  let lower: UnsafeMutablePointer<Float>
  let probabilities: UnsafeMutablePointer<Float>

  /// Room for `capacity` of them, which takes no memory as long as it is not used.
  init(capacity: Int) {
    words = .allocate(capacity: capacity)
    counts = .allocate(capacity: capacity)
    occurrences = .allocate(capacity: capacity)
    suffixes = .allocate(capacity: capacity)
    lower = .allocate(capacity: capacity)
    probabilities = .allocate(capacity: capacity)
  }

  deinit {
    for numbers in [words, counts, occurrences, suffixes] { numbers.deallocate() }
    for numbers in [lower, probabilities] { numbers.deallocate() }
  }
}
