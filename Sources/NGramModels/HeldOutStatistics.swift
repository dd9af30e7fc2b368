import Glibc
import LanguageModels
import Threads

/// What a model's counts say about each token of a held-out text: all that the probability of the text depends on besides the
/// parameters of an interpolated smoothing.
public struct HeldOutStatistics: Sendable {
  /// One token in the context of one order.
  public struct Event: Sendable {
    fileprivate var contextIndex: Int32
    /// How often the token follows the context.
    public var count: UInt32

    /// The context in `contexts`; `nil` if nothing follows it in the training text.
    public var context: Int? { contextIndex < 0 ? nil : Int(contextIndex) }
  }

  /// The contexts that occur.
  public private(set) var contexts: [ContextStatistics] = []
  /// For each token, one event for each order, from the empty context up.
  private var events: [Event] = []

  /// The order of the longest n-grams.
  public let order: Int
  /// V.
  public let vocabularySize: Int
  /// How many tokens the text has.
  public let tokenCount: Int

  /// Looks up the n-grams of `tokens` in `model`; `counts` are what the smoothing works on.
  init(tokens: [TokenID], model: NGramCounts, counts: [UInt32], context: ContextMode) {
    order = model.order
    vocabularySize = model.vocabularySize
    tokenCount = tokens.count
    events.reserveCapacity(tokens.count * order)
    var known: [[Int: Int32]] = Array(repeating: [:], count: order)
    // Of the words before the token, the n-gram of the last k, if the model has it, at index k.
    let sentenceStart: [Int?] = [0, vocabularySize] + Array(repeating: nil, count: order)
    var history = sentenceStart
    for token in tokens {
      var next: [Int?] = Array(repeating: nil, count: order + 2)
      next[0] = 0
      for k in 0..<order {
        guard let h = history[k] else {
          events.append(Event(contextIndex: -1, count: 0))
          continue
        }
        let children = k == 0 ? 0..<vocabularySize : model.children(of: h)
        if known[k][h] == nil {
          let isComplete = k + 1 == order || (k > 0 && h >= model.firstAtSentenceStart[k - 1])
          let statistics = counts.withUnsafeBufferPointer {
            ContextStatistics(
              of: UnsafeBufferPointer(rebasing: $0[children]), order: k + 1, isComplete: isComplete,
              vocabularySize: vocabularySize)
          }
          known[k][h] = statistics.total > 0 ? Int32(contexts.count) : -1
          if statistics.total > 0 { contexts.append(statistics) }
        }
        next[k + 1] = model.find(token, in: children)
        events.append(
          Event(contextIndex: known[k][h] ?? -1, count: next[k + 1].map { counts[$0] } ?? 0))
      }
      history = context == .sentence && token == Vocabulary.endOfSentence ? sentenceStart : next
    }
  }

  /// Calls `body` with the events of each token, from the lowest order up.
  func forEachToken(_ body: (ArraySlice<Event>) -> Void) {
    for i in 0..<tokenCount { body(events[i * order..<(i + 1) * order]) }
  }

  /// c(h) of the contexts of all tokens at `level`, where they occur.
  func contextTotals(level: Int) -> [Double] {
    (0..<tokenCount).compactMap { events[$0 * order + level].context.map { contexts[$0].total } }
  }

  /// The cross-entropy of the text in nats per token under interpolated smoothing with `method`.
  func crossEntropy(_ method: some SmoothingMethod) -> Double {
    let gammas = contexts.map { method.gamma(context: $0) }
    let pieces = 16
    var sums = [Double](repeating: 0, count: pieces)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      Threads.perform(pieces) { piece in
        sums[piece] = logProbability(
          of: tokenCount * piece / pieces..<tokenCount * (piece + 1) / pieces, method, gammas)
      }
    }
    return -sums.reduce(0, +) / Double(tokenCount)
  }

  private func logProbability(
    of tokens: Range<Int>, _ method: some SmoothingMethod, _ gammas: [Double]
  ) -> Double {
    var sum = 0.0
    for token in tokens {
      var probability = 1 / Double(vocabularySize)
      for event in events[token * order..<(token + 1) * order] where event.contextIndex >= 0 {
        let context = Int(event.contextIndex)
        probability *= gammas[context]
        if event.count > 0 { probability += method.alpha(count: event.count, context: contexts[context]) }
      }
      sum += log(probability)
    }
    return sum
  }
}
