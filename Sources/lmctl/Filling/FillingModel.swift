import LanguageModels
import NGramModels
import NeuralModels

/// A model of any task that fills gaps.
struct FillingModel {
  let path: String
  let tokenizer: Tokenizer
  let vocabulary: Vocabulary
  /// Whether each choice must be one token.
  let takesSingleTokens: Bool
  let fill: (GappedSentence, GapSearch) -> GapFillings

  /// An error if `--candidates`, which only models need that take their time over each, is given for another.
  private static func refuseCandidates(_ path: String, _ kind: String, _ given: Arguments) throws {
    guard given.has("candidates"), !given.isFromEnvironment("candidates") else { return }
    throw UsageError(
      "--candidates goes with networks that read from left to right; \(path) is \(kind), which compares all tokens"
    )
  }

  /// The model stored at `path`.
  init(path: String, _ text: TextSettings, _ given: Arguments) throws {
    let (stored, checkpoint) = try ModelKind.loadAny(path: path, text, given)
    (self.path, tokenizer) = (path, checkpoint.tokenizer)
    switch stored {
    case .filler(let filler):
      try Self.refuseCandidates(path, "a filler", given)
      vocabulary = filler.vocabulary
      takesSingleTokens = true
      fill = { filler.fill($0, $1) }
    default:
      let model = try stored.languageModel(path)
      if model is NGramModel { try Self.refuseCandidates(path, "an n-gram model", given) }
      vocabulary = model.vocabulary
      takesSingleTokens = false
      fill = { model.fill($0, $1) }
    }
  }
}
