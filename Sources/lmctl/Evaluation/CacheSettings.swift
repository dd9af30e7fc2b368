import LanguageModels

/// A unigram cache that is mixed into a model's probabilities.
struct CacheSettings: SettingValues {
  var size: Int?
  /// λ, if somebody fixes it.
  var givenWeight: Double?
  var tuningPath: String?

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    Setting(
      "cache", \.size, .whole(1...1_000_000_000),
      "mix in how often each token is among the last N; the cache runs on across lines")
    Setting(
      "cache-weight", \.givenWeight, .number("X", "from 0 to 1") { (0...1).contains($0) },
      "the cache's share", default: .rule("0.1") { $0.givenWeight }
    ).needs("cache", as: "--cache 500")
    Setting(
      "tune", \.tuningPath, .file,
      "choose the cache's share on this text, the constants of --dynamic and --neural-cache that are not given, and then the weights of a mixture"
    ).rule { _, given in
      ["cache", "dynamic", "neural-cache"].contains(where: given.has)
        ? nil : "goes with --cache, as in --cache 500, with --dynamic or with --neural-cache"
    }.rule { _, given in
      given.has("cache-weight") && !given.has("dynamic") && !given.has("neural-cache")
        ? "does not go with --cache-weight, which fixes the cache's share" : nil
    }
  }

  /// Whether a share is to be chosen.
  var hasChoice: Bool { size != nil && givenWeight == nil }

  /// The cache, empty, with its share settled; `nil` if there is to be none.
  ///
  /// - Parameters:
  ///   - tuning: the text that the share is chosen on.
  ///   - stream: makes a text by the model, as it adapts to it.
  func cache(
    for model: any LanguageModel, path: String, tokenizer: Tokenizer, tuning: TextInput?,
    stream: () throws -> any TextStream
  ) throws -> UnigramCache? {
    guard let size else { return nil }
    guard model.isNormalized else {
      throw FileError(
        path: path, reason: "its numbers are scores, not probabilities, and a cache cannot be mixed into them"
      )
    }
    let vocabulary = model.vocabulary
    guard let tuning, givenWeight == nil else {
      return UnigramCache(size: size, weight: givenWeight ?? 0.1, vocabularySize: vocabulary.count)
    }
    let tokens = try tuning.tokens(tokenizer: tokenizer, vocabulary: vocabulary)
    Progress.begin("tuning")
    var scores: [Float] = []
    try stream().score(tokens[...], into: &scores) { count in Progress.show("\(count) tokens scored") }
    let best = UnigramCache.bestWeight(
      size: size, vocabularySize: vocabulary.count, tokens: tokens, logProbabilities: scores)
    Progress.end()
    Terminal.note("on \(tuning.name), the cache's best share is \(Format.significant(best, 4))")
    return UnigramCache(size: size, weight: best, vocabularySize: vocabulary.count)
  }
}
