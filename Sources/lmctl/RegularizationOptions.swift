import LanguageModels
import NeuralModels

/// The options of `lmctl train` against learning the text by heart.
enum RegularizationOptions {
  static let heading = "regularization of networks (small texts need more of it, large ones less)"

  private static let ofAll = [
    Option(
      "dropout", "P",
      "zero activations between layers with this probability (default:\n0.2); 0.4 for a million words"),
    Option(
      "dropout-embed", "P",
      "zero whole words, wherever they stand, with this probability\n(default: 0); 0.1 helps where rare words are learnt by heart"
    ),
    Option(
      "label-smoothing", "X",
      "spread this share of each target over all tokens (default: 0);\nfor models that must not be too sure; often costs perplexity"
    ),
  ]
  private static let ofRecurrent = [
    Option(
      "dropout-input", "P",
      "for the embeddings, in place of --dropout; higher when the\ntraining loss falls far below the held-out loss"
    ),
    Option("dropout-hidden", "P", "between layers, in place of --dropout; for --layers 2 and more"),
    Option(
      "dropout-output", "P",
      "before the softmax, in place of --dropout; as --dropout-input"),
    Option(
      flag: "locked-dropout",
      "drop the same units at all steps of a chunk; for long\ntrainings with much dropout"),
    Option(
      "dropout-weights", "P",
      "zero recurrent weights with this probability (default: 0);\n0.3 to 0.5 over dozens of epochs, for it slows learning"
    ),
    Option(
      "ar", "X",
      "penalty on large outputs of the last layer (default: 0); 1 or 2\nwith locked dropout"),
    Option(
      "tar", "X",
      "penalty on their changes from step to step (default: 0); as --ar"),
  ]
  static let options = ofAll + ofRecurrent
  /// The options that only networks with recurrent layers take.
  static let recurrentNames = ofRecurrent.map(\.name)

  /// Takes the options from the command line.
  static func regularization(_ arguments: Arguments) throws -> Regularization {
    func share(_ name: String) throws -> Double? {
      try arguments.number(name, "from 0 and below 1", { $0 >= 0 && $0 < 1 })
    }
    func penalty(_ name: String) throws -> Double {
      try arguments.number(name, "from 0", { $0 >= 0 }) ?? 0
    }
    var r = Regularization()
    let dropout = try share("dropout") ?? 0.2
    r.inputDropout = Float(try share("dropout-input") ?? dropout)
    r.hiddenDropout = Float(try share("dropout-hidden") ?? dropout)
    r.outputDropout = Float(try share("dropout-output") ?? dropout)
    r.embeddingDropout = Float(try share("dropout-embed") ?? 0)
    r.weightDropout = Float(try share("dropout-weights") ?? 0)
    r.isLocked = arguments.has("locked-dropout")
    r.activationPenalty = try penalty("ar")
    r.temporalPenalty = try penalty("tar")
    r.labelSmoothing = try share("label-smoothing") ?? 0
    return r
  }

  /// The values in effect for a network of `kind`.
  static func settings(_ r: Regularization, _ kind: NeuralKind) -> [JSONValue.Member] {
    let ofAll: [JSONValue.Member] = [
      .setting("dropout", r.outputDropout), .setting("dropout-embed", r.embeddingDropout),
      .setting("label-smoothing", r.labelSmoothing),
    ]
    guard kind != .nnlm else { return ofAll }
    return ofAll + [
      .setting("dropout-input", r.inputDropout), .setting("dropout-hidden", r.hiddenDropout),
      .setting("dropout-output", r.outputDropout), .setting("locked-dropout", r.isLocked),
      .setting("dropout-weights", r.weightDropout), .setting("ar", r.activationPenalty),
      .setting("tar", r.temporalPenalty),
    ]
  }
}
