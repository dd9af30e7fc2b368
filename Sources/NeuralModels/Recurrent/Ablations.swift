/// What of an LSTM is left out or tied, by the names of Greff et al. (2017, section 3), whose base has peepholes.
public struct Ablations: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// No input gate: i = 1.
  public static let noInputGate = Ablations(rawValue: 1)
  /// No forget gate: f = 1.
  public static let noForgetGate = Ablations(rawValue: 2)
  /// No output gate: o = 1.
  public static let noOutputGate = Ablations(rawValue: 4)
  /// No input activation: g = a_g.
  public static let noInputActivation = Ablations(rawValue: 8)
  /// No output activation: h = o ∘ c.
  public static let noOutputActivation = Ablations(rawValue: 16)
  /// Coupled input and forget gate: f = 1 − i.
  public static let coupledGates = Ablations(rawValue: 32)
  /// Full gate recurrence: all gates of the step before reach each gate, by nine more matrices.
  public static let fullGateRecurrence = Ablations(rawValue: 64)

  /// Every one with the paper's name and, in words, what it does.
  public static let all: [(ablation: Ablations, name: String, summary: String)] = [
    (.noInputGate, "nig", "no input gate"), (.noForgetGate, "nfg", "no forget gate"),
    (.noOutputGate, "nog", "no output gate"), (.noInputActivation, "niaf", "no input activation"),
    (.noOutputActivation, "noaf", "no output activation"), (.coupledGates, "cifg", "forget = 1 - input"),
    (.fullGateRecurrence, "fgr", "gates see each other's last values"),
  ]

  /// Why they cannot be together; `nil` if they can.
  public var conflict: String? {
    for gate in [Ablations.noInputGate, .noForgetGate] where isSuperset(of: [gate, .coupledGates]) {
      return "\(gate) and cifg exclude each other: coupled gates are both there"
    }
    if isSuperset(of: [.fullGateRecurrence, .noInputGate, .noForgetGate, .noOutputGate]) {
      return "fgr needs a gate, and nig, nfg and nog leave none"
    }
    return nil
  }
}

extension Ablations: LosslessStringConvertible {
  /// As in `nig,noaf`, in any case of letters.
  public init?(_ description: String) {
    self = []
    for part in description.split(separator: ",", omittingEmptySubsequences: false) {
      guard let known = Self.all.first(where: { $0.name == part.lowercased() }), !contains(known.ablation)
      else { return nil }
      insert(known.ablation)
    }
  }

  public var description: String {
    Self.all.filter { contains($0.ablation) }.map(\.name).joined(separator: ",")
  }
}
