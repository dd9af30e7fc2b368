import Glibc
import LanguageModels
import NGramModels

/// `lmctl train`.
enum TrainCommand: Command {
  static let name = "train"
  static let summary = "train a model on text and write it as JSON"
  static let operands = "--model KIND [OPTION…] TEXT…"
  static let typed = ["fit", "learn", "lmplz", "ngram-count", "build", "estimate"]
  static let discussion = """
    Reads the texts (one sentence a line), settles the vocabulary, trains the model and writes a checkpoint. With
    --valid or --holdout, the model is then evaluated on held-out text, and the result goes to standard output; neural
    models also keep the epoch that predicts it best.

    With --task fill, the model predicts each word from all others of its sentence, by a network for each direction; it completes gaps
    (lmctl fill).

    With --task classify, lines are labelled texts: '__label__good a fine film', as fastText has them, or 'good', a tab, and 'a fine film'. The
    model labels others (lmctl predict), and is measured by how often it is right (lmctl eval). Recurrent networks read a text to
    its end; bag is the mean of its embeddings, as in fastText; ngram has a model of the texts of each label, and decides by Bayes' rule.

    With --task translate, it learns from sentences and their translations: two texts that have as many lines, or one whose lines are a
    sentence, a tab and its translation; --valid takes the same. An encoder reads the sentence, and a decoder with as many layers of the
    same kind writes the translation (lmctl translate); lmctl eval measures it.
    """
  nonisolated(unsafe) static let settings = TrainSettings.table
  /// What a configuration calls the texts.
  static let operandsName = "texts"
  static var operandsInConfiguration: String? { operandsName }
  static let configurationExample = (
    line: "lmctl train --config run.json",
    file: #"{"model": "ngram", "order": 4, "texts": ["train.txt"]}"#
  )
  static let examples = [
    "lmctl train --model ngram --order 5 train.txt --holdout 0.1 -o kn5.json",
    "lmctl train --model lstm --epochs 1 train.txt --holdout 0.05",
    "lmctl train --init-from model.json --epochs 1 book.txt -o tuned.json",
    "zcat news.gz | lmctl train --model ngram --order 5 -o kn5.json -",
    "lmctl train --model ngram --order 8 --unit char book.txt",
    "lmctl train --model gru --epochs 2 train.txt --print-config > run.json",
    "lmctl train --task fill --model gru train.txt --holdout 0.05 -o filler.json",
    "lmctl train --task translate --model lstm --bidirectional train.ja train.en --valid dev.ja,dev.en",
    "lmctl train --task classify --model lstm --bidirectional reviews.txt --holdout 0.1",
  ]
  static func initialValues(_ arguments: inout Arguments) throws -> TrainSettings {
    var initial = TrainSettings()
    if try isComplete(&arguments) {
      initial.isComplete = true
      return initial
    }
    try takeRulesOfCounts(&arguments)
    initial.predecessor = try Predecessor(&arguments)
    initial.text.isVocabularyInherited = initial.predecessor?.use == .weights
    return initial
  }

  /// Whether `--auto-resume` is given and finds the run complete; if it was interrupted, `arguments` then ask to go on with it.
  private static func isComplete(_ arguments: inout Arguments) throws -> Bool {
    arguments.addEnvironment(allOptions.filter { ["auto-resume", "output", "force"].contains($0.name) })
    guard arguments.has("auto-resume") else { return false }
    for other in ["resume", "init-from", "print-config"] where arguments.has(other) {
      throw UsageError("--auto-resume and --\(other) exclude each other")
    }
    let output = arguments.string("output") ?? TrainSettings().output
    if OutputTarget.isStandardOutput(output) {
      throw UsageError(
        "--auto-resume looks for the model of the run before, and --output - leaves none; name a file")
    }
    if RunningCheckpoint.path(beside: output).withSystemPath({ access($0, F_OK) }) == 0 {
      arguments.give("resume", output)
      return false
    }
    guard output.withSystemPath({ access($0, F_OK) }) == 0 else { return false }
    if ConvertCommand.Format(path: output) != .arpa {
      if let difference = try FinishedModel(path: output).difference(from: &arguments) {
        guard arguments.has("force") else {
          throw FileError(
            path: output, reason: "\(difference); name another output, or train anew with --force")
        }
        Terminal.note("\(output) \(difference); it is trained anew")
        return false
      }
    }
    Terminal.note("\(output) is complete; there is nothing left to train")
    return true
  }

  /// Completes the options with the text rules that the file of counts names, if there is one.
  ///
  /// - Throws: `UsageError` when an option contradicts them.
  private static func takeRulesOfCounts(_ arguments: inout Arguments) throws {
    arguments.addEnvironment(allOptions.filter { $0.name == "counts" })
    guard let path = arguments.string("counts"), path != "-" else { return }
    // A pipe can be read only once; and what is no file is told by whoever reads it.
    guard let source = try? ByteSource(path: path), !source.isInteractive,
      let rules = try CountFiles.textRules(source)
    else { return }
    var values = TextSettings()
    values.tokenizer = rules
    let members = TextSettings.rules.map { JSONValue.Member($0.name, $0.value(values)) }
    arguments.addEnvironment(allOptions.filter { option in members.contains { $0.name == option.name } })
    for member in members where arguments.isFromEnvironment(member.name) { arguments.passOver(member.name) }
    for option in arguments.givenOrWithdrawn {
      guard let member = members.first(where: { $0.name == option.name }) else { continue }
      if Predecessor.agrees(option.value, member.value) { continue }
      throw UsageError(
        "--\(option.name) does not go with \(path), which was counted with other text rules (\(member.name): "
          + "\(member.value.stringValue ?? member.value.text)); leave it out")
    }
    try Configuration(members: members, file: path).add(
      to: &arguments, allOptions, operandsName: operandsName)
  }

  static func run(_ settings: TrainSettings, _ operands: [String], given: Arguments) throws {
    guard let kind = settings.kind else { return }
    if settings.isComplete {
      if settings.asJSON {
        StandardOutput.shared.write(TrainingResult.complete(settings.output, kind).text + "\n")
      }
      return
    }
    var pipeline = try TrainingPipeline(settings, kind: kind, texts: operands)
    try pipeline.run()
  }
}
