/// How a recurrent layer's output comes together with its input, by the names on the command line.
///
/// A new way is a file with a layer around another, and here a case.
public enum Connection: String, CaseIterable, Sendable {
  /// y = layer(x)
  case plain
  /// y = layer(x) + x
  case residual

  /// In a few words, for help.
  public var summary: String {
    switch self {
    case .plain: "each layer gives its output alone"
    case .residual: "add the input of each layer to its output, where both have one size"
    }
  }

  /// The layer with its connection.
  func around(_ layer: any SequenceLayer, _ declarations: Declarations) -> any SequenceLayer {
    switch self {
    case .plain: layer
    case .residual: Residual(around: layer, declarations)
    }
  }

  /// Whether it goes around a layer that is given I numbers and gives O.
  func fits(inputSize: Int, outputSize: Int) -> Bool { self == .plain || inputSize == outputSize }
}
