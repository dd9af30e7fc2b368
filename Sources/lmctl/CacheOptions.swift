import LanguageModels

/// The options of a unigram cache that is mixed into a model's probabilities.
struct CacheOptions {
  static let options: (heading: String, options: [Option]) = (
    "cache of recent tokens",
    [
      Option(
        "cache", "N", "mix in how often each token is among the last N; the cache\nruns on across lines"),
      Option("cache-weight", "X", "the cache's share, from 0 to 1 (default: 0.1)"),
      Option("tune", "FILE", "choose the cache's share on this text"),
    ]
  )

  private let size: Int
  private let weight: Double
  private let tuningPath: String?

  /// Takes the options from the command line; `nil` if there is to be no cache.
  init?(_ arguments: Arguments) throws {
    guard let size = try arguments.integer("cache", in: 1...1_000_000_000) else {
      if let option = ["cache-weight", "tune"].first(where: arguments.has) {
        throw UsageError("--\(option) goes with --cache, as in --cache 500")
      }
      return nil
    }
    self.size = size
    weight = try arguments.number("cache-weight", "from 0 to 1", { (0...1).contains($0) }) ?? 0.1
    tuningPath = arguments.string("tune")
    if tuningPath != nil, arguments.has("cache-weight") {
      throw UsageError("--tune does not go with --cache-weight, which fixes the cache's share")
    }
    if let tuningPath, tuningPath != "-" { _ = try ByteSource(path: tuningPath) }
  }

  /// The cache, empty, with its share settled.
  func cache(
    for model: some LanguageModel, path: String, tokenizer: Tokenizer, context: ContextMode, isQuiet: Bool
  ) throws -> UnigramCache {
    guard model.isNormalized else {
      throw FileError(
        path: path, reason: "its numbers are scores, not probabilities, and a cache cannot be mixed into them"
      )
    }
    let vocabulary = model.vocabulary
    guard let tuningPath else {
      return UnigramCache(size: size, weight: weight, vocabularySize: vocabulary.count)
    }
    let reader = try TextOptions.reader([tuningPath], tokenizer: tokenizer)
    let tokens = try Corpus(from: reader, vocabulary: vocabulary).tokens
    try TextOptions.requireText(reader.statistics, [tuningPath])
    var progress = ProgressLine(isQuiet: isQuiet)
    var state = model.initialState
    var scores: [Float] = []
    model.score(tokens[...], context: context, after: &state, into: &scores) { count in
      progress.show("tuning: \(count) tokens scored")
    }
    progress.clear()
    let best = UnigramCache.bestWeight(
      size: size, vocabularySize: vocabulary.count, tokens: tokens, logProbabilities: scores)
    if !isQuiet {
      Terminal.note("on \(tuningPath), the cache's best share is \(Format.significant(best, 4))")
    }
    return UnigramCache(size: size, weight: best, vocabularySize: vocabulary.count)
  }
}
