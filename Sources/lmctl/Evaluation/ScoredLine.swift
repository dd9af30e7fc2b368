import Glibc
import LanguageModels

/// One line of text, scored, and how it is shown.
struct ScoredLine {
  /// A token with what it got.
  private struct Token {
    /// Its text, also of one that the model does not know.
    let text: String
    let isUnknown: Bool
    let logProbability: Double
    let order: Int?
  }

  private let tokens: [Token]
  private let unit: TextUnit
  /// What logarithms are divided by: 1 for nats, ln 10 for log₁₀.
  private let scale: Double

  /// - Parameter words: the tokens as they stand in the text, without the end of sentence; none if they are not shown.
  init<Model>(
    _ line: TextScorer<Model>.Line, words: [String], vocabulary: Vocabulary, rules: ScoringRules,
    scale: Double
  ) {
    self.scale = scale
    unit = vocabulary.unit
    tokens = line.tokens.enumerated().compactMap { i, token in
      if token == Vocabulary.endOfSentence, !rules.scoresEnds { return nil }
      return Token(
        text: i < words.count ? words[i] : vocabulary[token], isUnknown: token == Vocabulary.unknown,
        logProbability: Double(line.logProbabilities[i]),
        order: i < line.matchedOrders.count ? line.matchedOrders[i] : nil)
    }
  }

  private var sum: Double { tokens.reduce(0) { $0 + $1.logProbability } }
  private var unknown: Int { tokens.reduce(0) { $0 + ($1.isUnknown ? 1 : 0) } }
  /// NaN for an empty line, which JSON shows as `null`.
  private var perplexity: Double { exp(-sum / Double(tokens.count)) }

  /// Tokens, unknown tokens, ln p, perplexity.
  var sentenceColumns: String {
    let perplexity = tokens.isEmpty ? "nan" : Format.significant(perplexity, 7)
    return "\(tokens.count)\t\(unknown)\t\(Format.significant(sum / scale, 9))\t\(perplexity)"
  }

  /// For each token: its text, ln p, and the order of the n-gram (0 for models without n-grams).
  var tokenColumns: String {
    tokens.map { token in
      let mark = token.isUnknown && token.text != Vocabulary.unknownToken ? "/\(Vocabulary.unknownToken)" : ""
      let name = Vocabulary.displayName(of: token.text, unit: unit) + mark
      return "\(name)\t\(Format.significant(token.logProbability / scale, 7))\t\(token.order ?? 0)"
    }.joined(separator: "\t")
  }

  private func member(_ logProbability: Double) -> JSONValue.Member {
    .init(scale == 1 ? "log_probability" : "log10_probability", .number(logProbability / scale))
  }

  var sentenceMembers: [JSONValue.Member] {
    [
      .init("tokens", .integer(tokens.count)), .init("unknown", .integer(unknown)), member(sum),
      .init("perplexity", .number(perplexity)),
    ]
  }

  var tokensMember: JSONValue.Member {
    .init(
      "scores",
      .array(
        tokens.map { token in
          var members: [JSONValue.Member] = [
            .init("token", .string(token.text)), member(token.logProbability),
          ]
          if token.isUnknown { members.append(.init("unknown", .bool(true))) }
          if let order = token.order { members.append(.init("order", .integer(order))) }
          return .object(members)
        }))
  }
}
