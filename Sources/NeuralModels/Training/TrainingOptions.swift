import LanguageModels

/// How a network is trained.
public struct TrainingOptions: Sendable {
  /// B, the streams side by side.
  public var rows = 20
  /// T, the steps through which gradients flow back.
  public var steps = 35
  /// Times through the text; `Int.max` if something else ends training.
  public var epochs = 5
  /// Steps after which training ends.
  public var maximumSteps: Int?
  /// Seconds after which training ends, the last evaluation and `secondsToWrite` included. The schedule is then laid out over
  /// the time, so that two such runs are alike, but not the same.
  public var timeLimit: Double?
  /// Of the time limit, what is kept for writing the model.
  public var secondsToWrite = 0.0
  /// Epochs in a row without a better held-out loss after which training ends.
  public var patience: Int?
  /// The held-out perplexity at which training ends.
  public var targetPerplexity: Double?
  /// How parameters follow gradients.
  public var optimizer = OptimizerKind.adam
  /// How fast parameters shrink on their own (Krogh and Hertz 1992): λ w is added to the gradient of w, or with AdamW w shrinks by
  /// η λ w apart from the gradient (Loshchilov and Hutter 2019); `nil` for what the optimizer usually has.
  public var weightDecay: Double?
  /// n of `WeightAverage`, which needs held-out text; `nil` for no average.
  public var averageInterval: Int?
  /// Chunks whose gradients are added up for one step.
  public var accumulation = 1
  /// Whether chunks have random lengths around T; see `ChunkLengths`.
  public var hasRandomLengths = false
  /// The highest learning rate.
  public var rate = 0.002
  /// How the rate changes.
  public var schedule = Schedule.cosine
  /// Steps in which the rate rises from zero.
  public var warmUpSteps = 0
  /// Newbob: the improvement of an epoch below which the rate is halved, as last loss / this loss.
  public var newbobRatio = 1.003
  /// Newbob: epochs without that improvement after which training ends.
  public var newbobPatience = 5
  /// The global norm that gradients are scaled down to (Pascanu et al. 2013); 0 for none.
  public var clipNorm = 1.0
  /// The value that gradients are cut to; 0 for none.
  public var clipValue = 0.0
  /// Decides the first values and the dropout.
  public var seed: UInt64 = 1

  /// T below which chunks of random length make no sense.
  public static let fewestRandomSteps = ChunkLengths.minimumSteps

  /// The defaults.
  public init() {}
}
