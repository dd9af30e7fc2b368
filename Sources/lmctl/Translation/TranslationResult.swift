import LanguageModels
import NeuralModels
import Threads

/// How well a translator translates, and how that is shown.
struct TranslationResult: ShownResult {
  let path: String
  /// How the text is called.
  let text: String
  /// How well it predicts the translations.
  let loss: TranslationLoss
  /// How near its own are to them.
  let scores: TranslationScores
  /// Translations that did not come to an end.
  let broken: Int
  private let unknown: (source: Int, target: Int)
  private let width: Int
  let seconds: Double

  /// Measures a translator; its own translations only if there is a `search` for them.
  init(
    _ translator: Translator, path: String, text: String, _ corpus: PairCorpus, tokenizer: Tokenizer,
    _ search: TranslationSearch?
  ) {
    (self.path, self.text, width) = (path, text, search?.width ?? 0)
    let watch = Stopwatch()
    Progress.begin("scoring")
    defer { Progress.end() }
    loss = TranslationLoss(pairs: corpus.pairs, losses: translator.losses(of: corpus.pairs))
    var scores = TranslationScores()
    var broken = 0
    Progress.begin("translating")
    let block = 512
    for first in stride(from: 0, to: corpus.pairs.count, by: block) {
      guard let search else { break }
      let part = first..<min(corpus.pairs.count, first + block)
      for (i, found) in zip(part, search.run(translator, part.map { corpus.pairs[$0].source })) {
        let own = translator.target.text(of: found[0].tokens, tokenizer.separator)
        scores.add(own, reference: corpus.texts[i])
        if !found[0].isEnded { broken += 1 }
      }
      Progress.show("\(part.upperBound) of \(corpus.pairs.count) sentences")
    }
    (self.scores, self.broken) = (scores, broken)
    unknown = (
      corpus.sourceTokens.unknown,
      corpus.pairs.reduce(0) { $0 + $1.target.count { $0 == Vocabulary.unknown } }
    )
    seconds = watch.seconds
  }

  /// What a user must know before believing it.
  private var warnings: [String] {
    broken == 0
      ? []
      : [
        "\(Format.count(broken, "translation")) did not come to an end, and \(broken == 1 ? "was" : "were") broken off; --max-tokens says where"
      ]
  }

  var forPeople: String {
    let tokens = loss.tokens - loss.sentences
    return Format.table(
      [
        ("model", "\(path)  (lmctl \(programVersion))"),
        ("text", "\(text), \(Format.count(loss.sentences, "pair")), \(Format.count(loss.tokens, "token"))"),
        ("unknown", "\(unknown.source) of the sources, \(unknown.target) of \(tokens) of the translations"),
        ("cross-entropy", "\(Format.large(loss.crossEntropy, 4)) nats per token, given the source"),
        ("perplexity", Format.large(loss.perplexity)),
        ("exact", "\(scores.exact) of \(scores.lines), \(Format.percent(scores.exact, of: scores.lines))"),
        ("BLEU", "\(Format.fixed(scores.bleu.score, 2))  (beam \(width); \(scores.signature))"),
        ("chrF", Format.fixed(scores.chrF.score, 2)),
        ("seconds", Format.fixed(seconds, 2)),
      ] + warnings.map { ("warning", $0) })
  }

  var forPrograms: JSONValue {
    .object(
      [
        .init("model", .string(path)), .init("text", .string(text)),
        .init("sentences", .integer(loss.sentences)), .init("tokens", .integer(loss.tokens)),
        .init("unknown", .integer(unknown.target)), .init("unknown_source", .integer(unknown.source)),
        .init("cross_entropy_nats", .number(loss.crossEntropy)),
        .init("perplexity", .number(loss.perplexity)),
        .init("beam", .integer(width)), .init("broken_off", .integer(broken)),
      ] + (scores.json.members ?? []) + [
        .init("seconds", .number((seconds * 1e6).rounded() / 1e6)),
        .init("warnings", .array(warnings.map { .string($0) })),
        .init("lmctl_version", .string(programVersion)),
      ])
  }
}

extension [TranslationResult] {
  /// One table of all models, for people: a column for each.
  var table: String {
    guard let first else { return "" }
    func row(_ name: String, _ value: (TranslationResult) -> String) -> [String] { [name] + map(value) }
    let rows = [
      row("\(first.loss.sentences) pairs") { $0.path },
      row("perplexity") { Format.large($0.loss.perplexity) },
      row("exact") { Format.percent($0.scores.exact, of: $0.scores.lines) },
      row("BLEU") { Format.fixed($0.scores.bleu.score, 2) },
      row("chrF") { Format.fixed($0.scores.chrF.score, 2) },
    ]
    return Format.table([("text", "\(first.text)  (lmctl \(programVersion))")]) + "\n"
      + Format.columns(rows, leftAligned: 1)
  }
}
