import LanguageModels

/// `lmctl predict`.
enum PredictCommand: Command {
  static let name = "predict"
  static let summary = "say which tokens are likeliest next, or which labels texts have"
  static let operands = "MODEL [OPTION…] [TEXT…]"
  static let discussion = """
    With a language model, each line of the texts is the beginning of a sentence; for each, it writes one line: the likeliest next tokens, best first, each with
    its probability behind it, in tab-separated columns. An empty line asks what a sentence begins with. The end of sentence is a token
    too. If the input is a pipe, each answer comes at once, so that another program can use it as a service.

    As in lmctl sample, <unk> is left out, and the others share its probability in proportion to theirs, unless --unk is given. With
    --context stream, a line goes on from the lines before it, each of which has ended.

    With a classifier (lmctl train --task classify), each line is a text; for each, it writes the likeliest labels in the same way. Labels in
    fastText's format are passed over.
    """
  nonisolated(unsafe) static let settings = PredictSettings.table
  static let typed = ["next", "next-word", "suggest", "autocomplete", "top"]
  static let configurationExample = (
    line: "lmctl predict kn5.json --config run.json prompts.txt", file: #"{"top": 3, "json": true}"#
  )
  static let examples = [
    "echo 'The lamp' | lmctl predict kn5.json",
    "lmctl predict kn5.json --top 3 --unk prompts.txt",
    "echo 'The la' | lmctl predict kn5.json --word-prefix --json",
    "lmctl predict classifier.json --top 1 reviews.txt",
  ]

  static func run(_ settings: PredictSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint, then the texts: lmctl predict model.json text.txt")
    }
    let texts = Array(operands.dropFirst())
    try TextFiles.requireSingleStandardInput(texts, path)
    let (stored, checkpoint) = try ModelKind.loadAny(path: path, settings.text, given)
    if case .classifier(let classifier) = stored {
      let writer = try LabelWriter(settings, classifier, given: given)
      let reader = try TextFiles.reader(texts, tokenizer: checkpoint.tokenizer)
      return try writer.write(reader)
    }
    let model = try stored.languageModel(path)
    if settings.completesWords, !checkpoint.tokenizer.unit.hasWords {
      throw UsageError(
        "--word-prefix goes with words, and the tokens of \(path) are those of --unit \(checkpoint.tokenizer.unit.rawValue)"
      )
    }
    let reader = try TextFiles.reader(texts, tokenizer: checkpoint.tokenizer)
    try NextTokenWriter(settings, vocabulary: model.vocabulary).write(model, reader)
    TextFiles.report(reader.statistics)
  }
}
