import Kernels
import LanguageModels
import Threads

/// A network and a way of training it whose speed is worth knowing.
public struct TrainingBenchmark: Sendable {
  /// What it is called.
  public let name: String
  /// What it is, in a line.
  public let description: String
  private let configuration: NeuralConfiguration
  private let vocabularySize: Int
  private let batchSize: Int
  private let sequenceLength: Int

  /// The configurations that others are compared on.
  public static let all: [TrainingBenchmark] = [
    .init("lstm-200x2", .lstm, layers: 2, hidden: 200, embedding: 200),
    .init("lstm-650x2", .lstm, layers: 2, hidden: 650, embedding: 650),
    .init(
      "lstm-650x2-33k", .lstm, layers: 2, hidden: 650, embedding: 650, tied: true, vocabularySize: 33_000),
    .init("gru-512", .gru, hidden: 512, embedding: 512),
    .init("rnn-512", .rnn, hidden: 512, embedding: 512),
    .init("sru-512x4", .sru, layers: 4, hidden: 512, embedding: 512),
    .init("nnlm-100", .nnlm, hidden: 100, embedding: 60, batchSize: 128),
    .init(
      "char-lstm-512", .lstm, hidden: 512, embedding: 64, vocabularySize: 66, batchSize: 64,
      sequenceLength: 128),
  ]

  private init(
    _ name: String, _ kind: NeuralKind, layers: Int = 1, hidden: Int, embedding: Int,
    tied: Bool = false, vocabularySize: Int = 10_000, batchSize: Int = 20, sequenceLength: Int = 35
  ) {
    var configuration = NeuralConfiguration(kind: kind)
    configuration.layers = layers
    configuration.hiddenSize = hidden
    configuration.embeddingSize = embedding
    configuration.tiesEmbeddings = tied
    self.name = name
    self.configuration = configuration
    self.vocabularySize = vocabularySize
    self.batchSize = batchSize
    self.sequenceLength = sequenceLength
    let shape =
      kind == .nnlm
      ? "order 5, embedding \(embedding), hidden \(hidden)"
      : "\(layers) × \(hidden), embedding \(embedding)\(tied ? " tied" : "")"
    description =
      "\(kind.rawValue), \(shape), vocabulary \(vocabularySize), batch \(batchSize), bptt \(sequenceLength)"
  }

  /// Multiplications and additions of the matrix products for one word: forward, and twice as many backward.
  public func operationsPerWord(engine: Engine) -> Double {
    let network = NextTokenNetwork(configuration, vocabularySize: vocabularySize, engine: engine)
    return 6 * Double(network.multipliedParameterCount)
  }

  /// Trains on Zipf-distributed words for so many seconds, after a few updates that are not counted.
  public func wordsPerSecond(seconds: Double, engine: Engine) throws -> Double {
    struct Enough: Error {}
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength) = (batchSize, sequenceLength)
    (options.epochs, options.schedule) = (1_000_000, .constant)
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<vocabularySize).map { "w\($0)" })
    let trainer = Trainer(
      NextToken(
        text: Self.zipf(count: 100 * batchSize * sequenceLength, vocabularySize: vocabularySize),
        vocabulary: vocabulary, configuration: configuration, options: options, engine: engine),
      options: options)
    var start = Stopwatch()
    var (words, elapsed) = (0, 0.0)
    do {
      _ = try trainer.train(heldOut: nil) { event in
        guard case .update(let update) = event else { return }
        if update.number == 3 { (start, words) = (Stopwatch(), update.tokens) }
        guard update.number > 3, start.seconds > seconds else { return }
        elapsed = start.seconds
        words = update.tokens - words
        throw Enough()
      }
    } catch is Enough {}
    return Double(words) / elapsed
  }

  /// Words whose probability falls as 1/rank.
  private static func zipf(count: Int, vocabularySize: Int) -> [TokenID] {
    var cumulative = [0.0]
    for rank in 1...vocabularySize { cumulative.append(cumulative[rank - 1] + 1 / Double(rank)) }
    var generator = SeededGenerator(seed: 1)
    return (0..<count).map { _ in
      let target = generator.uniform() * cumulative[vocabularySize]
      var (low, high) = (0, vocabularySize - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle + 1] > target { high = middle } else { low = middle + 1 }
      }
      return TokenID(low)
    }
  }
}

/// Multiplications and additions that the kernels can do in a second, on one thread and on all.
public struct PeakSpeed: Sendable {
  /// In registers.
  public let one, all: Double
  /// With operands from the first-level cache, as products have them.
  public let oneWithLoads, allWithLoads: Double
}

extension Engine {
  /// Measures the peaks of the kernels.
  public func peakOperationsPerSecond() -> PeakSpeed {
    let one = SpeedProbe(kernels: kernels, pool: ThreadPool(threads: 1))
    let all = SpeedProbe(kernels: kernels, pool: pool)
    return PeakSpeed(
      one: one.peak() * 1e9, all: all.peak() * 1e9, oneWithLoads: one.peakWithLoads() * 1e9,
      allWithLoads: all.peakWithLoads() * 1e9)
  }
}
