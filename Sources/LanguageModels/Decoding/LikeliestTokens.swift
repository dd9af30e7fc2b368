import Glibc

/// A token and its logarithmic probability.
public struct LikelyToken: Sendable, Equatable {
  public var token: TokenID
  /// ln p(token); where UNK is left out, that of the distribution without it: ln p − ln(1 − p(UNK)).
  public var logProbability: Float
}

extension TokenDraw {
  /// The k likeliest tokens in falling order, of equally likely ones the lower first; fewer if fewer have any probability.
  ///
  /// Probabilities are those that `draw` gives, UNK left out if asked, whatever the temperature, top-k and top-p.
  ///
  /// - Parameters:
  ///   - x: [V], ln p or logits; used up.
  ///   - areLogits: whether the softmax of x is the distribution; else ln p is x.
  ///   - isWanted: says which tokens may be among them; it changes no probability.
  func likeliest(
    _ k: Int, of x: UnsafeMutableBufferPointer<Float>, areLogits: Bool, _ functions: RowFunctions,
    where isWanted: ((TokenID) -> Bool)? = nil
  ) -> [LikelyToken] {
    guard let row = x.baseAddress else { return [] }
    let unknown = x[Int(Vocabulary.unknown)]
    if !options.drawsUnknown { x[Int(Vocabulary.unknown)] = -.infinity }
    let largest = areLogits ? functions.maximum(x.count, row) : 0
    if largest == -.infinity { return [] }
    let logSum = areLogits ? log(functions.exponentials(x.count, largest, 1, row, nil)) : 0
    if let isWanted {
      for i in x.indices where !isWanted(TokenID(i)) { x[i] = -.infinity }
    }
    return LargestTokens.find(k, of: x.count, row, functions).map { token in
      let value = x[Int(token)]
      return LikelyToken(
        token: token,
        logProbability: areLogits
          ? Float(Double(value - largest) - logSum) : score(value, unknown: unknown))
    }
  }
}

extension LanguageModel {
  /// The k likeliest tokens after a state in falling order, of equally likely ones the lower first; fewer if fewer have any probability.
  ///
  /// Where numbers do not sum to one, they are divided by their sum, as for drawing.
  ///
  /// - Parameters:
  ///   - includesUnknown: whether UNK may be among them; if not, the other tokens share its probability in proportion to theirs.
  ///   - isWanted: says which tokens may be among them; it changes no probability.
  public func likeliestTokens(
    _ k: Int, after state: State, includesUnknown: Bool, where isWanted: ((TokenID) -> Bool)? = nil
  ) -> [LikelyToken] {
    var options = SamplingOptions()
    options.drawsUnknown = includesUnknown
    var x: [Float] = []
    logProbabilities(after: state, into: &x)
    if !sumsToOne {
      let logSum = Float(log(x.reduce(0.0) { $0 + exp(Double($1)) }))
      for i in x.indices { x[i] -= logSum }
    }
    return x.withUnsafeMutableBufferPointer {
      TokenDraw(options).likeliest(k, of: $0, areLogits: false, .scalar, where: isWanted)
    }
  }
}
