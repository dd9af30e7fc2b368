import LanguageModels

/// A stretch of a sentence of a text that stands in a row of a batch.
struct FillRow {
  /// The sentence, without its end.
  let sentence: Range<Int>
  /// The tokens of it that the row has.
  let steps: Range<Int>
  /// Those of them that are to be predicted.
  let targets: Range<Int>
}

/// Sentences side by side for a network that fills gaps, each in a row of its own.
///
/// Step t of row b is at t·B + b. Row b predicts the token w_i at step t = i − first from what each direction has read before it:
///
///     forward    w_first−1, …, w_i−1      input of step t: w_i−1
///     backward   w_last+1,  …, w_i+1      input of step n − 1 − t: w_i+1
///
/// Beyond the ends of a sentence stands the end of sentence. No direction is given the token that it is to predict.
struct FillBatch {
  /// T.
  private(set) var steps = 0
  /// B.
  let rows: Int
  /// What the directions are given, each in the order in which it reads, first the forward one: [2·T·B].
  private(set) var inputs: [TokenID] = []
  /// What is to be predicted, [T·B]; `Batch.ignored` where nothing is.
  private(set) var targets: [TokenID] = []
  /// The steps of each row.
  let lengths: [Int]
  /// How many targets are not ignored.
  let targetCount: Int

  init(_ all: some Collection<FillRow>, of text: [TokenID]) {
    rows = all.count
    lengths = all.map(\.steps.count)
    steps = lengths.max() ?? 0
    targetCount = all.reduce(0) { $0 + $1.targets.count }
    let size = steps * rows
    inputs = [TokenID](repeating: Vocabulary.endOfSentence, count: 2 * size)
    targets = [TokenID](repeating: Batch.ignored, count: size)
    for (b, row) in all.enumerated() {
      for i in row.steps {
        let forward = i - row.steps.lowerBound
        let backward = row.steps.upperBound - 1 - i
        if i > row.sentence.lowerBound { inputs[forward * rows + b] = text[i - 1] }
        if i + 1 < row.sentence.upperBound { inputs[size + backward * rows + b] = text[i + 1] }
        if row.targets.contains(i) { targets[forward * rows + b] = text[i] }
      }
    }
  }

  /// The batch on its way through the layers.
  ///
  /// - Parameter weight: its share of the targets of an update.
  func pass(dropoutKey: UInt64? = nil, weight: Double = 1) -> Pass {
    Pass(steps: steps, rows: rows, lengths: lengths, dropoutKey: dropoutKey, weight: weight)
  }
}

extension FillRow {
  /// The rows in which all tokens of a text are predicted, each in one of them; every sentence ends with its end, which is not.
  ///
  /// - Parameters:
  ///   - longest: the most tokens that are predicted in one row; longer sentences are divided.
  ///   - margin: how many tokens more a row reads on either side, where its sentence has them.
  static func rows(of text: [TokenID], longest: Int, margin: Int) -> [FillRow] {
    var rows: [FillRow] = []
    var start = 0
    for (i, token) in text.enumerated() where token == Vocabulary.endOfSentence {
      rows += Self.rows(ofSentence: start..<i, longest: longest, margin: margin)
      start = i + 1
    }
    return rows
  }

  private static func rows(ofSentence sentence: Range<Int>, longest: Int, margin: Int) -> [FillRow] {
    // Parts of about one length.
    let parts = (sentence.count + longest - 1) / longest
    return (0..<parts).map { part in
      let first = sentence.lowerBound + sentence.count * part / parts
      let end = sentence.lowerBound + sentence.count * (part + 1) / parts
      return FillRow(
        sentence: sentence,
        steps: max(sentence.lowerBound, first - margin)..<min(sentence.upperBound, end + margin),
        targets: first..<end)
    }
  }
}
