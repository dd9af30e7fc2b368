import LanguageModels
import NeuralModels

/// What can be set of recurrent cells: their variants, and what they are without.
extension TrainSettings {
  private static var rnn: ModelKind { .network(.rnn) }
  private static var gru: ModelKind { .network(.gru) }
  private static var lstm: ModelKind { .network(.lstm) }
  /// Those with products over time.
  static var withProducts: [ModelKind] { [rnn, gru, lstm] }

  static var cells: SettingGroup<Self> {
    SettingGroup("cells of networks (help models has their equations)", models: withProducts) {
      Setting(
        "recurrent-init", \.network.cell.recurrentInit, .choice("HOW"), "how recurrent weights start"
      ).recorded("recurrent_init", .set, rank: 1).inEffect(beginsAnew).rule(decidesFirstWeights).typed(
        "recurrent-initializer")
      Setting(
        "recurrent-scale", \.network.cell.recurrentScale,
        .number("X", "above 0") { $0 > 0 && Float($0).isFinite },
        "multiply these first weights"
      ).recorded("recurrent_scale", .set, rank: 1).inEffect(beginsAnew).rule(decidesFirstWeights)
      Setting(flag: "no-bias", \.network.cell.lacksBias, "gates without biases").changes(.shape).stored(
        .configuration("no_bias"))
      Setting(
        "activation", \.network.cell.activation,
        .choice("F", typed: ["logistic": .sigmoid, "rectifier": .relu]),
        "rnn: what a unit does with its sum; relu with --recurrent-init identity is the IRNN, which wants a tenth of the rate"
      ).models(rnn).changes(.shape).stored(.configuration("activation")).typed("nonlinearity")
      Setting(
        flag: "residual-time", \.network.cell.isResidualInTime, "rnn: add the last state to the new one"
      )
      .models(rnn).changes(.shape).stored(.configuration("residual_time"))
      Setting(
        "gru-reset", \.network.cell.reset, .choice("WHERE"),
        "gru: the reset gate after or before the product, or none"
      ).models(gru).changes(.shape).stored(.configuration("gru_reset")).inEffect {
        !$0.network.cell.isMinimal
      }.typed(
        "reset-after", "linear-before-reset")
      Setting(flag: "minimal", \.network.cell.isMinimal, "gru: one gate for both, the minimal gated unit")
        .models(gru).changes(.shape).stored(.configuration("minimal")).excludes("gru-reset").typed("mgu")
      Setting(
        "fix-gate", \.network.cell.fixedGates, .fixedGates,
        "gru: reset or update always 0 or 1, as in reset=1,update=0 (then it is an rnn)"
      ).models(gru).changes(.shape).stored(.configuration("fix_gate")).excludes("minimal").rule { values, _ in
        let cell = values.network.cell
        if cell.fixedGates.update == 1 { return "update=1 would keep the first state for ever" }
        return cell.reset == .none && cell.fixedGates.reset != nil
          ? "reset does not go with --gru-reset none, which leaves no such gate" : nil
      }
      Setting(
        "forget-bias", \.network.cell.forgetBias, .number("X", "") { Float($0).isFinite },
        "lstm: what the forget gate's bias starts with"
      ).models(lstm).recorded("forget_bias", .set, rank: 1).inEffect {
        beginsAnew($0) && $0.network.cell.hasForgetBias
      }.rule(
        decidesFirstWeights
      ).excludes(
        "no-bias", because: "which leaves no bias"
      ).rule { values, _ in
        values.network.cell.hasForgetBias || values.network.cell.lacksBias
          ? nil : "does not go with --ablate \(values.network.cell.ablations), which leaves no forget gate"
      }
      Setting(flag: "peepholes", \.network.cell.hasPeepholes, "lstm: gates see the cell").models(lstm)
        .changes(.shape)
        .stored(.configuration("peepholes")).typed("use-peepholes", "peephole")
      Setting(
        flag: "layer-norm", \.network.cell.hasLayerNorm,
        "lstm: normalize what goes into the gates, and the cell"
      )
      .models(lstm).changes(.shape).stored(.configuration("layer_norm"))
      .excludes("peepholes").excludes("ablate").excludes("no-bias").typed(
        "layernorm", "layer-normalization", "ln")
      Setting(
        "projection", \.network.cell.projection, .whole(1...1_000_000_000),
        "lstm: bring the outputs of a layer down to N numbers, fewer than --hidden"
      ).models(lstm).changes(.shape).stored(.configuration("projection")).rule { values, _ in
        let projection = values.network.cell.projection ?? 0
        let hidden = values.network.hiddenSizes.min() ?? 0
        return projection < hidden ? nil : "needs fewer numbers than --hidden \(hidden)"
      }.typed("proj-size", "projection-size", "recurrent-projection-dim")
      Setting(
        "mogrifier", \.network.cell.mogrifierRounds, .whole(0...100),
        "lstm: rounds in which input and last state shape each other before each step; 5 is usual, and slow"
      ).models(lstm).changes(.shape).stored(.configuration("mogrifier")).typed("mogrify")
      [
        Setting(
          "zoneout-hidden", \.network.cell.hiddenZoneout, .probability,
          "keep elements of the hidden state as they were, each with this probability; 0.05"
        ).stored(.configuration("zoneout_hidden")),
        Setting(
          "zoneout-cell", \.network.cell.cellZoneout, .probability, "lstm: the same of the cell; 0.5"
        ).models(lstm).stored(.configuration("zoneout_cell")),
      ]
      Setting(
        "ablate", \.network.cell.ablations, .ablations,
        "lstm: "
          + Ablations.all.map { "\($0.name) \($0.summary)" }.joined(separator: ", ")
          + "; several with commas (Greff et al. 2017, who begin with --peepholes)"
      ).models(lstm).changes(.shape).stored(.configuration("ablate")).rule { values, _ in
        let cell = values.network.cell
        if cell.projection != nil, cell.ablations.contains(.fullGateRecurrence) {
          return "fgr does not go with --projection: its gates are as many as --hidden"
        }
        return cell.ablations.conflict
      }.typed("ablation", "variant", "cifg", "coupled")
      Setting(
        "qrnn-window", \.network.inputWindow, .whole(1...100),
        "qrnn: inputs that the first layer sees at once; the layers above it see one"
      ).models(.network(.qrnn)).changes(.shape).stored(.configuration("qrnn_window")).typed(
        "window-size", "kernel-size", "kernel-width", "filter-width")
    }
  }

  private static func beginsAnew(_ values: Self) -> Bool { values.run.initialModel == nil }

  private static func decidesFirstWeights(_ values: Self, _ given: Arguments) -> String? {
    given.has("init-from") ? "does not go with --init-from, which brings the weights" : nil
  }
}

extension CellOptions {
  /// Whether there is a forget gate with a bias.
  fileprivate var hasForgetBias: Bool {
    hasBias && ablations.isDisjoint(with: [.noForgetGate, .coupledGates])
  }

  /// Whether gates have no biases.
  fileprivate var lacksBias: Bool {
    get { !hasBias }
    set { hasBias = !newValue }
  }
}

extension ValueType where Value == CellOptions.FixedGates {
  /// Gates with 0 or 1.
  fileprivate static var fixedGates: Self {
    Self(
      placeholder: "GATE=0|1", parse: { Value($0) },
      requirement: { _ in "reset=0, reset=1, update=0, or reset and update with a comma between them" },
      json: { $0.description.isEmpty ? .null : .string($0.description) },
      examples: ["reset=1", "reset=0,update=0", "update=0", "reset=0"])
  }
}

extension ValueType where Value == Ablations {
  /// Names with commas between them.
  fileprivate static var ablations: Self {
    let names = Ablations.all.map(\.name)
    return Self(
      placeholder: "NAME,…", parse: { Value($0) },
      requirement: { _ in "names out of \(names.joined(separator: ", ")), with commas between them" },
      suggestion: { Suggestion.text(for: $0, among: names, typed: [:]) },
      json: { $0.isEmpty ? .null : .string($0.description) }, examples: names + ["nig,nog"])
  }
}
