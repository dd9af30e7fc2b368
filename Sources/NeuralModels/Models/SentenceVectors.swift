import LanguageModels

/// How the features after the tokens of a sentence become one vector.
public enum Pooling: String, CaseIterable, Sendable {
  /// Those after the last token, before the end of the sentence: what the network has made of all of it.
  case last
  /// The largest of each.
  case max
  /// The mean of each.
  case mean
}

/// What a network makes of sentences: its features, which the output layer turns into the distribution of the next token.
extension NeuralModel {
  /// F, how many features there are.
  public var featureSize: Int { initialState.features.count }

  /// The features after each token of a sentence, one after the other, [n × F], or with `pooling` what it makes of them, [F]; nothing for a
  /// sentence without tokens. Sentences come without their ends; each is read by itself, many side by side.
  public func vectors(ofSentences sentences: [[TokenID]], _ pooling: Pooling?) -> [[Float]] {
    var pools = [FeaturePool](repeating: FeaturePool(pooling), count: sentences.count)
    // Those of like length together, so that few rows idle.
    let order = sentences.indices.filter { !sentences[$0].isEmpty }
      .sorted { (sentences[$0].count, $1) > (sentences[$1].count, $0) }
    network.withLock { box in
      let network = box.taken()
      for first in stride(from: 0, to: order.count, by: SegmentScorer.rows) {
        let rows = order[first..<min(order.count, first + SegmentScorer.rows)]
        let pass = SentencePass(network: network, rows: rows.map { (sentences[$0], initialState) })
        pass.run { row, features in pools[rows[first + row]].add(features) }
      }
    }
    return pools.map(\.result)
  }

  /// The same of one sentence that goes on from `state`, which moves behind its end.
  public func vector(of sentence: [TokenID], _ pooling: Pooling?, after state: inout State) -> [Float] {
    var pool = FeaturePool(pooling)
    var last: [Float] = []
    let tokens = sentence + [Vocabulary.endOfSentence]
    let values = network.withLock { box in
      let network = box.taken()
      SentencePass(network: network, rows: [(tokens, state)]).run { _, features in
        // Those after the end belong to the state only.
        if !last.isEmpty { last.withUnsafeBufferPointer { pool.add($0) } }
        last = Array(features)
      }
      return network.state(row: 0)
    }
    let window = Array((state.window + tokens).suffix(state.window.count))
    state = State(values: values, features: last, window: window)
    return pool.result
  }
}

/// Takes up features, token by token.
private struct FeaturePool {
  private let pooling: Pooling?
  private var values: [Float] = []
  private var count = 0

  init(_ pooling: Pooling?) { self.pooling = pooling }

  mutating func add(_ features: UnsafeBufferPointer<Float>) {
    count += 1
    switch pooling {
    case nil: values += features
    case _ where count == 1: values = Array(features)
    case .last?: for i in values.indices { values[i] = features[i] }
    case .max?: for i in values.indices { values[i] = Swift.max(values[i], features[i]) }
    case .mean?: for i in values.indices { values[i] += features[i] }
    }
  }

  var result: [Float] { pooling == .mean ? values.map { $0 / Float(count) } : values }
}

/// Sentences that a network reads side by side, one in each row of a batch, each from a state of its own.
private struct SentencePass {
  let network: NextTokenNetwork
  let rows: [(tokens: [TokenID], state: NeuralModel.State)]

  /// Calls `body` with the features after each token; those of a row come in the order of its tokens.
  func run(_ body: (_ row: Int, UnsafeBufferPointer<Float>) -> Void) {
    network.resetState(rows: rows.count)
    for (row, start) in rows.enumerated() { network.setState(start.state.values, row: row) }
    let longest = rows.reduce(0) { max($0, $1.tokens.count) }
    for first in stride(from: 0, to: longest, by: SegmentScorer.steps) {
      let steps = first..<min(longest, first + SegmentScorer.steps)
      let features = network.features(batch(steps))
      for step in steps {
        for (row, start) in rows.enumerated() where step < start.tokens.count {
          let position = (step - first) * rows.count + row
          body(row, UnsafeBufferPointer(start: features.row(position), count: features.columns))
        }
      }
    }
  }

  /// The windows that end with the tokens of some steps; behind the end of a row, anything will do.
  private func batch(_ steps: Range<Int>) -> Batch {
    var batch = Batch(steps: steps.count, rows: rows.count)
    for step in steps {
      for (tokens, state) in rows {
        for distance in (0..<network.window).reversed() {
          let place = step - distance
          batch.inputs.append(
            place < 0
              ? state.window[state.window.count + place]
              : place < tokens.count ? tokens[place] : Vocabulary.endOfSentence)
        }
      }
    }
    return batch
  }
}
