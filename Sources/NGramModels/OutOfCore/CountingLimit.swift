/// How much memory counting and estimation may take, and where the rest goes.
public struct CountingLimit: Sendable {
  /// Bytes of memory.
  public let memory: Int
  /// The folder of temporary files.
  public let folder: String
  /// Bytes for n-grams at least, whatever else takes the memory.
  private let leastRoom: Int

  /// A limit; `folder` must be one that exists.
  public init(memory: Int, folder: String, leastRoom: Int = 1 << 20) {
    self.memory = memory
    self.folder = folder
    self.leastRoom = leastRoom
  }

  /// Memory of the program itself, with what is on its way from and to files.
  private static let base = 10 << 20

  /// The least that makes sense.
  public static let minimum = 20_000_000

  /// Memory that words take: their bytes and places in tables, their counts and those of their n-grams.
  private static let bytesPerWord = 96

  /// Bytes for n-grams, next to a vocabulary of this size.
  private func room(besides vocabularySize: Int) -> Int {
    max(leastRoom, memory - Self.base - vocabularySize * Self.bytesPerWord)
  }

  /// Whether a vocabulary alone takes more than the limit.
  public func isExceeded(byVocabulary size: Int) -> Bool {
    Self.base + size * Self.bytesPerWord > memory
  }

  /// Whether `bytes` for n-grams are within the limit, next to a vocabulary of this size.
  func allows(_ bytes: Int, vocabularySize: Int) -> Bool { bytes <= room(besides: vocabularySize) }

  /// Bytes of what is sorted at a time; so many that to go through the vocabulary for each part is little work.
  func sortingSize(vocabularySize: Int) -> Int { max(room(besides: vocabularySize), 8 * vocabularySize) }

  /// Bytes of what is looked up in, part by part.
  func partSize(vocabularySize: Int) -> Int { room(besides: vocabularySize) / 2 }

  /// Bytes of each of as many blocks that are read or written at the same time.
  func blockSize(streams: Int) -> Int { min(max(memory / 8 / max(1, streams), 1 << 12), 1 << 18) }

  /// Runs that are merged at a time.
  static let maximumRuns = 64

  /// Bytes of temporary files that a text of `bytes` may need, as measured on English text.
  public static func temporaryBytes(text bytes: Int, order: Int) -> Int {
    bytes * (order < 5 ? 4 * order * order : 35 * order - 75) / 5
  }

  /// Bytes of temporary files that counts of `bytes` may need.
  public static func temporaryBytes(counts bytes: Int) -> Int { 3 * bytes }
}
