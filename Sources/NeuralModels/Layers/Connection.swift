/// How a recurrent layer's output comes together with its input, by the names on the command line.
///
/// A new way is a file with a layer around another, and here a case.
public enum Connection: String, CaseIterable, Sendable {
  /// y = layer(x)
  case plain
  /// y = layer(x) + x
  case residual
  /// y = t ∘ layer(x) + (1 − t) ∘ x
  case highway
  /// y = (layer(x), x), but for the last layer: each is given the outputs of all below it (Huang et al. 2017).
  case dense

  /// In a few words, for help.
  public var summary: String {
    switch self {
    case .plain: "each layer gives its output alone"
    case .residual: "add the input of each layer to its output, where both have one size"
    case .highway: "mix the input of each layer into its output by a gate, where both have one size"
    case .dense: "give each layer the outputs of all layers below it, and the embeddings"
    }
  }

  /// What people type who mean it.
  public var synonyms: [String] {
    switch self {
    case .plain: []
    case .residual: ["residual-connections", "skip", "skip-connections"]
    case .highway: ["highway-connections", "highways"]
    case .dense: ["dense-connections", "densely-connected", "densenet"]
    }
  }

  /// The layer with its connection.
  func around(_ layer: any SequenceLayer, _ declarations: Declarations) -> any SequenceLayer {
    switch self {
    case .plain: layer
    case .residual: Residual(around: layer, declarations)
    case .highway: Highway(around: layer, declarations)
    case .dense: DirectConnection(around: layer, declarations)
    }
  }

  /// Whether it goes around a layer that is given I numbers and gives O.
  func fits(inputSize: Int, outputSize: Int) -> Bool {
    switch self {
    case .plain, .dense: true
    case .residual, .highway: inputSize == outputSize
    }
  }
}
