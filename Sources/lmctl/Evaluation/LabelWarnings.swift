import LanguageModels

/// What a user must know of labelled texts before believing what comes of them.
enum LabelWarnings {
  /// Of some texts, the longest of which had so many tokens.
  static func about(_ texts: [LabelledText], longest: Int, lengthLimit: Int) -> [String] {
    var warnings: [String] = []
    let empty = texts.reduce(0) { $0 + ($1.tokens.isEmpty ? 1 : 0) }
    if empty > 0 { warnings.append("\(Format.count(empty, "text")) with a label, but without a word") }
    let unknown = texts.reduce(0) { $0 + ($1.labels.isEmpty ? 1 : 0) }
    if unknown > 0 {
      warnings.append(
        "\(Format.count(unknown, "text")) have only labels that the model was not trained on, so that no answer is right"
      )
    }
    let cut = longest > lengthLimit ? texts.reduce(0) { $0 + ($1.tokens.count == lengthLimit ? 1 : 0) } : 0
    if cut > 0 {
      warnings.append(
        "of \(Format.count(cut, "text")), only the first \(lengthLimit) tokens are read; --max-length sets how many"
      )
    }
    return warnings
  }
}
