import LanguageModels

/// Some texts side by side, each in a row of its own, with what they are labelled with.
///
/// Every row begins with an end of sentence, as texts do for a language model, and has one step more than its text has tokens: also an empty
/// text has a step. Step t of row b is at t·B + b.
struct TextBatch {
  /// The text of each row.
  let texts: [LabelledText]
  /// T.
  private let steps: Int
  /// What the network is given: [T·B].
  private(set) var inputs: [TokenID]
  /// The steps of each row.
  private let lengths: [Int]

  init(_ texts: some Collection<LabelledText>) {
    self.texts = Array(texts)
    lengths = texts.map { $0.tokens.count + 1 }
    steps = lengths.max() ?? 0
    let rows = texts.count
    inputs = [TokenID](repeating: Vocabulary.endOfSentence, count: steps * rows)
    for (row, text) in texts.enumerated() {
      for (t, token) in text.tokens.enumerated() { inputs[(t + 1) * rows + row] = token }
    }
  }

  /// B.
  var rows: Int { texts.count }
  /// The labels of each row.
  var labels: [[Int]] { texts.map(\.labels) }

  /// The batch on its way through the layers.
  func pass(dropoutKey: UInt64?) -> Pass {
    Pass(steps: steps, rows: rows, lengths: lengths, dropoutKey: dropoutKey)
  }

  /// The one vector that there is of each row.
  func passOfVectors(dropoutKey: UInt64?) -> Pass { Pass(steps: 1, rows: rows, dropoutKey: dropoutKey) }
}
