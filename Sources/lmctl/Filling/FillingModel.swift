import LanguageModels
import NeuralModels

/// A model of any task that fills gaps.
struct FillingModel {
  let path: String
  let tokenizer: Tokenizer
  let vocabulary: Vocabulary
  /// Whether each choice must be one token.
  let takesSingleTokens: Bool
  let fill: (GappedSentence, GapSearch) -> GapFillings

  /// The model stored at `path`.
  init(path: String, _ text: TextSettings, _ given: Arguments) throws {
    let (stored, checkpoint) = try ModelKind.loadAny(path: path, text, given)
    (self.path, tokenizer) = (path, checkpoint.tokenizer)
    switch stored {
    case .filler(let filler):
      vocabulary = filler.vocabulary
      takesSingleTokens = true
      fill = { filler.fill($0, $1) }
    default:
      let model = try stored.languageModel(path)
      vocabulary = model.vocabulary
      takesSingleTokens = false
      fill = { model.fill($0, $1) }
    }
  }
}
