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
  static let options: [(heading: String, options: [Option])] = [
    (
      "what is drawn",
      [
        Option("count", "N", "sentences, for each prompt if there are several (default: 1)"),
        Option("temperature", "T", "below 1 likelier, above 1 wilder, 0 always the likeliest (default: 1)"),
        Option("top-k", "K", "only the K likeliest tokens at each step"),
        Option("top-p", "P", "only the likeliest tokens that make up probability P"),
        Option("seed", "N", "the same number gives the same text (default: another each time)"),
        Option(flag: "no-unk", "never write <unk>"),
        Option("max-tokens", "N", "break off after N tokens beyond the prompt (default: 1000)"),
        Option(
          "context", ContextMode.self,
          "go on from the sentence before, or start afresh\n(default: the model's own)"),
      ]
    ),
    (
      "prompts",
      [
        Option("prompt", "TEXT", "what each sentence begins with"),
        Option("prompt-file", "FILE", "prompts, one a line; - for standard input"),
      ]
    ),
    ("output", [Option(flag: "show-score", "before each sentence, ln p of what was drawn, and a tab")]),
    ("other", [TextOptions.threads, TextOptions.quiet]),
  ]
  static let examples = [
    "lmctl sample kn5.json --count 5 --seed 1",
    "lmctl sample kn5.json --temperature 0.7 --prompt 'In the beginning' --no-unk",
    "lmctl sample kn5.json --prompt-file - --top-p 0.9 < prompts.txt",
  ]

  static func run(_ arguments: Arguments) throws {
    guard let path = arguments.operands.first else {
      throw UsageError("no model; give the checkpoint: lmctl sample model.json")
    }
    if arguments.operands.count > 1 {
      throw UsageError("'\(arguments.operands[1])' is one argument too many")
    }
    if arguments.has("prompt"), arguments.has("prompt-file") {
      throw UsageError("--prompt and --prompt-file exclude each other")
    }
    var options = SamplingOptions()
    options.temperature = try arguments.number("temperature", "from 0", { $0 >= 0 }) ?? options.temperature
    options.topK = try arguments.integer("top-k", in: 1...Int.max)
    options.topP = try arguments.number("top-p", "above 0 and up to 1", { $0 > 0 && $0 <= 1 })
    options.excludesUnknown = arguments.has("no-unk")
    options.maximumTokens = try arguments.integer("max-tokens", in: 1...Int.max) ?? options.maximumTokens
    let count = try arguments.integer("count", in: 0...Int.max) ?? 1
    let seed = try arguments.integer("seed", in: 0...Int.max) ?? Int.random(in: 0...999_999)
    let context = try arguments.choice("context", ContextMode.self)
    if path == "-", arguments.string("prompt-file") == "-" {
      throw UsageError("standard input ('-') can be read only once")
    }
    let (model, checkpoint) = try ModelKind.load(
      path: path, threads: TextOptions.threads(arguments), isQuiet: arguments.has("quiet"))
    if !arguments.has("seed"), Terminal.isWatched, !arguments.has("quiet") { Terminal.note("seed \(seed)") }
    let writer = SampleWriter(
      showsScore: arguments.has("show-score"), count: count, context: context ?? model.defaultContext)
    try writer.write(model, options, seed: UInt64(seed), try prompts(arguments, checkpoint))
  }

  /// The prompts, as something that reads the next one, so that they can come through a pipe one by one.
  private static func prompts(
    _ arguments: Arguments, _ checkpoint: Checkpoint
  ) throws -> () throws -> Prompt? {
    let vocabulary = checkpoint.vocabulary
    if let path = arguments.string("prompt-file") {
      let reader = try TextOptions.reader([path], tokenizer: checkpoint.tokenizer)
      return {
        if reader.wouldBlock { try StandardOutput.shared.flush() }
        guard try reader.next() != nil else { return nil }
        var prompt = Prompt()
        reader.tokens.forEach { prompt.append($0, vocabulary) }
        return prompt
      }
    }
    var prompt = Prompt()
    try checkpoint.tokenizer.forEachToken(of: arguments.string("prompt") ?? "") {
      prompt.append($0, vocabulary)
    }
    let unknown = prompt.tokens.filter { $0 == Vocabulary.unknown }.count
    if unknown > 0, !arguments.has("quiet") {
      Terminal.note("\(Format.count(unknown, "token")) of the prompt not in the model's vocabulary")
    }
    var isTaken = false
    return {
      defer { isTaken = true }
      return isTaken ? nil : prompt
    }
  }
}

/// What a sentence begins with: its tokens, and their text as it was given, which may hold words that the model does not know.
private struct Prompt {
  var tokens: [TokenID] = []
  var text: [UInt8] = []

  mutating func append(_ token: UnsafeRawBufferPointer, _ vocabulary: Vocabulary) {
    tokens.append(vocabulary.id(of: token))
    vocabulary.append(bytes: token, to: &text, isFirst: tokens.count == 1)
  }
}

/// Writes the sentences that a sampler draws.
private struct SampleWriter {
  let showsScore: Bool
  let count: Int
  let context: ContextMode

  func write(
    _ model: some LanguageModel, _ options: SamplingOptions, seed: UInt64,
    _ nextPrompt: () throws -> Prompt?
  ) throws {
    let vocabulary = model.vocabulary
    var sampler = Sampler(model: model, options: options, seed: seed)
    var line: [UInt8] = []
    var state = model.initialState
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
          vocabulary.append(token, to: &line, isFirst: isFirst)
          score += Double(logProbability)
          isFirst = false
          isEnded = token == Vocabulary.endOfSentence
        }
        if !isEnded { line.append(UInt8(ascii: "\n")) }
        if showsScore { try StandardOutput.shared.writeBytes("\(Format.significant(score, 9))\t".utf8) }
        try StandardOutput.shared.writeBytes(line)
        try StandardOutput.shared.endLine()
      }
    }
  }
}
