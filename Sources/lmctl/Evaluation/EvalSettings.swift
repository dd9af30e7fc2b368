import LanguageModels

/// The settings of `lmctl eval`.
struct EvalSettings: CommandValues {
  /// What a line is written for.
  enum Detail: String, CaseIterable {
    case sentence
    case token
    case file
  }

  /// Where the likeliest token is compared with the right one.
  enum AccuracyPlace: String, CaseIterable {
    case all
    case lineEnd = "line-end"
    case marked
  }

  var asJSON = false
  var onlyPerplexity = false
  var onlyCrossEntropy = false
  var detail: Detail?
  var accuracy: AccuracyPlace?
  var mark: String?
  var asLog10 = false
  var pairsPath: String?
  var groupMember: String?
  var context: ContextMode?
  var text = TextSettings()
  var rules = ScoringRules()
  var cache = CacheSettings()
  var adaptation = AdaptationSettings()
  var documentSeparator: String?
  /// How translators are measured.
  var translation = TranslationSearch()
  var common = CommonSettings()

  /// Whether ends of sentences, and their beginnings, are left out.
  var leavesOutEnds: Bool {
    get { !rules.scoresEnds }
    set { rules.scoresEnds = !newValue }
  }
  var leavesOutBeginnings: Bool {
    get { !rules.knowsBeginnings }
    set { rules.knowsBeginnings = !newValue }
  }

  /// Measures of translators for which nothing is translated.
  private static let (notTranslating, reason) = (
    ["perplexity", "cross-entropy", "per"], "for which nothing is translated"
  )

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(flag: "json", \.asJSON, "one JSON object in place of the table")
        Setting(flag: "perplexity", \.onlyPerplexity, "just the perplexity").excludes("cross-entropy", "json")
          .typed("ppl")
        Setting(flag: "cross-entropy", \.onlyCrossEntropy, "just the cross-entropy in nats per token")
          .excludes("json").typed("entropy", "loss", "nll")
        Setting("per", \.detail, .choice("WHAT"), "a line for each line, or each file, of text").rule {
          values, given in
          let other = ["perplexity", "cross-entropy"].first { given.has($0) }
          return other.map { "\(values.detail?.rawValue ?? "") and --\($0) exclude each other" }
        }.typed("verbose", "debug", "level")
        Setting(
          "accuracy", \.accuracy, .choice("WHERE", typed: ["last": .lineEnd, "end": .lineEnd]),
          "how often the likeliest token is the right one: of all tokens, of the last ones of lines, or of those behind --mark"
        ).excludes("per").excludes("perplexity").excludes("cross-entropy").excludes(
          "cache", because: "whose mixture is known of the right token only"
        ).excludes("dynamic", "neural-cache", because: "whose numbers are known of the right token only").rule
        { values, _ in
          values.accuracy == .marked && values.mark == nil ? "marked needs --mark, as in --mark '->'" : nil
        }.typed("top1", "acc")
        Setting("mark", \.mark, .text("TOKEN"), "with --accuracy marked: judge the tokens behind this one")
          .rule {
            values, _ in values.accuracy == .marked ? nil : "goes with --accuracy marked"
          }
        Setting(
          flag: "log10", \.asLog10, "logarithms to the base 10 with --per; log10 p of the text in the table"
        ).excludes("cross-entropy", because: "which is in nats").excludes(
          "perplexity", because: "which has no logarithm"
        ).typed("base10", "log-base")
      },
      SettingGroup("pairs of sentences") {
        Setting(
          "pairs", \.pairsPath, .file,
          "how often the better sentence of a pair is the likelier: lines of good, bad and, if there are groups, group, with tabs between "
            + "them, or BLiMP's JSON Lines; takes the place of texts"
        ).excludes(
          "perplexity", "cross-entropy", "per", "accuracy", "log10", "cache", because: "which is for texts"
        )
        .excludes("dynamic", "neural-cache", "document-separator", because: "which is for texts")
        .excludes("oov-types", "unk-penalty", "no-eos", "allow-empty", because: "which is for texts")
        .rule { values, _ in
          values.context == .stream
            ? "scores each sentence by itself, so --context stream does not go with it" : nil
        }.typed("minimal-pairs", "blimp")
        Setting(
          "group", \.groupMember, .text("NAME"), "the member of JSON Lines that names the group",
          default: .rule(MinimalPair.groupMembers.joined(separator: ", or ")) { $0.groupMember }
        ).needs("pairs", as: "--pairs blimp.jsonl")
      },
      SettingGroup("text") {
        Setting(
          "context", \.context, .choice("WHAT"), "run on across lines, or restart at each",
          default: .rule("the model's own") { $0.context })
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        Setting(
          "document-separator", \.documentSeparator, .text("LINE"),
          "a line that is just this separates documents: contexts, caches and weights begin anew"
        ).typed("separator-line", "document")
        CommonSettings.allowEmpty.lifted(\.common)
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("what counts") {
        Setting(
          "oov-types", \.rules.unknownTypes, .whole(1...Int.max),
          "spread the probability of <unk> over N types that the model does not know, as IRSTLM's -dub does"
        ).typed("vocab-pad", "dub", "unk-types")
        Setting(
          "unk-penalty", \.rules.unknownPenalty, .number("X", "") { _ in true },
          "nats that each unknown token costs on top"
        ).typed("oov-penalty")
        Setting(flag: "no-eos", \.leavesOutEnds, "do not score the ends of sentences")
        Setting(
          flag: "no-bos", \.leavesOutBeginnings, "n-grams: sentences begin without <s> in the context")
      },
      SettingGroup("translators") {
        Setting(
          "beam", \.translation.width, .whole(1...1000, "K"),
          "translate by a beam search of width K; 1 takes the likeliest token each time"
        ).excludes(Self.notTranslating, because: Self.reason).typed("beam-size", "beam-width", "num-beams")
        Setting(
          "length-penalty", \.translation.penalty, LengthPenalty.type,
          "how translations of different lengths are compared; see lmctl help translate"
        ).excludes(Self.notTranslating, because: Self.reason).typed("lenpen", "alpha")
        Setting(
          "max-tokens", \.translation.maximumTokens, .whole(1...100_000),
          "break off a translation after N tokens"
        ).excludes(Self.notTranslating, because: Self.reason).typed("max-output-length")
      },
      SettingGroup("adaptation to the text") { AdaptationSettings.settings.map { $0.lifted(\.adaptation) } },
      SettingGroup("cache of recent tokens") { CacheSettings.settings.map { $0.lifted(\.cache) } },
      CommonSettings.group(\.common),
    ])
  }
}
