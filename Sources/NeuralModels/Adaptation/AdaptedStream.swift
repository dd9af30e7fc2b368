import Glibc
import LanguageModels
import Tensors

/// A text by a network that adapts to it: its weights follow every segment once that is scored (`DynamicEvaluation`), and what came after
/// like contexts is expected again (`NeuralCache`).
///
/// One row reads the text from its beginning, without the stretches side by side that plain scoring has. Segments are counted from the
/// beginning, whatever the pieces are that the text comes in. As long as the stream lives, its network has the weights of the text.
final class AdaptedStream: TextStream {
  private let model: NeuralModel
  private let context: ContextMode
  private let segmentLength: Int
  private let dynamic: DynamicWeights?
  private let cache: ContextCache?
  /// ln p of each token by the cache alone, for each θ that is tried, and by the network as long as the cache is empty.
  private(set) var cacheScores: [[Float]]
  /// The last tokens before the segment, which the network may be given.
  private var history: [TokenID] = []
  /// Tokens of the segment that are scored; all of it is learnt from when it is whole.
  private var segment: [TokenID] = []
  /// What the network remembered before the last token of the history, and before the first that is not scored.
  private var segmentState: [Float]
  private var state: [Float]

  /// A text of which nothing was read.
  ///
  /// - Parameter flatnesses: θ of the cache that are tried.
  init(_ model: NeuralModel, _ adaptation: Adaptation, flatnesses: [Double] = [], context: ContextMode) {
    (self.model, self.context) = (model, context)
    cacheScores = [[Float]](repeating: [], count: flatnesses.count)
    let statistics = model.statistics
    (dynamic, cache) = model.network.withLock { box in
      let network = box.network
      return (
        adaptation.dynamic.map { DynamicWeights(network, $0, statistics) },
        adaptation.cache.map {
          ContextCache(
            $0, featureSize: network.layers.outputSize, flatnesses: flatnesses, engine: network.engine)
        }
      )
    }
    segmentLength = adaptation.dynamic?.segment ?? NeuralModel.warmUpLength
    state = [Float](repeating: 0, count: model.initialState.values.count)
    segmentState = state
  }

  deinit {
    guard let dynamic else { return }
    model.network.withLock { _ in dynamic.restore() }
  }

  func restart() {
    model.network.withLock { _ in dynamic?.restore() }
    cache?.clear()
    history.removeAll()
    segment.removeAll()
    state = [Float](repeating: 0, count: state.count)
    segmentState = state
  }

  func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void) rethrows
  {
    var first = tokens.startIndex
    while first < tokens.endIndex {
      let end = min(tokens.endIndex, first + segmentLength - segment.count)
      model.network.withLock { box in
        let network = box.taken()
        network.resetState(rows: 1)
        score(tokens[first..<end], network, &output)
      }
      try watch(end - first)
      first = end
    }
  }

  /// Scores some tokens of the present segment, and learns from it if they complete it.
  private func score(_ tokens: ArraySlice<TokenID>, _ network: NextTokenNetwork, _ output: inout [Float]) {
    let isAtOnce = segment.isEmpty && tokens.count == segmentLength && dynamic != nil
    let batch = batch(tokens, after: history + segment, network)
    network.setState(state, row: 0)
    func take(_ features: MatrixView, _ losses: [Double]) {
      for (t, token) in tokens.enumerated() {
        let logProbability = Float(-losses[t])
        let cached = cache?.probabilities(of: token, features: features.row(t)) ?? []
        output.append(cached.first.flatMap { cache?.mix(logProbability, with: $0) } ?? logProbability)
        for i in cacheScores.indices {
          cacheScores[i].append(cached.isEmpty ? logProbability : Float(log(cached[i])))
        }
      }
    }
    if isAtOnce {
      network.lossesAndGradients(batch, take)
    } else {
      let losses = network.losses(batch)
      if let features = network.layers.features { take(features, losses) }
    }
    state = network.state(row: 0)
    segment += tokens
    guard segment.count == segmentLength else { return }
    if let dynamic {
      if !isAtOnce {
        network.setState(segmentState, row: 0)
        network.lossesAndGradients(self.batch(segment[...], after: history, network)) { _, _ in }
      }
      dynamic.follow()
    }
    history = (history + segment).suffix(network.window)
    segment.removeAll(keepingCapacity: true)
    segmentState = state
  }

  /// The batch of one row that predicts `tokens`.
  private func batch(_ tokens: ArraySlice<TokenID>, after before: [TokenID], _ network: NextTokenNetwork)
    -> Batch
  {
    let batches = StreamBatches(
      tokens: before + tokens, batchSize: 1, sequenceLength: tokens.count, window: network.window,
      context: context)
    var batch = Batch()
    batches.fill(&batch, from: before.count, steps: tokens.count)
    return batch
  }
}

extension NeuralModel: AdaptableModel {
  public func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream {
    // What does not move the weights at all is no reason to read one token after the other.
    var adaptation = adaptation
    if adaptation.dynamic?.rate == 0 { adaptation.dynamic = nil }
    if adaptation.cache?.weight == 0 { adaptation.cache = nil }
    return adaptation.isEmpty
      ? ModelStream(self, context: context) : AdaptedStream(self, adaptation, context: context)
  }

  public func cacheScores(
    of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
    watch: (Int) throws -> Void
  ) throws -> [[Float]] {
    var adaptation = adaptation
    if adaptation.dynamic?.rate == 0 { adaptation.dynamic = nil }
    adaptation.cache?.weight = 0
    let stream = AdaptedStream(self, adaptation, flatnesses: flatnesses, context: context)
    var scores: [Float] = []
    try stream.score(tokens[...], into: &scores, watch: watch)
    return [scores] + stream.cacheScores
  }
}
