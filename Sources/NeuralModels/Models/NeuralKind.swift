/// The kinds of networks by their names on the command line: the one list of them.
///
/// A new recurrent cell is a file in `Recurrent`, and here a case and its traits.
public enum NeuralKind: String, CaseIterable, Sendable {
  case nnlm
  case rnn
  case gru
  case lstm
  case sru

  /// What the rest of the program knows of a kind.
  public struct Traits: Sendable {
    /// The cell of the recurrent layers of H units that are given I numbers; `nil` for a network without recurrence.
    let makeCell:
      (@Sendable (_ inputSize: Int, _ hiddenSize: Int, _ options: CellOptions) -> any RecurrentCell)?
    /// The rate that suits Adam.
    let adamRate: Double
    /// What people type who mean it.
    public let synonyms: [String]
  }

  /// The traits of the kind.
  public var traits: Traits {
    switch self {
    case .nnlm:
      Traits(makeCell: nil, adamRate: 0.001, synonyms: ["bengio", "mlp", "ffnn", "feedforward"])
    case .rnn:
      // Networks without gates want smaller steps.
      Traits(
        makeCell: { ElmanCell($2) }, adamRate: 0.001, synonyms: ["elman", "rnn_tanh", "srn"])
    case .gru: Traits(makeCell: { GRUCell($2) }, adamRate: 0.003, synonyms: [])
    case .lstm:
      Traits(
        makeCell: { _, _, options in
          options.hasLayerNorm ? LayerNormLSTMCell(options) as any RecurrentCell : LSTMCell(options)
        }, adamRate: 0.003, synonyms: [])
    case .sru:
      Traits(
        makeCell: { i, h, _ in SRUCell(inputSize: i, hiddenSize: h) }, adamRate: 0.003,
        synonyms: ["simple-recurrent-unit"])
    }
  }

  /// Whether the network has recurrent layers.
  public var isRecurrent: Bool { traits.makeCell != nil }

  /// The kinds that have recurrent layers.
  public static var recurrent: [NeuralKind] { allCases.filter(\.isRecurrent) }
}
