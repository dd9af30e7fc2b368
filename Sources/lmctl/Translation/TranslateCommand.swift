import LanguageModels
import NeuralModels

/// `lmctl translate`.
enum TranslateCommand: Command {
  static let name = "translate"
  static let summary = "translate text with a model of sentences and their translations"
  static let operands = "MODEL [OPTION…] [TEXT…]"
  static let discussion = """
    Writes one line for each line it reads: its translation, the likeliest that a beam search finds; an empty line for an empty one. If
    the input is a pipe, each answer comes before the next line is waited for, so that another program can use it as a service. The text
    rules are those of the model.

    The search follows the K likeliest beginnings at each step, and is over when K translations have ended that are better than what is still
    open; they are compared by --length-penalty. <unk> is a token as any other unless --no-unk or --replace-unknown is given, so that ln p is what lmctl eval says.
    """
  nonisolated(unsafe) static let settings = TranslateSettings.table
  static let typed = ["decode", "translation", "seq2seq", "nmt", "generate-translation"]
  static let configurationExample = (
    line: "lmctl translate translator.json --config run.json source.txt",
    file: #"{"beam": 12, "show-score": true}"#
  )
  static let examples = [
    "lmctl translate translator.json < source.ja > hyp.en",
    "lmctl translate translator.json --beam 12 --nbest 12 source.ja > list.nbest",
    "echo '猫 が 好き' | lmctl translate translator.json --replace-unknown",
    "lmctl translate translator.json --draw --temperature 0.7 --seed 3 source.ja",
  ]

  static func run(_ settings: TranslateSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError(
        "no model; give the checkpoint, then the texts: lmctl translate translator.json source.txt")
    }
    let texts = Array(operands.dropFirst())
    try TextFiles.requireSingleStandardInput(texts, path)
    let (stored, checkpoint) = try ModelKind.loadAny(path: path, settings.text, given)
    let translator = try stored.translator(path)
    if translator.configuration.attention == .none {
      for name in ["replace-unknown", "coverage"] where given.has(name) {
        throw UsageError("--\(name) needs attention, which \(path) has none of")
      }
    }
    let reader = try TextFiles.reader(texts, tokenizer: checkpoint.tokenizer)
    try TranslationWriter(settings, translator, checkpoint.tokenizer).write(reader)
    TextFiles.report(reader.statistics)
  }
}
