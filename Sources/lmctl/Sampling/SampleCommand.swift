import LanguageModels

/// `lmctl sample`.
enum SampleCommand: Command {
  static let name = "sample"
  static let summary = "write text that a model makes up"
  static let operands = "MODEL [OPTION…]"
  static let discussion = """
    Draws sentences from the model, one a line, each written as soon as it and those before it are whole. The same seed gives the
    same text, whatever the threads, and sentence i is the same however many there are: none goes on from another (for a long text,
    --length N). With --prompt, every line begins with the prompt; with --prompt-file, each line of the file is a prompt in turn; with
    --prompt-whole, all of the file is one. A sentence that reaches --max-tokens is broken off.

    Each token is drawn so: <unk> is left out (unless --unk is given), then the temperature is applied, then --top-k keeps the
    likeliest tokens, then --top-p keeps the likeliest of these.

    With --beam K, nothing is drawn: it looks for the likeliest sentences after each prompt, and writes --count of them, best first.
    """
  nonisolated(unsafe) static let settings = SampleSettings.table
  static let typed = ["generate", "gen", "complete", "draw", "write"]
  static let configurationExample = (
    line: "lmctl sample kn5.json --config run.json", file: #"{"count": 3, "temperature": 0.8}"#
  )
  static let examples = [
    "lmctl sample kn5.json --count 5 --seed 1",
    "lmctl sample kn5.json --temperature 0.7 --prompt 'In the beginning'",
    "lmctl sample kn5.json --prompt-file - --top-p 0.9 < prompts.txt",
    "lmctl sample kn5.json --beam 10 --count 3 --length-penalty power:0.75 --json",
    "lmctl sample kn5.json --prompt-whole text.txt --no-echo --length 100 --json",
  ]

  static func run(_ settings: SampleSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint: lmctl sample model.json")
    }
    if operands.count > 1 { throw UsageError("'\(operands[1])' is one argument too many") }
    if path == "-", settings.promptPath == "-" || settings.wholePromptPath == "-" {
      throw UsageError("standard input ('-') can be read only once")
    }
    let seed = settings.seed ?? UInt64.random(in: 0...999_999)
    let (model, checkpoint) = try ModelKind.load(path: path, settings.text, given)
    if settings.seed == nil, settings.beam == nil, Terminal.isTerminal { Terminal.note("seed \(seed)") }
    var sampling = settings.sampling
    sampling.length = settings.length
    sampling.context = settings.context ?? model.defaultContext
    let writer = SampleWriter(
      settings, vocabulary: model.vocabulary, checkpoint.tokenizer.separator, seed: seed)
    let prompts = try SamplePrompt.prompts(settings, checkpoint)
    Progress.begin(Progress.writing("-"))
    defer { Progress.end() }
    if let width = settings.beam {
      try writer.writeLikeliest(model, sampling, beam: width, prompts)
    } else {
      try writer.write(model, sampling, prompts)
    }
  }
}
