import LanguageModels

/// How a network is trained.
public struct TrainingOptions: Sendable {
  /// B, the streams side by side.
  public var batchSize = Defaults(kind: .lstm).batchSize
  /// T, the steps through which gradients flow back.
  public var sequenceLength = Defaults(kind: .lstm).sequenceLength
  /// Whether sequences have random lengths around T; see `SequenceLengths`.
  public var hasRandomLengths = false
  /// The share of rows that begin a sequence with a state of zeros instead of the one before (Melis et al. 2018).
  public var stateForgetting = 0.01
  /// Times through the text; `Int.max` if something else ends training.
  public var epochs = Defaults(kind: .lstm).epochs(updatesPerEpoch: .max)
  /// Updates after which training ends.
  public var maximumUpdates: Int?
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
  /// Its constants.
  public var optimizerConstants = OptimizerConstants()
  /// How fast parameters shrink on their own (Krogh and Hertz 1992): λ w is added to the gradient of w, or with AdamW w shrinks by
  /// η λ w apart from the gradient (Loshchilov and Hutter 2019); `nil` for what the optimizer usually has.
  public var weightDecay: Double?
  /// n of `WeightAverage`, which needs held-out text; `nil` for no average.
  public var averageInterval: Int?
  /// Batches whose gradients are added up for one update (gradient accumulation; "delayed updates" in Saunders et al. 2018): the
  /// gradient of a larger batch in the memory of a small one. States are carried from one to the next, but no gradients.
  public var accumulation = 1
  /// The highest learning rate.
  public var rate = OptimizerKind.adam.usualRate(for: .lstm)
  /// How the rate changes.
  public var schedule = Defaults(kind: .lstm).schedule(hasTimeLimit: false)
  /// Updates in which the rate rises from zero.
  public var warmUpUpdates = 0
  /// Newbob: the improvement of an epoch below which the rate is halved, as previous loss / this loss.
  public var newbobRatio = 1.003
  /// Newbob: epochs without that improvement after which training ends.
  public var newbobPatience = 5
  /// The global norm that gradients are scaled down to (Pascanu et al. 2013); 0 for none.
  public var clipNorm = 1.0
  /// The value that gradients are cut to; 0 for none.
  public var clipValue = 0.0
  /// Decides the first values and the dropout.
  public var seed: UInt64 = 1

  /// T below which sequences of random length make no sense.
  public static let fewestRandomSteps = SequenceLengths.minimumMean

  /// The defaults.
  public init() {}
}
