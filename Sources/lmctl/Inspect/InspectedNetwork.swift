import Charts
import LanguageModels
import NeuralModels

/// A recurrent network that is looked into, and how text becomes its tokens.
struct InspectedNetwork {
  /// How it is named in tables and pictures.
  let name: String
  let model: NeuralModel
  let tokenizer: Tokenizer

  /// The network of the model at `path`.
  ///
  /// - Throws: `FileError` if there is none with recurrent layers.
  init(path: String, name: String) throws {
    let (model, checkpoint) = try ModelKind.load(path: path)
    guard let network = model as? NeuralModel else {
      throw FileError(
        path: path,
        reason: checkpoint.model == Mixture.kind
          ? "is a mixture, whose gradients and gates are those of its members; give one of them"
          : "is a model of n-grams, which has no gradients and no gates; give a recurrent network")
    }
    guard network.configuration.kind.isRecurrent else {
      throw FileError(
        path: path,
        reason: "is a network of kind '\(checkpoint.model)', which has no recurrence; give one of "
          + ModelKind.names(ModelKind.recurrent))
    }
    (self.name, self.model, tokenizer) = (name, network, checkpoint.tokenizer)
  }

  /// A network before its training, with the vocabulary of a text.
  init(_ settings: TrainSettings, text: TextInput) throws {
    try settings.text.checkRules()
    tokenizer = settings.text.tokenizer
    let reader = text.reader(tokenizer: tokenizer)
    let (corpus, _, vocabulary) = try Corpus.build(
      from: reader, vocabulary: settings.text.vocabularySource(), holdout: nil)
    try TextFiles.requireText(reader.statistics, text.paths)
    name = "untrained \(settings.network.kind.rawValue)"
    var settings = settings
    try settings.fitSoftmax(to: corpus, vocabulary)
    let engine = try Engine()
    _ = try NeuralTraining(settings).checkMemory(vocabulary, settings.training, hasHeldOut: false, engine)
    model = NeuralModel(
      untrained: settings.network, vocabulary: vocabulary, seed: settings.training.seed, engine: engine)
  }
}
