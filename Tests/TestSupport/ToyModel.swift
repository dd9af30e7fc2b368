import Foundation
import LanguageModels

/// A model whose distribution is given outright, whatever came before.
public struct ToyModel: LanguageModel {
  public let vocabulary: Vocabulary
  public let defaultContext = ContextMode.sentence
  private let logs: [Float]

  /// The model that gives token i the probability `probabilities[i]`.
  public init(_ probabilities: [Float]) {
    vocabulary = Vocabulary(unit: .word, tokens: (2..<probabilities.count).map { "w\($0)" })
    logs = probabilities.map { Float(log(Double($0))) }
  }

  public var initialState: Int { 0 }

  public func logProbability(of token: TokenID, after state: Int) -> (Float, Int) {
    (logs[Int(token)], state + 1)
  }

  public func logProbabilities(after state: Int, into output: inout [Float]) { output = logs }
}
