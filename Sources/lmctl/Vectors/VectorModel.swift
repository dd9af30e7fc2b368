import LanguageModels
import NeuralModels

/// A network whose vectors are shown, and how text becomes its tokens.
struct VectorModel {
  let path: String
  let network: NeuralModel
  let tokenizer: Tokenizer

  var vocabulary: Vocabulary { network.vocabulary }

  /// The network of the model at `path`.
  ///
  /// - Throws: `FileError` if it holds another kind of model, which has no `vectors`.
  init(path: String, vectors: String) throws {
    let (model, checkpoint) = try ModelKind.load(path: path)
    guard let network = model as? NeuralModel else {
      throw FileError(
        path: path,
        reason: "holds a model of kind '\(checkpoint.model)', which has no \(vectors); give a network")
    }
    (self.path, self.network, tokenizer) = (path, network, checkpoint.tokenizer)
  }

  /// The token that somebody means by `word`: as `tokenize` shows it, or as the text rules make it of a text.
  ///
  /// - Throws: `FileError` if there is none, with the one that is spelt most like it.
  func token(_ word: String) throws -> TokenID {
    if var token = Vocabulary.token(displayed: word, unit: vocabulary.unit),
      let found = token.withUTF8({ vocabulary.find(UnsafeRawBufferPointer($0)) })
    {
      return found
    }
    var found: [TokenID?] = []
    try tokenizer.forEachToken(of: word.systemBytes) { found.append(vocabulary.find($0)) }
    if found.count == 1, let token = found[0] { return token }
    if found.count > 1 {
      throw FileError(
        path: path, reason: "takes '\(word)' for \(Format.count(found.count, "token")); give one at a time")
    }
    let names = (0..<TokenID(vocabulary.count)).map { vocabulary.displayName(of: $0) }
    throw FileError(path: path, reason: "has no token '\(word)'" + Suggestion.text(for: word, among: names))
  }
}
