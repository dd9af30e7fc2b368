import LanguageModels

/// `lmctl rescore`.
enum RescoreCommand: Command {
  static let name = "rescore"
  static let summary = "give the hypotheses of n-best lists scores, and choose among them"
  static let operands = "MODEL… [OPTION…] [FILE…]"
  static let discussion = """
    Reads lists of hypotheses, from translation or speech recognition, and writes each line as it was with one more feature for each model:
    ln p of the words, each line scored as a sentence by itself, its end included. Models come first, then lists; without any, or
    with -, it reads standard input. Formats:
      moses   id ||| words ||| Name= v … ||| score        the feature is added as
              name= v in the third field; with --weight, the score is the total
      srilm   (score) words behind a header NBestList1.0 or 2.0, or
              ascore lscore nwords words; a header or an empty line begins a list
      kaldi   utterance-N words
      tsv     columns with tabs between them; those that are numbers are
              features, called by the numbers of their columns
    Behind lines of srilm and kaldi come a tab and name=v, behind those of tsv a tab and v; with --weight, the total follows in the same
    way. Nothing else of a line changes, and lists may be rescored again. Logarithms to the base 10, bytelogs and costs of the input
    count as natural logarithms.

    With --best, it writes the words of the best line of each list. The total that decides is the sum of --weight times feature, a log-linear
    model of whole sentences; --combine linear first mixes the models' probabilities of each word, which is another model.

    With --tune, it chooses weights by references, by exact line search along one weight after the other (Och 2003), and prints them with the
    metric of what the lists have as their best (the largest score, or the first line), of what the weights choose, and of the oracle, the
    best line of each list; with --metric bleu, that is the line of the best BLEU of its own, smoothed.
    """
  nonisolated(unsafe) static let settings = RescoreSettings.table
  static let typed = ["rerank", "nbest", "rescoring", "n-best"]
  static let configurationExample = (
    line: "lmctl rescore kn5.json --config run.json list.nbest",
    file: #"{"weight": "TM0=0.3,kn5=0.5", "best": true}"#
  )
  static let examples = [
    "lmctl rescore kn5.json lstm.json list.nbest > rescored.nbest",
    "lmctl rescore kn5.json --best --weight kn5=0.7,words=0.5 list.nbest",
    "lmctl rescore kn5.json lstm.json --tune refs.txt -o weights.json list.nbest",
    "lmctl rescore kn5.json lstm.json --config weights.json --best list.nbest",
    "lmctl rescore kn5.json --format kaldi --only-scores hyps.txt > lm.scores",
  ]

  static func run(_ settings: RescoreSettings, _ operands: [String], given: Arguments) throws {
    let (paths, input) = try EvalCommand.files(operands, of: name, isReadAgain: false)
    for place in settings.scorePaths + [settings.tuningPath].compactMap({ $0 }) {
      try TextFiles.requireSingleStandardInput(input.paths, paths[0], place)
    }
    var settings = settings
    settings.layout.format = NBestFormat(rawValue: settings.formatChoice.rawValue)
    if !settings.scorePaths.isEmpty, let format = settings.layout.format, format != .kaldi, format != .tsv {
      throw UsageError("--scores goes with keys, which --format \(format.rawValue) does not have")
    }
    for name in ["text-column", "id-column"] where given.has(name) && settings.layout.format ?? .tsv != .tsv {
      throw UsageError("--\(name) goes with --format tsv")
    }
    if given.has("text-column") || given.has("id-column") { settings.layout.format = .tsv }
    let layout = settings.layout
    if layout.format == .tsv, layout.textColumn == layout.idColumn {
      throw UsageError("--text-column and --id-column name the same column, \(layout.textColumn)")
    }
    let output = try settings.outputPath.map {
      try OutputFile(
        $0, .weights, inputs: paths + input.paths + [settings.tuningPath].compactMap { $0 },
        isForced: settings.common.isForced)
    }
    let models = try RescoringModel.load(paths, settings, given)
    let rescorer = try Rescorer(models, settings)
    if let tuningPath = settings.tuningPath {
      var tuning = try RescoreTuning(references: tuningPath, settings)
      let result = try tuning.run(rescorer, input)
      if let output { try result.write(to: output.path) }
      StandardOutput.shared.write(settings.asJSON ? result.json.text + "\n" : result.table)
      return
    }
    let writer = RescoreWriter(settings, models.map(\.name))
    let passesRest = !settings.onlyBest && !settings.onlyScores && !settings.asJSON
    try rescorer.forEachList(input) { list in
      try writer.write(list, number: rescorer.listCount)
    } rest: { bytes in
      if passesRest { try StandardOutput.shared.writeBytes(bytes) }
    }
  }
}
