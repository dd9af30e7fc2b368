import LanguageModels

/// Sequences of tokens side by side, each in a row of its own: step t of row b is at t·B + b.
struct TokenRows {
  /// T.
  let steps: Int
  /// The steps of each row, [B].
  let lengths: [Int]
  /// [T·B]; behind the ends of rows stand ends of sentences.
  private(set) var tokens: [TokenID]

  init(_ sequences: [[TokenID]]) {
    lengths = sequences.map(\.count)
    steps = lengths.max() ?? 0
    tokens = [TokenID](repeating: Vocabulary.endOfSentence, count: steps * sequences.count)
    for (row, sequence) in sequences.enumerated() {
      for (t, token) in sequence.enumerated() { tokens[t * sequences.count + row] = token }
    }
  }

  /// Sources as an encoder reads them: with their ends, so that also an empty one has a step.
  init(sources: [[TokenID]]) { self.init(sources.map { $0 + [Vocabulary.endOfSentence] }) }

  /// B.
  var rows: Int { lengths.count }

  /// Takes other tokens in the place of all.
  mutating func replace(_ tokens: [TokenID]) {
    precondition(tokens.count == self.tokens.count, "every place keeps a token")
    self.tokens = tokens
  }

  /// The rows on their way through the layers.
  func pass(dropoutKey: UInt64? = nil) -> Pass {
    Pass(steps: steps, rows: rows, lengths: lengths, dropoutKey: dropoutKey)
  }
}

/// Pairs side by side.
struct PairBatch {
  /// What the encoder reads.
  let source: TokenRows
  /// What the decoder is given: an end of sentence, and then the translation.
  var inputs: TokenRows
  /// What it is to predict: the translation, and then its end; behind the ends of rows `Batch.ignored`. [T·B].
  let targets: [TokenID]

  init(_ pairs: [SentencePair]) {
    source = TokenRows(sources: pairs.map(\.source))
    let inputs = TokenRows(pairs.map { [Vocabulary.endOfSentence] + $0.target })
    self.inputs = inputs
    var targets = [TokenID](repeating: Batch.ignored, count: inputs.tokens.count)
    for (row, pair) in pairs.enumerated() {
      for (t, token) in (pair.target + [Vocabulary.endOfSentence]).enumerated() {
        targets[t * pairs.count + row] = token
      }
    }
    self.targets = targets
  }
}
