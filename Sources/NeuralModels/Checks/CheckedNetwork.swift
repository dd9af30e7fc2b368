import LanguageModels
import Tensors

/// A network before a small random text, as a check of its gradients sees it.
struct CheckedNetwork {
  let arena: ParameterArena
  /// What its loss is a mean over.
  let targets: Int
  /// The sum of the losses of the targets, with the parameters as they are.
  let losses: () -> Double
  /// The same; adds the gradients of the mean to the arena's.
  let lossAndGradients: () -> Double

  /// Text enough for every gate and carried state to matter, and short enough for few losses to average out what is wrong.
  static let (steps, rows) = (6, 4)

  /// A network that predicts next tokens, on text and states that `seed` decides.
  init(_ network: NextTokenNetwork, vocabularySize: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let count = Self.steps * Self.rows
    var batch = Batch(steps: Self.steps, rows: Self.rows)
    batch.inputs = Self.tokens(count * network.window, vocabularySize, &generator)
    batch.targets = Self.tokens(count, vocabularySize, &generator)
    // A row that restarts, and one whose text ends early.
    batch.restarts = (0..<count).map { $0 == count / 2 }
    batch.targets[count - 1] = Batch.ignored
    batch.targetCount = count - 1
    let states = (0..<Self.rows).map { _ in
      (0..<network.stateSize).map { _ in Float(generator.uniform() - 0.5) }
    }
    func start() {
      network.resetState(rows: Self.rows)
      for (row, state) in states.enumerated() { network.setState(state, row: row) }
    }
    (arena, targets) = (network.arena, batch.targetCount)
    losses = { [batch] in
      start()
      return network.losses(batch).reduce(0, +)
    }
    lossAndGradients = { [batch] in
      start()
      return network.lossAndGradients(batch, dropoutKey: nil)
    }
  }

  /// A network that fills gaps.
  init(_ network: FillNetwork, vocabularySize: Int, seed: UInt64) {
    let text = Self.sentences(vocabularySize, seed).flatMap { $0 + [Vocabulary.endOfSentence] }
    let batch = FillBatch(
      FillRow.rows(of: text, longest: Filler.longest, margin: Filler.leastContext), of: text)
    (arena, targets) = (network.arena, batch.targetCount)
    losses = { network.losses(batch).reduce(0, +) }
    lossAndGradients = {
      network.lossAndGradients(batch, scale: 1 / Float(batch.targetCount), dropoutKey: nil)
    }
  }

  /// A network that labels texts.
  init(_ network: ClassifierNetwork, vocabularySize: Int, labelCount: Int, seed: UInt64) {
    let batch = TextBatch(
      Self.sentences(vocabularySize, seed).enumerated().map { row, tokens in
        LabelledText(tokens: tokens, labels: [row % labelCount])
      })
    (arena, targets) = (network.arena, batch.rows)
    // On the way along a direction, others may become the largest: there the slope jumps, which no difference can follow.
    losses = {
      network.pooling?.keepsPlaces = true
      return network.evaluate(batch, isWeighted: true).losses.reduce(0, +)
    }
    lossAndGradients = {
      network.pooling?.keepsPlaces = false
      return network.lossAndGradients(batch, scale: 1 / Float(batch.rows), dropoutKey: nil)
    }
  }

  /// A network that translates.
  init(_ network: TranslationNetwork, sourceSize: Int, targetSize: Int, seed: UInt64) {
    let pairs = zip(Self.sentences(sourceSize, seed), Self.sentences(targetSize, ~seed)).map {
      SentencePair(source: $0, target: $1)
    }
    let batch = PairBatch(pairs)
    let count = batch.targets.count { $0 != Batch.ignored }
    (arena, targets) = (network.arena, count)
    losses = { network.losses(batch).reduce(0, +) }
    lossAndGradients = { network.lossAndGradients(batch, scale: 1 / Float(count), dropoutKey: nil) }
  }

  /// Sentences of different lengths, without their ends.
  private static func sentences(_ vocabularySize: Int, _ seed: UInt64) -> [[TokenID]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<rows).map { row in
      tokens(steps - row, vocabularySize, &generator).map {
        $0 == Vocabulary.endOfSentence ? Vocabulary.unknown : $0
      }
    }
  }

  private static func tokens(
    _ count: Int, _ vocabularySize: Int, _ generator: inout SeededGenerator
  ) -> [TokenID] {
    (0..<count).map { _ in TokenID(generator.uniform() * Double(vocabularySize)) }
  }
}
