import Glibc
import LanguageModels
import NGramModels
import NeuralModels

/// The kinds of models: n-grams, and whatever networks there are.
enum ModelKind: RawRepresentable, CaseIterable, Hashable {
  case ngram
  /// Embeddings and their mean, without layers.
  case bag
  case network(NeuralKind)

  static let allCases = [ModelKind.ngram] + networks
  /// Those that are networks.
  static let networks = layered + [bag]
  /// Those of them that have layers over their embeddings.
  static let layered = NeuralKind.allCases.map(ModelKind.network)
  /// Those of them that have recurrent layers.
  static let recurrent = NeuralKind.recurrent.map(ModelKind.network)

  /// The name on the command line and in checkpoints.
  var rawValue: String {
    switch self {
    case .ngram: NGramModel.kind
    case .bag: ClassifierConfiguration.bag
    case .network(let kind): kind.rawValue
    }
  }

  /// The kind of the model of a checkpoint, or of what it is made of; `nil` if this lmctl does not know it.
  init?(of checkpoint: Checkpoint) {
    let task = TaskKind(of: checkpoint)
    self.init(
      rawValue: task == .language ? checkpoint.model : checkpoint.configuration["encoder"]?.stringValue ?? "")
  }

  init?(rawValue: String) {
    guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = kind
  }

  static var type: ValueType<ModelKind> {
    var typed = [
      "n-gram": ModelKind.ngram, "ngrams": .ngram, "kneser-ney": .ngram, "kn": .ngram, "fasttext": .bag,
      "cbow": .bag, "bow": .bag, "bag-of-words": .bag, "mean": .bag,
    ]
    for kind in NeuralKind.allCases {
      for synonym in kind.traits.synonyms { typed[synonym] = .network(kind) }
    }
    return .choice("KIND", typed: typed)
  }

  /// The kind of network with layers; `nil` for others.
  var neural: NeuralKind? { if case .network(let kind) = self { kind } else { nil } }

  /// The names of some kinds, as a person reads them.
  static func names(_ kinds: [ModelKind]) -> String { kinds.map(\.rawValue).joined(separator: ", ") }

  /// The language model in `checkpoint`.
  ///
  /// - Parameter threads: of the engine of neural models; all cores if `nil`.
  static func load(_ checkpoint: Checkpoint, threads: Int?) throws -> any LanguageModel {
    if checkpoint.model == Mixture.kind {
      return try Mixture(checkpoint) { try load($0, threads: threads) }
    }
    return switch ModelKind(rawValue: checkpoint.model) {
    case .ngram: try NGramModel(checkpoint)
    case .network: try NeuralModel(checkpoint, engine: Engine(threads: threads))
    case .bag, nil:
      throw CheckpointError("holds a model of kind '\(checkpoint.model)', which this lmctl does not know")
    }
  }

  /// How large a language model is, for programs: `parameters`, or `ngrams` by order.
  static func size(of model: any LanguageModel) -> JSONValue.Member {
    if let ngrams = model as? NGramModel {
      return .init("ngrams", .array(ngrams.levelCounts.map { .integer($0) }))
    }
    if let mixture = model as? Mixture {
      return .init("members", .array(mixture.models.map { .object([size(of: $0)]) }))
    }
    let parameters = (model as? NeuralModel)?.parameterCount
    return .init("parameters", parameters.map { .integer($0) } ?? .null)
  }

  /// The language model stored at `path`, as a checkpoint or an ARPA file, and its checkpoint.
  ///
  /// - Parameters:
  ///   - rules: how text becomes tokens, for an ARPA file that does not say.
  ///   - keepsTensors: whether the checkpoint has its tensors; else there are none.
  static func load(
    path: String, threads: Int? = nil, textRules rules: ForeignRules? = nil, keepsTensors: Bool = false
  ) throws -> (model: any LanguageModel, checkpoint: Checkpoint) {
    let stored = try loadAny(path: path, threads: threads, textRules: rules, keepsTensors: keepsTensors)
    return (try stored.model.languageModel(path), stored.checkpoint)
  }

  /// The same for a model of any task.
  static func loadAny(
    path: String, threads: Int? = nil, textRules rules: ForeignRules? = nil, keepsTensors: Bool = false
  ) throws -> (model: StoredModel, checkpoint: Checkpoint) {
    let running = RunningCheckpoint.path(beside: path)
    if path != "-", path.withSystemPath({ access($0, F_OK) }) != 0,
      running.withSystemPath({ access($0, F_OK) }) == 0
    {
      throw FileError(
        path: path,
        reason:
          "is not finished; \(running) is the model so far, and lmctl train --resume \(Shell.quoted(path)) goes on with it"
      )
    }
    let source = try ByteSource(path: path)
    try requireModel(source)
    if try NGramModel.isARPA(source) {
      var (model, checkpoint) = try loadARPA(source, textRules: rules)
      if keepsTensors { checkpoint.tensors = model.tensors }
      return (.language(model), checkpoint)
    }
    if let rules, !rules.areUsual { throw ownRules(path) }
    var checkpoint = try checkpoint(source)
    let model = try load(checkpoint, of: source, threads: threads)
    if !keepsTensors { checkpoint.tensors = [] }
    Progress.end()
    return (model, checkpoint)
  }

  /// The same as the settings `text` have it: rules for an ARPA file that does not say its own, and what is done about bytes that are not
  /// text, which is the model's own unless it is given.
  static func load(path: String, _ text: TextSettings, _ given: Arguments, keepsTensors: Bool = false) throws
    -> (model: any LanguageModel, checkpoint: Checkpoint)
  {
    let stored = try loadAny(path: path, text, given, keepsTensors: keepsTensors)
    return (try stored.model.languageModel(path), stored.checkpoint)
  }

  /// The same for a model of any task.
  static func loadAny(path: String, _ text: TextSettings, _ given: Arguments, keepsTensors: Bool = false)
    throws -> (model: StoredModel, checkpoint: Checkpoint)
  {
    var (model, checkpoint) = try loadAny(
      path: path, textRules: text.rules(given: given), keepsTensors: keepsTensors)
    if given.has(TextSettings.invalid.name) { checkpoint.tokenizer.invalid = text.tokenizer.invalid }
    return (model, checkpoint)
  }

  /// Reads a checkpoint.
  static func checkpoint(_ source: ByteSource) throws -> Checkpoint {
    Progress.begin("loading \(source.name)")
    return try Checkpoint(source) { Progress.show(Format.bytes($0)) }
  }

  /// The model that an ARPA file holds, and a checkpoint of it without the tensors.
  ///
  /// - Parameter rules: how text becomes tokens, if the file does not say.
  static func loadARPA(_ source: ByteSource, textRules rules: ForeignRules? = nil) throws -> (
    model: NGramModel, checkpoint: Checkpoint
  ) {
    Progress.begin("loading \(source.name)")
    defer { Progress.end() }
    let own = try rules == nil ? nil : NGramModel.textRules(ofARPA: source)
    if let rules, !rules.areUsual, own != nil { throw ownRules(source.name) }
    let (model, tokenizer, _) = try NGramModel.read(
      arpa: source, tokenizer: own == nil ? rules?.tokenizer : nil
    ) {
      Terminal.warn($0)
    }
    return (
      model,
      Checkpoint(
        model: NGramModel.kind, programVersion: programVersion, tokenizer: tokenizer,
        vocabulary: model.vocabulary, configuration: model.configuration,
        training: ["arpa_file": .string(source.name)], tensors: [])
    )
  }

  private static func ownRules(_ name: String) -> UsageError {
    UsageError("\(name) has text rules of its own; those of the command line are for ARPA files of others")
  }

  /// An error if `source` is neither a model nor anything that can be told apart from one.
  private static func requireModel(_ source: ByteSource) throws {
    let kind = try FileKind(source)
    guard kind.isModel || kind == .text || kind == .binaryModel else {
      throw FileError(path: source.name, reason: "is \(kind.name), not a model")
    }
  }

  /// The model in `checkpoint`, which comes from `source`.
  static func load(_ checkpoint: Checkpoint, of source: ByteSource, threads: Int?) throws -> StoredModel {
    do {
      return try StoredModel(checkpoint, threads: threads)
    } catch var error as CheckpointError {
      error.path = source.name
      throw error
    }
  }
}
