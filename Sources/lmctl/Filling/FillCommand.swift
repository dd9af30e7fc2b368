import LanguageModels

/// `lmctl fill`.
enum FillCommand: Command {
  static let name = "fill"
  static let summary = "complete the gaps in sentences"
  static let operands = "MODEL… [OPTION…] [TEXT…]"
  static let discussion = """
    Each line of the texts is a sentence with gaps: ___ stands for one token, whichever it is, and [a|b|c] for one of these. For each line, it
    writes one: the likeliest fillings, best first, each with its probability behind it, in tab-separated columns; the words of several gaps have
    spaces between them. A line without a gap gets an empty line. If the input is a pipe, each answer comes at once, so that another
    program can use it as a service. A gap is a token of its own, whatever stands beside it; of characters or bytes, each ___ is one, and
    ______ are two.

    Fillers (lmctl train --task fill) know p(word | all others). Of several gaps, they fill one after the other from the left, and read <unk>
    in those that are still open; each of the choices must be one token. Language models fill as well: p is that of the whole sentence,
    among the fillings that were compared. N-grams compare the whole vocabulary; networks, and mixtures with one, the --candidates likeliest
    tokens after what stands before the gap. Of several gaps, the --beam likeliest fillings so far go on to the next. <unk> is never among
    them unless --unk is given; a choice that the model does not know is taken for <unk>, and said.

    With --accuracy N, one token is hidden in each of N sentences of a text, and the table says how often the likeliest token is the
    right one, and how often it is among the --top likeliest. A hidden token that a model does not know counts as not found. All models
    have the same blanks.
    """
  nonisolated(unsafe) static let settings = FillSettings.table
  static let typed = ["cloze", "mask", "fill-mask", "fill-in", "infill", "complete-gaps", "gaps"]
  static let configurationExample = (
    line: "lmctl fill filler.json --config run.json gaps.txt", file: #"{"top": 3, "json": true}"#
  )
  static let examples = [
    "echo 'The ___ was lit .' | lmctl fill filler.json",
    "echo 'The lamp [was|were] ___ .' | lmctl fill kn5.json --top 3",
    "lmctl fill filler.json --sentences gaps.txt",
    "lmctl fill filler.json lstm.json kn5.json --accuracy 500 --seed 1 test.txt",
  ]

  static func run(_ settings: FillSettings, _ operands: [String], given: Arguments) throws {
    let (paths, input) = try EvalCommand.files(operands, of: name)
    try TextFiles.requireSingleStandardInput(input.paths, paths[0])
    if let hidden = settings.hidden {
      var results: [FillAccuracy] = []
      for path in paths {
        let model = try FillingModel(path: path, settings.text, given)
        results.append(try FillAccuracy(model, hiding: hidden, settings, input))
      }
      return results.write(asJSON: settings.asJSON)
    }
    if paths.count > 1 {
      throw UsageError("fills with one model, not \(paths.count); several can be compared with --accuracy")
    }
    let model = try FillingModel(path: paths[0], settings.text, given)
    try FillWriter(settings, model).write(input)
  }
}
