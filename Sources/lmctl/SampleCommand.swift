import LanguageModels

/// `lmctl sample`.
enum SampleCommand: Command {
  static let name = "sample"
  static let summary = "write text that a model makes up"
  static let operands = "MODEL [OPTION…]"
  static let discussion = """
    Draws sentences from the model, one a line, each written as soon as it is whole. The same seed gives the same text. With
    --prompt, every line begins with the prompt; with --prompt-file, each line of the file is a prompt in turn. A sentence
    that reaches --max-tokens is broken off.
    """
  nonisolated(unsafe) static let settings = SampleSettings.table
  static let typed = ["generate", "gen", "complete", "draw", "write"]
  static let configurationExample = (
    line: "lmctl sample kn5.json --config run.json", file: #"{"count": 3, "temperature": 0.8}"#
  )
  static let examples = [
    "lmctl sample kn5.json --count 5 --seed 1",
    "lmctl sample kn5.json --temperature 0.7 --prompt 'In the beginning' --no-unk",
    "lmctl sample kn5.json --prompt-file - --top-p 0.9 < prompts.txt",
  ]

  static func run(_ settings: SampleSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint: lmctl sample model.json")
    }
    if operands.count > 1 { throw UsageError("'\(operands[1])' is one argument too many") }
    if path == "-", settings.promptPath == "-" {
      throw UsageError("standard input ('-') can be read only once")
    }
    let seed = settings.seed ?? UInt64.random(in: 0...999_999)
    var (model, checkpoint) = try ModelKind.load(
      path: path, textRules: settings.text.rules(given: given))
    if given.has("invalid") { checkpoint.tokenizer.invalid = settings.text.tokenizer.invalid }
    if settings.seed == nil, Terminal.isTerminal { Terminal.note("seed \(seed)") }
    let writer = SampleWriter(
      showsScore: settings.showsScore, count: settings.count,
      context: settings.context ?? model.defaultContext, separator: checkpoint.tokenizer.separator)
    try writer.write(model, settings.sampling, seed: seed, try prompts(settings, checkpoint))
  }

  /// The prompts, as something that reads the next one, so that they can come through a pipe one by one.
  private static func prompts(
    _ settings: SampleSettings, _ checkpoint: Checkpoint
  ) throws -> () throws -> Prompt? {
    let (vocabulary, tokenizer) = (checkpoint.vocabulary, checkpoint.tokenizer)
    if let path = settings.promptPath {
      let reader = try TextFiles.reader([path], tokenizer: tokenizer)
      return {
        if reader.wouldBlock { try StandardOutput.shared.flush() }
        guard try reader.next() != nil else { return nil }
        var prompt = Prompt()
        reader.tokens.forEach { prompt.append($0, vocabulary, tokenizer.separator) }
        return prompt
      }
    }
    var prompt = Prompt()
    try tokenizer.forEachToken(of: (settings.prompt ?? "").systemBytes) {
      prompt.append($0, vocabulary, tokenizer.separator)
    }
    let unknown = prompt.tokens.filter { $0 == Vocabulary.unknown }.count
    if unknown > 0 {
      Terminal.warn("\(Format.count(unknown, "token")) of the prompt not in the model's vocabulary")
    }
    var isTaken = false
    return {
      defer { isTaken = true }
      return isTaken ? nil : prompt
    }
  }
}

/// The settings of `lmctl sample`.
struct SampleSettings: CommandValues {
  var count = 1
  var sampling = SamplingOptions()
  var seed: UInt64?
  var context: ContextMode?
  var prompt: String?
  var promptPath: String?
  var showsScore = false
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
        Setting(flag: "no-unk", \.sampling.excludesUnknown, "never write <unk>").typed("no-oov")
        Setting(
          "max-tokens", \.sampling.maximumTokens, .whole(1...Int.max),
          "break off after N tokens beyond the prompt"
        ).typed("length", "max-length", "max-new-tokens", "words", "tokens")
        Setting(
          "context", \.context, .choice("WHAT"), "go on from the sentence before, or start afresh",
          default: .rule("the model's own") { $0.context })
      },
      SettingGroup("prompts") {
        Setting("prompt", \.prompt, .text("TEXT"), "what each sentence begins with").excludes("prompt-file")
          .typed("primetext", "prime", "prefix", "start")
        Setting("prompt-file", \.promptPath, .file, "prompts, one a line; - for standard input").typed(
          "prompts")
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("output") {
        Setting(
          flag: "show-score", \.showsScore, "before each sentence, ln p of what was drawn, and a tab"
        ).typed("score", "scores")
      },
      CommonSettings.group(\.common),
    ])
  }
}

/// What a sentence begins with: its tokens, and their text as it was given, which may hold words that the model does not know.
private struct Prompt {
  var tokens: [TokenID] = []
  var text: [UInt8] = []

  mutating func append(_ token: UnsafeRawBufferPointer, _ vocabulary: Vocabulary, _ separator: Separator) {
    tokens.append(vocabulary.id(of: token))
    vocabulary.append(bytes: token, to: &text, isFirst: tokens.count == 1, separator: separator)
  }
}

/// Writes the sentences that a sampler draws.
private struct SampleWriter {
  let showsScore: Bool
  let count: Int
  let context: ContextMode
  let separator: Separator

  func write(
    _ model: some LanguageModel, _ options: SamplingOptions, seed: UInt64,
    _ nextPrompt: () throws -> Prompt?
  ) throws {
    let vocabulary = model.vocabulary
    var sampler = Sampler(model: model, options: options, seed: seed)
    var line: [UInt8] = []
    var state = model.initialState
    var hasEndedEarly = false
    while let prompt = try nextPrompt() {
      for _ in 0..<count {
        if context == .sentence { state = model.initialState }
        line.removeAll(keepingCapacity: true)
        line += prompt.text
        for token in prompt.tokens { state = model.advance(state, by: token) }
        var score = 0.0
        var isFirst = prompt.tokens.isEmpty
        var isEnded = false
        sampler.sentence(after: &state) { token, logProbability in
          vocabulary.append(token, to: &line, isFirst: isFirst, separator: separator)
          score += Double(logProbability)
          isFirst = false
          isEnded = token == Vocabulary.endOfSentence
        }
        if score == -.infinity, !hasEndedEarly {
          hasEndedEarly = true
          Terminal.warn("nothing has a probability after what was written; the sentence ends there")
        }
        if !isEnded { line.append(UInt8(ascii: "\n")) }
        if showsScore { try StandardOutput.shared.writeBytes("\(Format.significant(score, 9))\t".utf8) }
        try StandardOutput.shared.writeBytes(line)
        try StandardOutput.shared.endLine()
      }
    }
  }
}
