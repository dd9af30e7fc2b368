import LanguageModels

extension EvalSettings {
  /// The place of `--accuracy`, for a model.
  ///
  /// - Throws: `UsageError` when the mark is no token of the model.
  func place(in vocabulary: Vocabulary, of path: String) throws -> TokenAccuracy.Place? {
    switch accuracy {
    case nil: return nil
    case .all: return .all
    case .lineEnd: return .lineEnd
    case .marked:
      let token = mark.map { vocabulary.id(of: $0) } ?? Vocabulary.unknown
      guard token != Vocabulary.unknown || mark == vocabulary[Vocabulary.unknown] else {
        throw UsageError(
          "--mark takes a token, and '\(mark ?? "")' is none in the vocabulary of \(path)")
      }
      return .after(token)
    }
  }

  /// The place, as results name it.
  var shownPlace: String {
    switch accuracy {
    case .marked: "behind \(mark ?? "")"
    case .lineEnd: "at line ends"
    case .all: "of all tokens"
    case nil: ""
    }
  }
}
