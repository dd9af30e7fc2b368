import LanguageModels
import NeuralModels

/// The constants of optimizers; each goes with those that have it.
extension TrainSettings {
  @SettingBuilder<Self> static var optimizerConstants: [Setting<Self>] {
    Setting(
      "beta1", \.training.optimizerConstants.beta1, .kept,
      "adam, adamw: how much of the mean of gradients stays; 0.95 smooths more, 0.5 less"
    ).recorded("beta1", .set, rank: 5).goes(with: .adam, .adamw).typed("adam-beta1", "b1")
    Setting(
      "beta2", \.training.optimizerConstants.beta2, .kept,
      "adam, adamw: how much of the mean of their squares stays; 0.99 follows faster"
    ).recorded("beta2", .set, rank: 5).goes(with: .adam, .adamw).typed("adam-beta2", "b2")
    Setting(
      "decay-rate", \.training.optimizerConstants.decayRate, .kept,
      "rmsprop: how much of the mean of squares stays"
    ).recorded("decay_rate", .set, rank: 5).goes(with: .rmsprop).typed("rho", "rms-decay")
    Setting(
      "momentum", \.training.optimizerConstants.momentum, .kept,
      "momentum: how much of the velocity stays"
    ).recorded("momentum", .set, rank: 5).goes(with: .momentum).typed("mu", "mom")
    Setting(
      "epsilon", \.training.optimizerConstants.epsilon,
      .number("X", "above 0") { Float($0) > 0 && Float($0).isFinite },
      "what is added to the root of squares that gradients are divided by; more of it calms the smallest"
    ).recorded("epsilon", .set, rank: 5).goes(with: .adagrad, .rmsprop, .adam, .adamw).typed(
      "eps", "adam-epsilon", "adam-eps")
  }
}

extension Setting where Values == TrainSettings {
  /// It is a constant of some optimizers.
  fileprivate func goes(with optimizers: OptimizerKind...) -> Setting {
    let names = optimizers.map(\.rawValue).joined(separator: ", ")
    return inEffect { optimizers.contains($0.training.optimizer) }.rule { values, _ in
      let chosen = values.training.optimizer
      if optimizers.contains(chosen) { return nil }
      return "does not go with --optimizer \(chosen.rawValue); it goes with \(names)"
    }
  }
}

extension ValueType where Value == Double {
  /// How much of a running mean stays: less than all of it in single precision too.
  fileprivate static var kept: Self { number("X", "from 0 and below 1") { $0 >= 0 && Float($0) < 1 } }
}
