import LanguageModels
import Threads

/// A network whose speed at writing text is worth knowing.
public struct GenerationBenchmark: Sendable {
  /// What it is called.
  public let name: String
  /// What it is, in a line.
  public let description: String
  private let configuration: NeuralConfiguration
  private let vocabularySize: Int

  /// Tokens a second.
  public struct Speed: Sendable {
    /// Of a sample by itself.
    public let one: Double
    /// Of many side by side.
    public let many: Double
    /// How many those are.
    public let rows: Int
  }

  /// The configurations that others are compared on.
  public static let all: [GenerationBenchmark] = [
    .init("sample-lstm-256", hidden: 256, embedding: 256, vocabularySize: 14_115),
    .init("sample-char-lstm-512", hidden: 512, embedding: 64, vocabularySize: 66),
  ]

  private init(_ name: String, hidden: Int, embedding: Int, vocabularySize: Int) {
    var configuration = NeuralConfiguration(kind: .lstm)
    configuration.hiddenSize = hidden
    configuration.embeddingSize = embedding
    self.configuration = configuration
    self.name = name
    self.vocabularySize = vocabularySize
    description = "lstm, 1 × \(hidden), embedding \(embedding), vocabulary \(vocabularySize)"
  }

  /// Draws from the network, which need not be trained for that, one sample at a time and then many, for so many seconds each.
  public func speed(seconds: Double, engine: Engine) -> Speed {
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<vocabularySize).map { "w\($0)" })
    let model = NeuralModel(untrained: configuration, vocabulary: vocabulary, seed: 1, engine: engine)
    let rows = Sampler<NeuralModel>.usualRows(vocabularySize: vocabularySize)
    return Speed(
      one: tokensPerSecond(model, rows: 1, seconds), many: tokensPerSecond(model, rows: rows, seconds),
      rows: rows)
  }

  private func tokensPerSecond(_ model: NeuralModel, rows: Int, _ seconds: Double) -> Double {
    struct Enough: Error {}
    var options = SamplingOptions()
    options.length = .max
    let sampler = Sampler(model: model, options: options, seed: 1, rows: rows)
    var start = Stopwatch()
    var (tokens, elapsed) = (0, 0.0)
    try? sampler.run { _ in
      .begin(model.initialState)
    } emit: { _ in
      tokens += 1
      // What is made once is not counted.
      if tokens == 3 * rows { start = Stopwatch() }
      guard tokens % rows == 0, tokens > 3 * rows, start.seconds > seconds else { return }
      elapsed = start.seconds
      throw Enough()
    }
    return Double(tokens - 3 * rows) / elapsed
  }
}
