import LanguageModels

/// A unigram cache that is mixed into a model's probabilities.
struct CacheSettings: SettingValues {
  var size: Int?
  var weight = 0.1
  var tuningPath: String?

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    Setting(
      "cache", \.size, .whole(1...1_000_000_000),
      "mix in how often each token is among the last N; the cache runs on across lines")
    Setting(
      "cache-weight", \.weight, .number("X", "from 0 to 1") { (0...1).contains($0) }, "the cache's share"
    ).needs("cache", as: "--cache 500")
    Setting("tune", \.tuningPath, .file, "choose the cache's share on this text")
      .needs("cache", as: "--cache 500")
      .excludes("cache-weight", because: "which fixes the cache's share")
  }

  /// An error if the text that the share is chosen on cannot be read.
  func check() throws {
    if let tuningPath, tuningPath != "-" { _ = try ByteSource(path: tuningPath) }
  }

  /// The cache, empty, with its share settled; `nil` if there is to be none.
  func cache(
    for model: some LanguageModel, path: String, tokenizer: Tokenizer, context: ContextMode
  ) throws -> UnigramCache? {
    guard let size else { return nil }
    guard model.isNormalized else {
      throw FileError(
        path: path, reason: "its numbers are scores, not probabilities, and a cache cannot be mixed into them"
      )
    }
    let vocabulary = model.vocabulary
    guard let tuningPath else {
      return UnigramCache(size: size, weight: weight, vocabularySize: vocabulary.count)
    }
    let tokens = try TextFiles.tokens(of: tuningPath, tokenizer: tokenizer, vocabulary: vocabulary)
    Progress.begin("tuning")
    var state = model.initialState
    var scores: [Float] = []
    model.score(tokens[...], context: context, after: &state, into: &scores) { count in
      Progress.show("\(count) tokens scored")
    }
    let best = UnigramCache.bestWeight(
      size: size, vocabularySize: vocabulary.count, tokens: tokens, logProbabilities: scores)
    Progress.end()
    Terminal.note("on \(tuningPath), the cache's best share is \(Format.significant(best, 4))")
    return UnigramCache(size: size, weight: best, vocabularySize: vocabulary.count)
  }
}
