import LanguageModels

/// The gradients of a network held against differences of its loss, tensor by tensor.
public struct GradientCheck: Sendable {
  /// The slope of the loss along one direction d of a tensor's parameters, by both ways.
  public struct Direction: Sendable {
    /// What the direction is.
    public enum Kind: String, Sendable {
      /// d = g / ‖g‖, along which the loss rises fastest: a wrong scale shows here.
      case gradient
      /// d = ±1 at random for each parameter: a forgotten term shows here.
      case random
    }

    /// What the direction is.
    public let kind: Kind
    /// g · d.
    public let analytic: Double
    /// (L(w + h d) − L(w − h d)) / 2h, extrapolated to h = 0.
    public let numeric: Double
    /// |numeric − analytic| over the larger of both and ‖g‖.
    public let relativeError: Double
    /// The error from which on the gradient is wrong: what the method leaves, and what rounding adds to it.
    public let tolerance: Double
    /// Whether both agree.
    public var isRight: Bool { relativeError <= tolerance }
  }

  /// One tensor along all its directions.
  public struct TensorCheck: Sendable {
    /// The tensor's name in checkpoints.
    public let name: String
    /// How many parameters it has.
    public let parameterCount: Int
    /// ‖g‖.
    public let gradientNorm: Double
    /// Its directions: along the gradient, if that is not zero, and random ones.
    public let directions: [Direction]
    /// Whether all directions agree.
    public var isRight: Bool { directions.allSatisfy(\.isRight) }
    /// The direction that agrees least.
    public var worst: Direction? {
      directions.max { $0.relativeError / $0.tolerance < $1.relativeError / $1.tolerance }
    }
  }

  /// L: the mean −ln p of the targets.
  public let loss: Double
  /// Over how many targets.
  public let targets: Int
  /// Every tensor in the order of the checkpoint.
  public let tensors: [TensorCheck]

  /// Whether every gradient is right.
  public var isRight: Bool { tensors.allSatisfy(\.isRight) }
}

extension NeuralModel {
  /// Holds the gradient of every tensor against differences of the loss on a small random text.
  ///
  /// The work is done on a copy of the network without regularization: the model does not change. It takes about three times the
  /// memory of the model.
  ///
  /// - Parameter seed: decides the text, the states before it and the random directions.
  public func checkGradients(seed: UInt64 = 1, engine: Engine) -> GradientCheck {
    let copy = copyWithoutRegularization(engine: engine).network
    return GradientChecker(CheckedNetwork(copy, vocabularySize: vocabulary.count, seed: seed), seed: seed)
      .check()
  }

  /// The network once more, without regularization, and its shape: checks work on it, so that the model does not change.
  func copyWithoutRegularization(engine: Engine) -> (
    network: NextTokenNetwork, configuration: NeuralConfiguration
  ) {
    var plain = configuration
    plain.regularization = Regularization()
    let copy = NextTokenNetwork(plain, vocabularySize: vocabulary.count, engine: engine)
    network.withLock { copy.takeParameters(of: $0.network) }
    return (copy, plain)
  }
}

// The same for the networks of other tasks.

extension Filler {
  /// Holds the gradient of every tensor against differences of the loss on small random sentences; see `NeuralModel.checkGradients`.
  public func checkGradients(seed: UInt64 = 1, engine: Engine) -> GradientCheck {
    var plain = configuration
    plain.encoder.regularization = Regularization()
    let copy = FillNetwork(plain, vocabularySize: vocabulary.count, engine: engine)
    network.withLock { copy.takeParameters(of: $0.network) }
    return GradientChecker(CheckedNetwork(copy, vocabularySize: vocabulary.count, seed: seed), seed: seed)
      .check()
  }
}

extension Classifier {
  /// Holds the gradient of every tensor against differences of the loss on small random texts; see `NeuralModel.checkGradients`.
  public func checkGradients(seed: UInt64 = 1, engine: Engine) -> GradientCheck {
    var plain = configuration
    plain.encoder.regularization = Regularization()
    let copy = ClassifierNetwork(
      plain, vocabularySize: vocabulary.count, labelCount: labels.count, engine: engine)
    network.withLock { copy.takeParameters(of: $0.network) }
    let checked = CheckedNetwork(
      copy, vocabularySize: vocabulary.count, labelCount: labels.count, seed: seed)
    return GradientChecker(checked, seed: seed).check()
  }
}

extension Translator {
  /// Holds the gradient of every tensor against differences of the loss on small random pairs; see `NeuralModel.checkGradients`.
  public func checkGradients(seed: UInt64 = 1, engine: Engine) -> GradientCheck {
    var plain = configuration
    plain.network.regularization = Regularization()
    let copy = TranslationNetwork(
      plain, sourceSize: source.count, targetSize: target.count, engine: engine)
    network.withLock { copy.takeParameters(of: $0.network) }
    let checked = CheckedNetwork(copy, sourceSize: source.count, targetSize: target.count, seed: seed)
    return GradientChecker(checked, seed: seed).check()
  }
}

extension Network {
  /// Takes memory, and the parameters of a network that declares the same ones.
  fileprivate func takeParameters(of other: some Network) {
    arena.allocate()
    arena.values.update(from: other.arena.values, count: arena.count)
    arena.valuesChanged()
  }
}
