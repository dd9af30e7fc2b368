import LanguageModels
import NGramModels

/// How `lmctl train --model ngram` trains.
struct NGramTraining: ModelTraining {
  static let options: [(heading: String, options: [Option])] = [
    (
      "n-grams (--model ngram)",
      [
        Option("smoothing", Smoothing.self, "what unseen n-grams get\n(default: modified-kneser-ney)"),
        Option("delta", "X", "what additive smoothing adds to each count (default: 1)"),
      ]
    )
  ]
  static let optionNames = options.flatMap(\.options).map(\.name)

  private var options = NGramModel.Options()

  /// Takes the options from the command line.
  init(_ arguments: Arguments) throws {
    options.order = try arguments.integer("order", in: 1...16) ?? options.order
    options.smoothing = try arguments.choice("smoothing") ?? options.smoothing
    options.context = try arguments.choice("context") ?? options.context
    if let delta = try arguments.number("delta", "from 1e-9 to 1e9", { (1e-9...1e9).contains($0) }) {
      guard options.smoothing.takesDelta else {
        throw UsageError("--delta goes with --smoothing additive, not with '\(options.smoothing.rawValue)'")
      }
      options.delta = delta
    }
  }

  func settings(for corpus: Corpus) -> [JSONValue.Member] {
    [
      .setting("order", options.order), .setting("smoothing", options.smoothing),
      .setting("context", options.context),
      .setting("delta", options.smoothing.takesDelta ? options.delta : nil),
    ]
  }

  func train(
    _ corpus: Corpus, heldOut: Corpus?, vocabulary: Vocabulary, isQuiet: Bool,
    save: (JSONValue, [JSONValue.Member], [Tensor]) throws -> Void
  ) throws -> any LanguageModel {
    var progress = ProgressLine(isQuiet: isQuiet)
    let model = NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: options) { notice in
      progress.clear()
      if !isQuiet { Terminal.note("warning: \(notice)") }
    } progress: { order in
      progress.show("counting n-grams of order \(order)")
    }
    progress.clear()
    try save(model.configuration, [], model.tensors)
    if !isQuiet {
      let counts = model.trie.levelCounts.enumerated().map { "\($0 + 1): \($1)" }.joined(separator: ", ")
      Terminal.note("n-grams by order: \(counts)")
    }
    return model
  }
}
