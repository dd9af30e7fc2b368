import LanguageModels

/// A piece of text: T steps of B rows side by side, time-major.
///
/// Row b of step t is at index t·B + b.
struct Batch {
  /// T.
  var steps = 0
  /// B.
  var rows = 0
  /// The tokens before each target, oldest first: [T·B × window].
  var inputs: [TokenID] = []
  /// What is to be predicted: [T·B]; `ignored` where a row has no more text.
  var targets: [TokenID] = []
  /// Whether the context restarts before this step: [T·B]; empty if it never does.
  var restarts: [Bool] = []
  /// How many targets are not ignored.
  var targetCount = 0
  /// What the gradients are multiplied by: 1, or the batch's share of the targets if several batches make one update.
  var weight = 1.0

  /// The batch on its way through the layers.
  func pass(dropoutKey: UInt64? = nil, probe: (any Probe)? = nil) -> Pass {
    Pass(
      steps: steps, rows: rows, restarts: restarts, dropoutKey: dropoutKey, weight: weight, probe: probe)
  }

  /// What the sum of the losses is multiplied by for its gradients.
  var lossScale: Float { Float(weight) / Float(max(1, targetCount)) }

  /// Stands where there is nothing to predict.
  static let ignored = TokenID.max
}

/// A text as B parallel streams, cut into sequences of T steps: what truncated back-propagation through time runs on.
///
/// The N tokens are dealt out in B runs of ⌈N/B⌉; every token is a target exactly once in an epoch. What comes before the first
/// token of the text is the end of a sentence. With `context` `.sentence`, the context restarts after each end of sentence:
/// the tokens before it are then ends of sentences too.
struct StreamBatches {
  let tokens: [TokenID]
  /// B.
  let batchSize: Int
  /// T.
  let sequenceLength: Int
  let window: Int
  let context: ContextMode

  /// The length of each stream.
  var streamLength: Int { (tokens.count + batchSize - 1) / batchSize }

  /// How many sequences an epoch has.
  var count: Int { (streamLength + sequenceLength - 1) / sequenceLength }

  /// How many targets some steps of all streams have.
  func targetCount(_ range: Range<Int>) -> Int {
    (0..<batchSize).reduce(0) { sum, row in
      let (first, end) = (row * streamLength + range.lowerBound, row * streamLength + range.upperBound)
      return sum + max(0, min(end, tokens.count) - first)
    }
  }

  /// Puts the next `steps` steps of all streams into `batch`, fewer at the end.
  func fill(_ batch: inout Batch, from first: Int, steps: Int) {
    batch.steps = min(steps, streamLength - first)
    batch.rows = batchSize
    let size = batch.steps * batchSize
    batch.inputs.removeAll(keepingCapacity: true)
    batch.targets.removeAll(keepingCapacity: true)
    batch.restarts.removeAll(keepingCapacity: true)
    batch.inputs.reserveCapacity(size * window)
    batch.targetCount = 0
    for t in 0..<batch.steps {
      for row in 0..<batchSize {
        let position = row * streamLength + first + t
        appendInputs(before: position, to: &batch.inputs)
        if position < tokens.count, first + t < streamLength {
          batch.targets.append(tokens[position])
          batch.targetCount += 1
        } else {
          batch.targets.append(Batch.ignored)
        }
        if context == .sentence {
          let isStart =
            position == 0 || position > tokens.count || tokens[position - 1] == Vocabulary.endOfSentence
          batch.restarts.append(isStart)
        }
      }
    }
  }

  private func appendInputs(before position: Int, to inputs: inout [TokenID]) {
    var isBeforeStart = false
    let start = inputs.count
    inputs.append(contentsOf: repeatElement(Vocabulary.endOfSentence, count: window))
    for distance in 1...window {
      let source = position - distance
      guard !isBeforeStart, source >= 0, source < tokens.count else { continue }
      inputs[start + window - distance] = tokens[source]
      if context == .sentence, tokens[source] == Vocabulary.endOfSentence { isBeforeStart = true }
    }
  }
}
