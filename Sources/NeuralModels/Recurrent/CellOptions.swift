import Kernels
import LanguageModels

/// What a recurrent cell has and lacks beside its usual form: which options a cell knows stands in its own file.
public struct CellOptions: Sendable, Equatable {
  /// How the weights of products over time start.
  public var recurrentInit = RecurrentInitialization.uniform
  /// What these first weights are multiplied by.
  public var recurrentScale = 1.0
  /// Whether gates have biases.
  public var hasBias = true
  /// F of the simple recurrent network.
  public var activation = Activation.tanh
  /// Whether the simple recurrent network adds its previous state to the new one.
  public var isResidualInTime = false
  /// Where the GRU's reset gate is.
  public var reset = ResetGate.after
  /// Whether the GRU has one gate in the place of both (Zhou et al. 2016).
  public var isMinimal = false
  /// Gates of the GRU that are always open (1) or always shut (0).
  public var fixedGates = FixedGates()
  /// What the LSTM's forget bias starts with.
  public var forgetBias = 0.0
  /// Whether the LSTM's gates see the cell.
  public var hasPeepholes = false
  /// Whether the LSTM's sums are normalized (Ba et al. 2016).
  public var hasLayerNorm = false
  /// R, to which the LSTM's outputs come down (Sak et al. 2014).
  public var projection: Int?
  /// The rounds of the LSTM's mogrifier (Melis et al. 2020).
  public var mogrifierRounds = 0
  /// The probabilities that an element of h, and of c, stays as it is (Krueger et al. 2017).
  public var hiddenZoneout: Float = 0
  public var cellZoneout: Float = 0
  /// What the LSTM is without.
  public var ablations: Ablations = []

  /// The usual form.
  public init() {}

  /// How the recurrent weights of each gate, an H × H matrix, start.
  public enum RecurrentInitialization: String, CaseIterable, Sendable {
    /// Every weight uniform in ±1/√H, as in PyTorch.
    case uniform
    /// Orthogonal: U Uᵀ = 1, so that no state grows or shrinks (Saxe et al. 2014).
    case orthogonal
    /// The identity, so that a state stays as it is, with small weights of the input (Le et al. 2015).
    case identity
  }

  /// The activation F of a simple recurrent network.
  public enum Activation: String, CaseIterable, Sendable {
    case tanh, sigmoid, relu

    var function: ActivationFunction {
      switch self {
      case .tanh: .tanh
      case .sigmoid: .sigmoid
      case .relu: .relu
      }
    }
  }

  /// Where the reset gate r of a GRU comes in.
  public enum ResetGate: String, CaseIterable, Sendable {
    /// r ∘ (U h + b): cuDNN, PyTorch, CS224n.
    case after
    /// U (r ∘ h): Cho et al. 2014, ONNX, d2l, Ng.
    case before
    /// U h: no reset gate.
    case none
  }

  /// Gates that do not depend on anything.
  public struct FixedGates: Sendable, Equatable {
    /// 0 or 1, if the gate is fixed.
    public var reset, update: Int?
    public init() {}
  }
}

extension CellOptions {
  /// The members of a checkpoint's configuration that say it; what is usual is not said, nor is what only first weights depend on.
  var json: [JSONValue.Member] {
    let usual = CellOptions()
    func exact(_ x: Float) -> JSONValue { .number(Double("\(x)") ?? Double(x)) }
    var members: [JSONValue.Member] = []
    func say(_ name: String, _ value: JSONValue, if isSaid: Bool) {
      if isSaid { members.append(.init(name, value)) }
    }
    say("activation", .string(activation.rawValue), if: activation != usual.activation)
    say("residual_time", .bool(true), if: isResidualInTime)
    say("no_bias", .bool(true), if: !hasBias)
    say("gru_reset", .string(reset.rawValue), if: reset != usual.reset)
    say("minimal", .bool(true), if: isMinimal)
    say("fix_gate", .string(fixedGates.description), if: fixedGates != usual.fixedGates)
    say("peepholes", .bool(true), if: hasPeepholes)
    say("layer_norm", .bool(true), if: hasLayerNorm)
    say("projection", .integer(projection ?? 0), if: projection != nil)
    say("mogrifier", .integer(mogrifierRounds), if: mogrifierRounds > 0)
    say("zoneout_hidden", exact(hiddenZoneout), if: hiddenZoneout > 0)
    say("zoneout_cell", exact(cellZoneout), if: cellZoneout > 0)
    say("ablate", .string(ablations.description), if: !ablations.isEmpty)
    return members
  }

  /// The options that a checkpoint's `json` tells of.
  ///
  /// - Throws: `CheckpointError` when a member has no value that it could have.
  init(json: JSONValue) throws {
    func value<Value>(_ name: String, _ usual: Value, _ parse: (JSONValue) -> Value?) throws -> Value {
      guard let member = json[name] else { return usual }
      guard let value = parse(member) else {
        throw CheckpointError("damaged: 'configuration' has no sound '\(name)'")
      }
      return value
    }
    func choice<Value: RawRepresentable>(_ name: String, _ usual: Value) throws -> Value
    where Value.RawValue == String {
      try value(name, usual) { $0.stringValue.flatMap(Value.init) }
    }
    activation = try choice("activation", activation)
    isResidualInTime = try value("residual_time", false, \.boolValue)
    hasBias = try !value("no_bias", false, \.boolValue)
    reset = try choice("gru_reset", reset)
    isMinimal = try value("minimal", false, \.boolValue)
    fixedGates = try value("fix_gate", fixedGates) { $0.stringValue.flatMap(FixedGates.init) }
    hasPeepholes = try value("peepholes", false, \.boolValue)
    hasLayerNorm = try value("layer_norm", false, \.boolValue)
    if json["projection"] != nil {
      projection = try value("projection", 0) { $0.integerValue.flatMap { 1..<1 << 40 ~= $0 ? $0 : nil } }
    }
    mogrifierRounds = try value("mogrifier", 0) { $0.integerValue.flatMap { 0...100 ~= $0 ? $0 : nil } }
    func rate(_ json: JSONValue) -> Float? { json.doubleValue.flatMap { 0..<1 ~= $0 ? Float($0) : nil } }
    hiddenZoneout = try value("zoneout_hidden", 0, rate)
    cellZoneout = try value("zoneout_cell", 0, rate)
    ablations = try value("ablate", []) { $0.stringValue.flatMap(Ablations.init) }
  }
}

extension CellOptions.FixedGates: LosslessStringConvertible {
  /// As in `reset=1,update=0`.
  public init?(_ description: String) {
    self.init()
    for part in description.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let value = Int(sides[1]), 0...1 ~= value else { return nil }
      switch sides[0] {
      case "reset" where reset == nil: reset = value
      case "update" where update == nil: update = value
      default: return nil
      }
    }
  }

  public var description: String {
    let parts = [("reset", reset), ("update", update)].compactMap { name, value in
      value.map { "\(name)=\($0)" }
    }
    return parts.joined(separator: ",")
  }
}
