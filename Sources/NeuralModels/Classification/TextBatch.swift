import LanguageModels

/// Some texts side by side, each in a row of its own, with what they are labelled with.
///
/// Every row begins with an end of sentence, as texts do for a language model, and has one step more than its text has tokens: also an empty
/// text has a step. Step t of row b is at t·B + b.
struct TextBatch {
  /// T.
  private(set) var steps = 0
  /// B.
  let rows: Int
  /// What the network is given: [T·B].
  private(set) var inputs: [TokenID] = []
  /// The steps of each row.
  let lengths: [Int]
  /// The labels of each row.
  let labels: [[Int]]

  init(_ texts: some Collection<LabelledText>) {
    rows = texts.count
    lengths = texts.map { $0.tokens.count + 1 }
    labels = texts.map(\.labels)
    steps = lengths.max() ?? 0
    inputs = [TokenID](repeating: Vocabulary.endOfSentence, count: steps * rows)
    for (row, text) in texts.enumerated() {
      for (t, token) in text.tokens.enumerated() { inputs[(t + 1) * rows + row] = token }
    }
  }

  /// The batch on its way through the layers.
  func pass(dropoutKey: UInt64? = nil) -> Pass {
    Pass(steps: steps, rows: rows, lengths: lengths, dropoutKey: dropoutKey)
  }
}
