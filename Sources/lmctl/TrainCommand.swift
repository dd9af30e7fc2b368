import LanguageModels
import NGramModels

/// `lmctl train`.
enum TrainCommand: Command {
  static let name = "train"
  static let summary = "train a model on text and write it as JSON"
  static let operands = "--model KIND [OPTION…] TEXT…"
  static let discussion = """
    Reads the texts (one sentence a line), settles the vocabulary, trains the model and writes a checkpoint. With
    --valid or --holdout, the model is then evaluated on held-out text, and the result goes to standard output; neural models
    also keep the epoch that predicts it best.
    """
  static let options: [(heading: String, options: [Option])] =
    [
      (
        "model",
        [
          Option("model", ModelKind.self, "the kind of model"),
          Option(
            "output", short: "o", "FILE",
            "where the checkpoint goes; - for standard output\n(default: model.json)"),
          Option("valid", "FILE", "held-out text to evaluate the model on"),
          Option("holdout", "X", "hold out the last lines of the text, this fraction of them"),
          Option("tensors", TensorFormat.self, "how numbers are written (default: base64)"),
          Option(
            "context", ContextMode.self,
            "whether the context runs on across lines (default: sentence\nfor n-grams, stream for the others)"
          ),
          Option(
            "order", "N",
            "ngram: length of the longest n-grams, 1 to 16 (default: 3)\nnnlm: tokens seen, and one (default: 5)"
          ),
        ]
      )
    ] + NGramTraining.options + NeuralTraining.options + [
      (
        "text",
        [
          TextOptions.unit, TextOptions.lowercase, TextOptions.minimumCount, TextOptions.maximumSize,
          TextOptions.vocabulary, TextOptions.invalid,
        ]
      ),
      (
        "other",
        [
          TextOptions.quiet,
          Option(
            flag: "print-config",
            "read the text, print every option's value in effect as JSON for\n--config, and do not train"),
        ]
      ),
    ]
  static let operandsInConfiguration: String? = "texts"
  static let examples = [
    "lmctl train --model ngram --order 5 train.txt --valid valid.txt -o kn5.json",
    "lmctl train --model lstm --epochs 1 train.txt --holdout 0.05",
    "lmctl train --init-from model.json --epochs 1 --lr 0.0005 book.txt -o tuned.json",
    "zcat news.gz | lmctl train --model ngram --order 5 -o kn5.json -",
    "lmctl train --model ngram --order 8 --unit char book.txt",
    "lmctl train --model gru --epochs 2 train.txt --print-config > run.json && lmctl train --config run.json",
  ]

  static func run(_ arguments: Arguments) throws {
    var arguments = arguments
    let predecessor = try Predecessor(&arguments)
    guard let kind = try arguments.choice("model", ModelKind.self) else {
      let models = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError("--model is missing; it takes one of \(models)")
    }
    try checkApplicability(arguments, kind)
    let tokenizer = try TextOptions.tokenizer(arguments)
    if kind == .ngram, CountsTraining.isWanted(arguments) {
      return try CountsTraining(
        arguments, NGramTraining(arguments, tokenizer: tokenizer), tokenizer: tokenizer
      )
      .run()
    }
    let training: any ModelTraining =
      if let neural = kind.neural {
        try NeuralTraining(neural, arguments, unit: tokenizer.unit)
      } else {
        try NGramTraining(arguments, tokenizer: tokenizer)
      }
    let plan = try TrainingPlan(arguments, kind: kind, tokenizer: tokenizer, predecessor: predecessor)
    try plan.run(training)
  }

  /// Options that only some models take.
  private static func checkApplicability(_ arguments: Arguments, _ kind: ModelKind) throws {
    for (names, takers) in [
      (NGramTraining.optionNames, [.ngram]), (NeuralTraining.optionNames, [.nnlm, .rnn, .gru, .lstm]),
      (["order"], [.ngram, .nnlm]), (["direct"], [.nnlm]),
      (["layers", "random-bptt"] + RegularizationOptions.recurrentNames, [.rnn, .gru, .lstm]),
    ] as [([String], [ModelKind])] where !takers.contains(kind) {
      for name in names where arguments.has(name) {
        let models = takers.map(\.rawValue).joined(separator: ", ")
        throw UsageError("--\(name) does not go with --model \(kind.rawValue); it goes with \(models)")
      }
    }
  }
}

/// What differs from kind to kind: how a corpus becomes a model.
protocol ModelTraining {
  /// The values in effect of the options that only some kinds take, for a training on `corpus`.
  ///
  /// Every option that goes with the kind is listed; `null` says that it is not in effect.
  func settings(for corpus: Corpus) throws -> [JSONValue.Member]

  /// Trains a model and writes its checkpoint.
  func train(_ job: TrainingJob) throws -> TrainedModel
}
