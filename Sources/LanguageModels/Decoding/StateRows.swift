import Glibc

/// The states of several texts that go on side by side, each in a row of its own: what sampling, and any search that follows several
/// continuations, asks of a model at every step.
///
/// What a row gives depends neither on the other rows nor on how many there are.
public protocol StateRows<State>: AnyObject {
  /// The state of one row.
  associatedtype State: Sendable

  /// How many rows there are.
  var count: Int { get }

  /// Adds a row behind the last; there is room for as many as were asked for.
  func append(_ state: State)

  /// Lets a row go on from another state.
  func replace(_ row: Int, by state: State)

  /// Takes a row away; the last row takes its place.
  func remove(_ row: Int)

  /// The state of a row.
  func state(_ row: Int) -> State

  /// Lets row i go on from what row `rows[i]` was; there are then as many rows as that: what a search does with its survivors.
  func gather(_ rows: [Int])

  /// Moves each row behind one more token.
  func advance(by tokens: [TokenID])

  /// Calls `body` with each row of ln p(w), [V], or of logits; from several threads at a time, and with what it may overwrite.
  func forEachDistribution(_ body: @Sendable (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void)

  /// ln p of a token behind each row.
  func logProbabilities(of tokens: [TokenID]) -> [Double]

  /// Whether the distribution is the softmax of what `forEachDistribution` gives; else it is ln p itself.
  var giveLogits: Bool { get }

  /// What to draw from the rows with.
  var functions: RowFunctions { get }

  /// What is added to the score of a text that ends behind a row; it is not positive.
  func endScore(_ row: Int) -> Double
}

extension StateRows {
  /// Nothing.
  public func endScore(_ row: Int) -> Double { 0 }

  /// Out of the whole distributions.
  public func logProbabilities(of tokens: [TokenID]) -> [Double] {
    let (areLogits, functions) = (giveLogits, functions)
    var results = [Double](repeating: 0, count: count)
    results.withUnsafeMutableBufferPointer { results in
      // Each row is one thread's.
      nonisolated(unsafe) let results = results
      forEachDistribution { row, x in
        guard let start = x.baseAddress else { return }
        results[row] = Double(x[Int(tokens[row])])
        guard areLogits else { return }
        let largest = functions.maximum(x.count, start)
        results[row] -= Double(largest) + log(functions.exponentials(x.count, largest, 1, start, nil))
      }
    }
    return results
  }

  /// State by state.
  public func gather(_ rows: [Int]) {
    let states = rows.map { state($0) }
    while count > states.count { remove(count - 1) }
    for (row, state) in states.enumerated() {
      if row < count { replace(row, by: state) } else { append(state) }
    }
  }
}

/// A model that keeps the states of rows where it works on them.
public protocol RowKeeping<State>: LanguageModel {
  /// No rows, and room for `capacity` of them.
  func makeRows(capacity: Int) -> any StateRows<State>
}

extension LanguageModel {
  /// No rows, and room for `capacity` of them.
  func makeStateRows(capacity: Int) -> any StateRows<State> {
    (self as? any RowKeeping<State>)?.makeRows(capacity: capacity) ?? ValueRows(self)
  }
}

/// Rows of any model, as the values that its states are.
final class ValueRows<Model: LanguageModel>: StateRows {
  private let model: Model
  private var states: [Model.State] = []
  private var logProbabilities: [Float] = []

  init(_ model: Model) { self.model = model }

  var count: Int { states.count }
  let giveLogits = false
  let functions = RowFunctions.scalar

  func append(_ state: Model.State) { states.append(state) }
  func replace(_ row: Int, by state: Model.State) { states[row] = state }
  func state(_ row: Int) -> Model.State { states[row] }
  func gather(_ rows: [Int]) { states = rows.map { states[$0] } }
  func advance(by tokens: [TokenID]) { states = model.advance(states, by: tokens) }

  func remove(_ row: Int) {
    states.swapAt(row, states.count - 1)
    states.removeLast()
  }

  func forEachDistribution(_ body: @Sendable (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    model.logProbabilities(after: states, into: &logProbabilities)
    let size = model.vocabulary.count
    logProbabilities.withUnsafeMutableBufferPointer { all in
      for row in states.indices { body(row, .init(rebasing: all[row * size..<(row + 1) * size])) }
    }
  }
}
