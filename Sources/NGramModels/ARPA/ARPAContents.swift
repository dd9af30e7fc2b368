import LanguageModels

/// The n-grams of an ARPA file as they stand there, order by order.
struct ARPAContents {
  /// The n-grams of one order.
  struct Section {
    /// n words for each n-gram; `<s>` is the number after the vocabulary's last.
    var words: [UInt32] = []
    /// ln p of each n-gram.
    var logProbabilities: [Float] = []
    /// ln b of each n-gram; 0 where none is given.
    var logBackoffs: [Float] = []
    /// How both are written: `WrittenForms`.
    var forms: [UInt8] = []
    /// Where each n-gram stands, for messages; 0 for those that the file lacks.
    var lines: [UInt32] = []

    var count: Int { logProbabilities.count }

    mutating func append(probability: ARPANumber, backoff: ARPANumber, line: UInt32) {
      logProbabilities.append(probability.natural)
      logBackoffs.append(backoff.natural)
      forms.append(WrittenForms(probability: probability.form, backoff: backoff.form).code)
      lines.append(line)
    }

    /// Appends n-gram `i` of `other`, without its words.
    mutating func append(_ i: Int, of other: Self) {
      logProbabilities.append(other.logProbabilities[i])
      logBackoffs.append(other.logBackoffs[i])
      forms.append(other.forms[i])
      lines.append(other.lines[i])
    }
  }

  /// The name of the file in messages.
  let name: String
  let vocabulary: Vocabulary
  /// The text rules.
  let tokenizer: Tokenizer
  /// How the model's context goes on, if the file tells.
  let context: ContextMode?
  /// Order n at index n − 1; the unigrams in order of their numbers.
  var sections: [Section]
  /// What is unusual about the file, each in a sentence.
  var remarks: [String]
}
