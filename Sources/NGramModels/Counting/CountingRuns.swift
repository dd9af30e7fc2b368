import LanguageModels

/// How much memory counting may take, and where the rest goes.
public struct CountingLimit: Sendable {
  /// Bytes of memory.
  public let memory: Int
  /// The folder of temporary files.
  public let folder: String

  /// A limit; `folder` must be one that exists.
  public init(memory: Int, folder: String) {
    self.memory = memory
    self.folder = folder
  }

  /// Memory of the program itself.
  private static let base = 16 << 20

  /// The least that makes sense.
  public static let minimum = base + 4 << 20

  /// Tokens that can be counted at a time: each takes part in up to `order` different n-grams, of 16 bytes each.
  public func tokens(order: Int) -> Int { max(1, memory - Self.base) / (48 + 18 * order) }

  /// Bytes of temporary files that a text of `bytes` may need, as measured on English text.
  public static func temporaryBytes(text bytes: Int, order: Int) -> Int { bytes * (order * order + 3) / 2 }
}

/// The sorted counts of the parts of a text, each in a temporary file, or of the whole in memory if that is enough.
///
/// The text is read in parts that fit into the limit. Every part is counted, and its n-grams written out in sorted order; runs are merged into one when there are
/// many. Memory: that of a part and its words.
struct CountingRuns {
  private let limit: CountingLimit?
  private let order: Int
  private let context: ContextMode
  private var runs: [ByteSource] = []

  /// Runs merged at a time.
  private static let maximumRuns = 64

  init(order: Int, context: ContextMode, limit: CountingLimit?) {
    (self.order, self.context, self.limit) = (order, context, limit)
  }

  /// Counts what `reader` reads and hands every n-gram, in order, to `body`.
  mutating func forEach(
    _ reader: SentenceReader, progress: (TextStatistics) -> Void,
    _ body: (UnsafeRawBufferPointer, UInt64) throws -> Void
  ) throws {
    var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
    var tokens: [TokenID] = []
    let capacity = limit?.tokens(order: order) ?? Int.max
    if limit != nil { tokens.reserveCapacity(capacity + capacity / 16) }
    while let line = try reader.next() {
      if line == .sentence {
        builder.number(reader.tokens, to: &tokens)
        tokens.append(Vocabulary.endOfSentence)
      }
      if reader.statistics.lines % 65_536 == 0 { progress(reader.statistics) }
      // Words take memory too: their bytes, and some thirty more.
      guard let limit, tokens.count + builder.counts.count > capacity else { continue }
      let run = try TemporaryFile(in: limit.folder)
      try write(tokens, builder) { try run.write($0) }
      try keep(run, limit)
      tokens.removeAll(keepingCapacity: true)
      builder = VocabularyBuilder(unit: reader.tokenizer.unit)
    }
    guard !runs.isEmpty, let limit else {
      if !tokens.isEmpty { try CountWriter(tokens, builder, order: order, context: context).forEach(body) }
      return
    }
    if !tokens.isEmpty {
      let run = try TemporaryFile(in: limit.folder)
      try write(tokens, builder) { try run.write($0) }
      runs.append(try run.read())
    }
    tokens = []
    builder = VocabularyBuilder(unit: reader.tokenizer.unit)
    var merger = try CountMerger(runs)
    try merger.forEach(body)
  }

  private func write(
    _ tokens: [TokenID], _ builder: VocabularyBuilder,
    _ write: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var writer = CountLineWriter(write)
    try CountWriter(tokens, builder, order: order, context: context).forEach { try writer.append($0, $1) }
    try writer.flush()
  }

  private mutating func keep(_ run: TemporaryFile, _ limit: CountingLimit) throws {
    runs.append(try run.read())
    guard runs.count == Self.maximumRuns else { return }
    let merged = try TemporaryFile(in: limit.folder)
    var writer = CountLineWriter { try merged.write($0) }
    var merger = try CountMerger(runs)
    try merger.forEach { try writer.append($0, $1) }
    try writer.flush()
    runs = [try merged.read()]
  }
}
