import LanguageModels
import NGramModels
import NeuralModels

/// The kinds of models: the one place that maps names to types.
enum ModelKind: String, CaseIterable {
  case ngram
  case nnlm
  case rnn
  case gru
  case lstm

  /// Those that are networks.
  static let networks: [ModelKind] = [.nnlm, .rnn, .gru, .lstm]

  static var type: ValueType<ModelKind> {
    .choice(
      "KIND",
      typed: [
        "n-gram": .ngram, "ngrams": .ngram, "kneser-ney": .ngram, "kn": .ngram, "bengio": .nnlm, "mlp": .nnlm,
        "ffnn": .nnlm, "feedforward": .nnlm, "elman": .rnn, "rnn_tanh": .rnn, "srn": .rnn,
      ])
  }

  /// The neural kind of this name; `nil` for n-grams.
  var neural: NeuralKind? { NeuralKind(rawValue: rawValue) }

  /// The model in `checkpoint`.
  ///
  /// - Parameter threads: of the engine of neural models; all cores if `nil`.
  static func load(_ checkpoint: Checkpoint, threads: Int?) throws -> any LanguageModel {
    switch ModelKind(rawValue: checkpoint.model) {
    case .ngram: try NGramModel(checkpoint)
    case .nnlm, .rnn, .gru, .lstm: try NeuralModel(checkpoint, engine: Engine(threads: threads))
    case nil:
      throw CheckpointError("holds a model of kind '\(checkpoint.model)', which this lmctl does not know")
    }
  }

  /// The model stored at `path`, as a checkpoint or an ARPA file, and its checkpoint without the tensors; a large checkpoint shows how
  /// far it has come on a terminal.
  static func load(path: String, threads: Int? = nil, isQuiet: Bool) throws -> (
    model: any LanguageModel, checkpoint: Checkpoint
  ) {
    let source = try ByteSource(path: path)
    if try NGramModel.isARPA(source) {
      let model = try NGramModel(arpa: source) { if !isQuiet { Terminal.note($0) } }
      return (model, model.checkpoint(arpaName: source.name))
    }
    var progress = ProgressLine(isQuiet: isQuiet)
    var checkpoint = try Checkpoint(source) { progress.show("loading \(path): \(Format.bytes($0))") }
    progress.clear()
    let model = try load(checkpoint, of: source, threads: threads)
    checkpoint.tensors = []
    return (model, checkpoint)
  }

  /// The model in `checkpoint`, which comes from `source`.
  static func load(_ checkpoint: Checkpoint, of source: ByteSource, threads: Int?) throws -> any LanguageModel
  {
    do {
      return try load(checkpoint, threads: threads)
    } catch var error as CheckpointError {
      error.path = source.name
      throw error
    }
  }
}

extension NGramModel {
  /// A checkpoint of a model that was read from an ARPA file, without the tensors.
  func checkpoint(arpaName: String) -> Checkpoint {
    Checkpoint(
      model: Self.kind, programVersion: programVersion, tokenizer: Tokenizer(), vocabulary: vocabulary,
      configuration: configuration, training: ["arpa_file": .string(arpaName)], tensors: [])
  }
}
