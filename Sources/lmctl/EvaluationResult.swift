import Glibc
import LanguageModels

/// An evaluation, and how it is shown.
struct EvaluationResult {
  let evaluation: Evaluation
  let context: ContextMode
  let cache: UnigramCache?
  let emptyLines: Int
  let seconds: Double

  /// An evaluation that was made elsewhere.
  init(
    evaluation: Evaluation, context: ContextMode, cache: UnigramCache? = nil, emptyLines: Int, seconds: Double
  ) {
    self.cache = cache
    self.evaluation = evaluation
    self.context = context
    self.emptyLines = emptyLines
    self.seconds = seconds
  }

  /// The evaluation of a model, in its own context, on text that has been read; made now if its training has not made it.
  init(of trained: TrainedModel, on corpus: Corpus, isQuiet: Bool) {
    let model = trained.model
    let watch = Stopwatch()
    var progress = ProgressLine(isQuiet: isQuiet)
    var scored = 0
    var evaluation =
      trained.evaluation?.result
      ?? model.evaluate(corpus.tokens, context: model.defaultContext) { count in
        scored += count
        progress.show("scoring: \(scored) of \(corpus.tokens.count) tokens")
      }
    progress.clear()
    evaluation.bytes = corpus.statistics.sentenceBytes
    self.init(
      evaluation: evaluation, context: model.defaultContext, emptyLines: corpus.statistics.emptyLines,
      seconds: trained.evaluation?.seconds ?? watch.seconds)
  }

  /// The table for people.
  func table(model: String, texts: [String]) -> String {
    let e = evaluation
    var rows = [
      ("model", model),
      ("text", texts.isEmpty ? "-" : texts.joined(separator: " ")),
      (
        "sentences",
        "\(e.sentences)" + (emptyLines > 0 ? "  (\(Format.count(emptyLines, "empty line")) skipped)" : "")
      ),
      ("tokens", "\(e.tokens)  (with one end of sentence each)"),
      ("unknown tokens", "\(e.unknown)  (\(Format.percent(e.unknown, of: e.tokens)))"),
    ]
    if e.impossible > 0 { rows.append(("tokens of probability 0", "\(e.impossible)")) }
    let bits = e.bytes > 0 ? [("bits per byte", Format.fixed(e.bitsPerByte, 4))] : []
    rows += [
      (
        "cross-entropy",
        "\(Format.fixed(e.crossEntropy, 4)) nats, \(Format.fixed(e.crossEntropyBits, 4)) bits per token"
          + "  (standard error \(Format.fixed(e.standardError, 4)) nats)"
      )
    ]
    rows += bits
    rows += [
      ("perplexity", Format.fixed(e.perplexity, 3)),
      ("  excluding unknown", Format.fixed(e.perplexityExcludingUnknown, 3)),
      ("  excluding end of sentence", Format.fixed(e.perplexityExcludingEOS, 3)),
      (
        "context",
        context == .sentence ? "sentence  (restarts at each line)" : "stream  (runs on across lines)"
      ),
      ("seconds", Format.fixed(seconds, 2)),
    ]
    if let cache {
      let share = Format.significant(cache.weight, 4)
      rows.insert(
        ("cache", "the last \(Format.count(cache.size, "token")), share \(share)"), at: rows.count - 1)
    }
    return Format.table(rows)
  }

  /// The object for programs.
  func json(model: String) -> JSONValue {
    let e = evaluation
    let members: JSONValue = [
      "model": .string(model),
      "sentences": .integer(e.sentences),
      "tokens": .integer(e.tokens),
      "unknown": .integer(e.unknown),
      "cross_entropy_nats": .number(e.crossEntropy),
      "cross_entropy_bits": .number(e.crossEntropyBits),
      "bits_per_byte": .number(e.bitsPerByte),
      "perplexity": .number(e.perplexity),
      "perplexity_excluding_unknown": .number(e.perplexityExcludingUnknown),
      "perplexity_excluding_eos": .number(e.perplexityExcludingEOS),
      "standard_error": .number(e.standardError),
      "context": .string(context.rawValue),
      "seconds": .number((seconds * 1e6).rounded() / 1e6),
      "zero_probability": .integer(e.impossible),
      "empty_lines": .integer(emptyLines),
    ]
    guard let cache else { return members }
    return .object(
      (members.members ?? []) + [
        .init("cache", .integer(cache.size)), .init("cache_weight", .number(cache.weight)),
      ])
  }
}

/// One line of text, scored, and how it is shown.
struct ScoredLine {
  private let tokens: [TokenID]
  private let logProbabilities: [Float]
  private let orders: [Int]
  private let vocabulary: Vocabulary

  init<Model>(_ line: TextScorer<Model>.Line, vocabulary: Vocabulary) {
    tokens = line.tokens
    logProbabilities = line.logProbabilities
    orders = line.matchedOrders
    self.vocabulary = vocabulary
  }

  private var sum: Double { logProbabilities.reduce(0) { $0 + Double($1) } }
  private var unknown: Int { tokens.reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) } }
  /// NaN for an empty line, which JSON shows as `null`.
  private var perplexity: Double { exp(-sum / Double(tokens.count)) }

  /// Tokens, unknown tokens, ln p, perplexity.
  var sentenceColumns: String {
    let perplexity = tokens.isEmpty ? "nan" : Format.significant(perplexity, 7)
    return "\(tokens.count)\t\(unknown)\t\(Format.significant(sum, 9))\t\(perplexity)"
  }

  /// For each token: its text, ln p, and the order of the n-gram (0 for models without n-grams).
  var tokenColumns: String {
    var columns: [String] = []
    for (i, token) in tokens.enumerated() {
      columns.append(vocabulary.displayName(of: token))
      columns.append(Format.significant(Double(logProbabilities[i]), 7))
      columns.append("\(i < orders.count ? orders[i] : 0)")
    }
    return columns.joined(separator: "\t")
  }

  var sentenceMembers: [JSONValue.Member] {
    [
      .init("tokens", .integer(tokens.count)),
      .init("unknown", .integer(unknown)),
      .init("log_probability", .number(sum)),
      .init("perplexity", .number(perplexity)),
    ]
  }

  var tokensMember: JSONValue.Member {
    .init(
      "scores",
      .array(
        tokens.enumerated().map { i, token in
          var members: [JSONValue.Member] = [
            .init("token", .string(vocabulary[token])),
            .init("log_probability", .number(Double(logProbabilities[i]))),
          ]
          if i < orders.count { members.append(.init("order", .integer(orders[i]))) }
          return .object(members)
        }))
  }
}
