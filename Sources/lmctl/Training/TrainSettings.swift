import Glibc
import LanguageModels
import NGramModels
import NeuralModels

/// The settings of `lmctl train`.
struct TrainSettings: CommandValues {
  /// What is learnt.
  var learns = TaskKind.language
  var task: TaskKind? { learns }
  var kind: ModelKind? { didSet { network.kind = kind?.neural ?? network.kind } }
  var output = "model.json"
  var validPath: String?
  var holdout: Double?
  var holdoutLines = Holdout.Lines.last
  var holdoutSeed: UInt64 = 1
  var format = TensorFormat.base64
  var ngram = NGramModel.Options()
  var reduction = Reduction()
  var tuningPath: String?
  var countsPath: String?
  var counting = CountingSettings()
  var network = NeuralConfiguration(kind: .lstm)
  var classifier = ClassifierSettings()
  var translator = TranslatorSettings()
  var training = TrainingOptions()
  var run = RunSettings()
  var text = TextSettings()
  var common = CommonSettings()
  var printsConfiguration = false
  /// Whether the result is one JSON object.
  var asJSON = false
  /// Whether there is nothing left to do.
  var isComplete = false
  /// The checkpoint that it begins with, if it does not begin with nothing.
  var predecessor: Predecessor?

  /// Whether the number of epochs, or of rows, was chosen, or may be fitted to the text.
  private(set) var hasEpochs = false
  private(set) var hasRows = false
  /// Whether the softmax was chosen, or may be fitted to the text.
  private(set) var hasSoftmax = false
  /// What the tokens are grouped into, where the softmax has classes; `nil` for about √V.
  var classCount: Int?
  var classKind = ClassKind.frequency

  init() {}

  func checkFirst() throws {
    let models = ModelKind.names(learns.models)
    guard let kind else { throw UsageError("--model is missing; it takes one of \(models)") }
    guard learns.models.contains(kind) else {
      throw UsageError(
        "--model \(kind.rawValue) does not go with --task \(learns.rawValue), which takes one of \(models)")
    }
  }

  /// Whether the context runs on across lines.
  var context: ContextMode {
    get { ngram.context }
    set { (ngram.context, network.context) = (newValue, newValue) }
  }

  /// Whether UNK gets no probability.
  var isClosed: Bool {
    get { ngram.isClosed }
    set { (ngram.isClosed, text.isClosed) = (newValue, newValue) }
  }

  /// Whether the lower orders come in only where a word does not follow a context.
  var isBackedOff: Bool {
    get { ngram.form == .backedOff }
    set { ngram.form = newValue ? .backedOff : nil }
  }

  /// Times through the text; `nil` if something else ends training.
  var epochs: Int? {
    get { training.epochs < .max ? training.epochs : nil }
    set {
      hasEpochs = newValue != nil
      training.epochs = newValue ?? (run.hasBudget ? .max : TrainingOptions().epochs)
    }
  }

  /// Streams side by side.
  var rows: Int? {
    get { training.batchSize }
    set {
      hasRows = newValue != nil
      training.batchSize = newValue ?? defaults.batchSize
    }
  }

  /// Which softmax.
  var softmax: SoftmaxKind? {
    get { network.softmax.kind }
    set {
      hasSoftmax = newValue != nil
      network.softmax.kind = newValue ?? .full
    }
  }

  /// What is held out from the text.
  var heldOutPart: Holdout? {
    holdout.map { Holdout(fraction: $0, lines: holdoutLines, seed: holdoutSeed) }
  }

  /// The weight decay in effect.
  var weightDecay: Double {
    get { training.weightDecay ?? training.optimizer.defaultWeightDecay }
    set { training.weightDecay = newValue }
  }

  /// The held-out text, of which the two sides of translations may be in two files.
  var validPaths: [String] {
    guard let validPath else { return [] }
    let parts = validPath.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard learns == .translate, parts.count == 2, validPath.withSystemPath({ access($0, F_OK) }) != 0 else {
      return [validPath]
    }
    return parts
  }

  /// What holds for the network where nobody says otherwise.
  var defaults: Defaults {
    Defaults(kind: network.kind, unit: text.tokenizer.unit, purpose: learns.purpose)
  }

  // MARK: The table

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      general, ngrams, networks, cells, regularization, trainings,
      SettingGroup("labels (--task classify)", tasks: [.classify]) {
        ClassifierSettings.settings.map { setting in
          let lifted: Setting<Self> = setting.lifted(\.classifier)
          return ["freeze", "unfreeze"].contains(setting.name) ? lifted.rule(leavesWeightsAlone) : lifted
        }
      },
      SettingGroup("translation (--task translate)", tasks: [.translate]) {
        TranslatorSettings.settings.map { $0.lifted(\.translator) }
      },
      SettingGroup("runs of networks", models: ModelKind.networks) {
        RunSettings.settings.map { $0.lifted(\.run) }
      },
      SettingGroup("text") {
        (TextSettings.rules + [
          TextSettings.minimumCount, TextSettings.maximumSize, TextSettings.vocabulary, TextSettings.invalid,
        ]).map { $0.lifted(\.text) }
        Setting(
          flag: "closed", \.isClosed, "ngram: give <unk>, which the text must not have, no probability"
        ).models(.ngram).tasks(.language).typed("closed-vocabulary", "closed-vocab")
      },
      SettingGroup("other") {
        Setting(
          flag: "json", \.asJSON,
          "when done, one JSON object on standard output: the sizes of text and model, seconds, warnings, and of held-out "
            + "text what eval --json says"
        ).changes(.free).unconfigured().excludes("print-config").rule(needsStandardOutput)
        Setting(
          flag: "print-config", \.printsConfiguration,
          "read the text, print every option's value in effect as JSON for --config, and do not train"
        ).changes(.free).unconfigured().typed("dump-config", "show-config")
      },
      CommonSettings.group(\.common),
    ])
  }

  private static func leavesWeightsAlone(_ values: Self, _ given: Arguments) -> String? {
    values.weightDecay > 0
      ? "does not go with a weight decay of \(Format.significant(values.weightDecay, 6)), which would shrink what is frozen; use --weight-decay 0"
      : nil
  }

  private static var general: SettingGroup<Self> {
    SettingGroup("model") {
      Setting(
        "task", \.learns,
        .choice(
          "WHAT",
          typed: [
            "classification": .classify, "supervised": .classify, "lm": .language, "cloze": .fill,
            "mlm": .fill, "translation": .translate, "seq2seq": .translate, "nmt": .translate,
          ]),
        "what is learnt: to predict the next token, to fill gaps, to label texts, or to translate sentences"
      ).changes(.shape).stored(.task).typed("objective", "supervised")
      Setting("model", \.kind, ModelKind.type, "the kind of model").changes(.shape).stored(.model)
        .typed("kind", "type", "arch", "model-type")
      Setting("output", \.output, .file, "where the checkpoint goes; - for standard output").short("o")
        .changes(.free).typed(
          "out", "save", "arpa", "lm", "save-dir", "output-dir", "save-path", "write-lm", "text-out")
      CommonSettings.force.lifted(\.common)
      Setting(
        "valid", \.validPath, .file,
        "held-out text to evaluate the model on; for translation a text with tabs, or SOURCE,TARGET"
      ).changes(.free)
        .excludes("holdout").rule(needsProbabilities).typed(
          "validation", "dev", "val", "validation-file", "validation-data", "eval")
      Setting(
        "holdout", \.holdout, .number("X", "above 0 and below 1") { $0 > 0 && $0 < 1 },
        "hold out lines of the text, this fraction of them, rounded up; the last ones unless --holdout-lines says otherwise"
      ).rule(needsProbabilities).typed("split", "validation-split", "val-split")
      Setting(
        "holdout-lines", \.holdoutLines, .choice("WHICH", typed: ["shuffle": .random, "first": .every]),
        "which lines --holdout takes: those at the end, every n-th, or some by chance"
      ).inEffect { $0.holdout != nil }.needs("holdout", as: "--holdout 0.05")
      Setting("holdout-seed", \.holdoutSeed, .seed, "decides which lines --holdout-lines random takes")
        .inEffect { $0.holdout != nil && $0.holdoutLines == .random }.rule { values, _ in
          values.holdoutLines == .random ? nil : "goes with --holdout-lines random"
        }
      Setting("tensors", \.format, .choice("HOW"), "how numbers are written").changes(.free).inEffect {
        $0.arpaPath == nil
      }.rule { values, _ in
        values.arpaPath == nil ? nil : "goes with checkpoints, and --output names an ARPA file"
      }
      Setting(
        "context", \.context, .choice("WHAT"), "whether the context runs on across lines",
        default: .rule("sentence for n-grams, stream for the others") {
          $0.kind == .ngram ? .sentence : .stream
        }
      ).stored(.configuration("context")).tasks(.language)
      Setting("order", \.ngram.order, .whole(1...16), "ngram: length of the longest n-grams").models(.ngram)
        .changes(.shape).stored(.configuration("requested_order")).typed("n", "ngram", "ngram-order")
      Setting("order", \.network.order, .whole(2...100), "nnlm: tokens seen, and one").models(.network(.nnlm))
        .changes(.shape).stored(.configuration("order")).typed("window", "context-size")
    }
  }

  private static func needsStandardOutput(_ values: Self, _ given: Arguments) -> String? {
    let others = [("output", values.output), ("log", values.run.log ?? "")]
    return others.first { !$1.isEmpty && OutputTarget.isStandardOutput($1) }.map { name, path in
      "does not go with --\(name) \(path): both would write to standard output"
    }
  }

  private static func needsProbabilities(_ values: Self, _ given: Arguments) -> String? {
    let smoothing = values.ngram.smoothing
    if values.kind != .ngram || smoothing.isNormalized { return nil }
    return
      "does not go with --smoothing \(smoothing.rawValue): its numbers are scores that do not sum to one, "
      + "so they have no perplexity"
  }
}
