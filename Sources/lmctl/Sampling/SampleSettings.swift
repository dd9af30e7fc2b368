import LanguageModels

/// The settings of `lmctl sample`.
struct SampleSettings: CommandValues {
  var count = 1
  var sampling: SamplingOptions = {
    var options = SamplingOptions()
    options.drawsUnknown = false
    return options
  }()
  var seed: UInt64?
  var context: ContextMode?
  var prompt: String?
  var promptPath: String?
  var wholePromptPath: String?
  var hidesPrompt = false
  var length: Int?
  var beam: Int?
  var penalty = LengthPenalty.none
  var showsScore = false
  var asJSON = false
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("what is drawn") {
        Setting("count", \.count, .whole(0...Int.max), "sentences, for each prompt if there are several")
          .typed("n", "num", "number", "num-samples", "samples")
        Setting(
          "temperature", \.sampling.temperature, .atLeastZero("T"),
          "below 1 likelier, above 1 wilder, 0 always the likeliest"
        ).typed("temp", "t", "softmax-temperature")
        Setting(
          "top-k", \.sampling.topK, .whole(1...Int.max, "K"), "only the K likeliest tokens at each step"
        )
        .typed("topk", "k")
        Setting(
          "top-p", \.sampling.topP, .number("P", "above 0 and up to 1") { $0 > 0 && $0 <= 1 },
          "only the likeliest tokens that make up probability P"
        ).typed("topp", "nucleus", "p")
        Setting(
          "seed", \.seed, .seed, "the same number gives the same text",
          default: .rule("another each time") { $0.seed }
        ).typed("random-seed")
        Setting(
          flag: "unk", \.sampling.drawsUnknown,
          "write <unk> as well; without this, the other tokens share its probability in proportion to theirs"
        ).typed("oov", "unknown")
        Setting(
          "max-tokens", \.sampling.maximumTokens, .whole(1...Int.max),
          "break off after N tokens beyond the prompt"
        ).typed("max-length", "max-new-tokens").excludes(
          "length", because: "which runs on over ends of sentences")
        Setting(
          "length", \.length, .whole(1...Int.max),
          "exactly N tokens beyond the prompt, over ends of sentences, which are tokens too and begin a new line"
        ).typed("words", "tokens", "min-length")
        Setting(
          "context", \.context, .choice("WHAT"),
          "within a sample or a prompt of several sentences, go on from the sentence before, or start afresh",
          default: .rule("the model's own") { $0.context })
      },
      SettingGroup("search") {
        Setting(
          "beam", \.beam, .whole(1...1000, "K"),
          "draw nothing, but look for the likeliest sentences, following the K likeliest beginnings at each step; best first, "
            + "--count of them"
        ).excludes("temperature", "top-k", "top-p", "seed", because: "which is for drawing").excludes(
          "length", because: "which runs on over ends of sentences"
        ).rule { values, _ in
          values.beam.map { $0 < values.count } == true
            ? "\(values.beam ?? 0) cannot find \(values.count) sentences; give --count at most as much" : nil
        }.typed("beam-size", "beam-width", "num-beams", "search")
        Setting(
          "length-penalty", \.penalty, LengthPenalty.type,
          "sentences of different lengths are compared by ln p (none), ln p / L^A (power:A), or ln p / ((5 + L)/6)^A (gnmt:A); L "
            + "counts the end of sentence"
        ).needs("beam", as: "--beam 5").typed("lenpen", "alpha", "normalize")
      },
      SettingGroup("prompts") {
        Setting("prompt", \.prompt, .text("TEXT"), "what each sentence begins with").excludes(
          "prompt-file", "prompt-whole"
        )
        .typed("primetext", "prime", "prefix", "start")
        Setting("prompt-file", \.promptPath, .file, "prompts, one a line; - for standard input").excludes(
          "prompt-whole"
        ).typed("prompts")
        Setting(
          "prompt-whole", \.wholePromptPath, .file,
          "one prompt, of all lines of a text; its last line is gone on with if it has no line end"
        ).typed("context-file", "prompt-text")
        Setting(flag: "no-echo", \.hidesPrompt, "write what was drawn, without the prompt").typed("no-prompt")
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("output") {
        Setting(
          flag: "show-score", \.showsScore,
          "before each sample, ln p of what was drawn, and a tab: that of the model, without <unk> unless --unk is given, whatever the "
            + "temperature, top-k and top-p"
        ).excludes("json", because: "whose objects hold it as log_probability").typed("score", "scores")
        Setting(
          flag: "json", \.asJSON,
          "one JSON object a line for each sample: text, tokens, log_probability (nats, as --show-score), ended, prompt, seed; with --beam, "
            + "in place of the seed the score: ln p by the length penalty"
        ).typed("jsonl", "json-lines")
      },
      CommonSettings.group(\.common),
    ])
  }
}

extension LengthPenalty {
  /// How it is written.
  fileprivate var name: String {
    switch self {
    case .none: "none"
    case .power(let alpha): "power:\(Format.significant(alpha, 6))"
    case .gnmt(let alpha): "gnmt:\(Format.significant(alpha, 6))"
    }
  }

  /// A penalty by its name and exponent.
  static var type: ValueType<Self> {
    ValueType(
      placeholder: "WHAT",
      parse: { text in
        if text == "none" { return LengthPenalty.none }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let alpha = Double(parts[1]), alpha.isFinite, alpha >= 0 else { return nil }
        return parts[0] == "power" ? .power(alpha) : parts[0] == "gnmt" ? .gnmt(alpha) : nil
      },
      requirement: { _ in "none, power:A or gnmt:A with a number A from 0, as in power:0.75" },
      json: { .string($0.name) }, examples: ["power:0.75", "gnmt:0.6", "none"])
  }
}
