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

  /// The model stored at `path`, and its checkpoint without the tensors; a large one shows how far it has come on a terminal.
  static func load(path: String, threads: Int? = nil, isQuiet: Bool) throws -> (
    model: any LanguageModel, checkpoint: Checkpoint
  ) {
    var progress = ProgressLine(isQuiet: isQuiet)
    var checkpoint = try Checkpoint(path: path) { progress.show("loading \(path): \(Format.bytes($0))") }
    progress.clear()
    do {
      let model = try load(checkpoint, threads: threads)
      checkpoint.tensors = []
      return (model, checkpoint)
    } catch var error as CheckpointError {
      error.path = path
      throw error
    }
  }
}
