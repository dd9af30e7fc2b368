import Glibc

/// Draws a token from a row of ln p(w), or of logits, which are that but for a constant.
///
/// Order of operations: UNK is left out if asked, then temperature, then top-k, then top-p, which is a part of what top-k leaves. Of
/// tokens that are equally likely, the lower is taken first.
struct TokenDraw: Sendable {
  let options: SamplingOptions
  /// 1/temperature; infinite if the likeliest token is to be taken.
  private let exponent: Float

  /// The tokens whose weights have one sum.
  private static let chunk = 512
  /// Draws outside the nucleus after which its tokens are looked for.
  private static let maximumRejections = 40

  init(_ options: SamplingOptions) {
    self.options = options
    // What is impossible stays so at any temperature, also where the exponent would be rounded to 0.
    exponent = max(Float(1 / options.temperature), .leastNormalMagnitude)
  }

  /// Whether tokens are drawn in proportion to a power of their probabilities, of all of them.
  var isPlain: Bool { exponent.isFinite && options.topK == nil && options.topP == nil }

  /// A token, and its logarithmic probability by the model: where UNK is not drawn, ln p − ln(1 − p(UNK)).
  ///
  /// If nothing that may be drawn has any probability, a sentence can only end.
  ///
  /// - Parameters:
  ///   - x: [V]; used up.
  ///   - areLogits: whether the softmax of x is the distribution; else ln p is x, even if the sum of p is not one.
  func draw(
    from x: UnsafeMutableBufferPointer<Float>, areLogits: Bool, _ functions: RowFunctions,
    _ generator: inout SeededGenerator
  ) -> (TokenID, Float) {
    guard let row = x.baseAddress else { return (Vocabulary.endOfSentence, -.infinity) }
    let unknown = x[Int(Vocabulary.unknown)]
    if !options.drawsUnknown { x[Int(Vocabulary.unknown)] = -.infinity }
    let largest = functions.maximum(x.count, row)
    let (token, total) =
      largest == -.infinity
      ? (Vocabulary.endOfSentence, nil) : token(row, x.count, largest: largest, functions, &generator)
    let value = x[Int(token)]
    if areLogits {
      let sum = total ?? functions.exponentials(x.count, largest, 1, row, nil)
      return (token, Float(Double(value - largest) - log(sum)))
    }
    return (token, score(value, unknown: unknown))
  }

  /// ln p of a token as it is drawn, given that of the model and that of UNK.
  func score(_ logProbability: Float, unknown: Float) -> Float {
    if options.drawsUnknown || logProbability == -.infinity { return logProbability }
    let rest = 1 - exp(Double(unknown))
    // Scores that do not sum to one can leave nothing to share.
    return rest > 0 ? logProbability - Float(log(rest)) : logProbability
  }

  /// A token, and Σ e^(x − largest) if that has come up.
  private func token(
    _ x: UnsafePointer<Float>, _ n: Int, largest: Float, _ functions: RowFunctions,
    _ generator: inout SeededGenerator
  ) -> (TokenID, Double?) {
    if !exponent.isFinite { return (LargestTokens.find(1, of: n, x, functions)[0], nil) }
    if let topK = options.topK, topK < n {
      return (draw(LargestTokens.find(topK, of: n, x, functions), x, largest: largest, &generator), nil)
    }
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: n) { weights in
      guard let w = weights.baseAddress else { return (Vocabulary.endOfSentence, nil) }
      let sums = stride(from: 0, to: n, by: Self.chunk).map { first in
        functions.exponentials(min(Self.chunk, n - first), largest, exponent, x + first, w + first)
      }
      let total = sums.reduce(0, +)
      let token = drawFromAll(x, w, n, sums, total: total, largest: largest, functions, &generator)
      return (token, exponent == 1 ? total : nil)
    }
  }

  /// Draws one of all tokens, or of those of them that are the nucleus, given their weights and the sums of chunks.
  private func drawFromAll(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ n: Int, _ sums: [Double], total: Double,
    largest: Float, _ functions: RowFunctions, _ generator: inout SeededGenerator
  ) -> TokenID {
    guard let topP = options.topP else { return draw(w, n, sums, total: total, &generator) }
    // A token is one of the nucleus if what is likelier than it holds less than P; drawing again until it is one leaves the others
    // in proportion.
    for _ in 0..<Self.maximumRejections {
      let token = draw(w, n, sums, total: total, &generator)
      let own = w[Int(token)]
      if functions.sumAbove(n, own.nextDown, w) - Double(own) < topP * total { return token }
      var likelier = functions.sumAbove(n, own, w)
      if likelier >= topP * total { continue }
      for i in 0..<Int(token) where w[i] == own { likelier += Double(own) }
      if likelier < topP * total { return token }
    }
    return draw(LargestTokens.find(n, of: n, x, functions), x, largest: largest, &generator)
  }

  /// Draws one of all tokens in proportion to their weights, given the sums of chunks.
  private func draw(
    _ weights: UnsafePointer<Float>, _ n: Int, _ sums: [Double], total: Double,
    _ generator: inout SeededGenerator
  ) -> TokenID {
    var rest = generator.uniform() * total
    // Where rounding leaves something behind the last, it is the last.
    var chosen = sums.lastIndex { $0 > 0 } ?? 0
    for (chunk, sum) in sums.enumerated() {
      if rest < sum {
        chosen = chunk
        break
      }
      rest -= sum
    }
    var last = Vocabulary.endOfSentence
    for i in chosen * Self.chunk..<min(n, (chosen + 1) * Self.chunk) where weights[i] > 0 {
      rest -= Double(weights[i])
      last = TokenID(i)
      if rest < 0 { break }
    }
    return last
  }

  /// Draws one of `tokens`, which are in falling order of likelihood, or of those of them that are the nucleus.
  private func draw(
    _ tokens: [TokenID], _ x: UnsafePointer<Float>, largest: Float, _ generator: inout SeededGenerator
  ) -> TokenID {
    var sum = 0.0
    var sums: [Double] = []
    sums.reserveCapacity(tokens.count)
    for token in tokens {
      sum += Double(expf((x[Int(token)] - largest) * exponent))
      sums.append(sum)
    }
    if let topP = options.topP, let end = sums.firstIndex(where: { $0 >= topP * sum }) {
      sums.removeLast(sums.count - end - 1)
    }
    let target = generator.uniform() * (sums.last ?? 0)
    return tokens[sums.firstIndex { $0 > target } ?? sums.count - 1]
  }
}
