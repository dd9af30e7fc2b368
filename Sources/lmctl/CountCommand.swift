import LanguageModels
import NGramModels

/// `lmctl count`.
enum CountCommand: Command {
  static let name = "count"
  static let summary = "count n-grams; add up counts"
  static let operands = "[OPTION…] [TEXT…]"
  static let discussion = """
    Writes all n-grams of the texts up to an order with their counts, a line 'n-gram TAB count' each, sorted word by word in the
    order of code points. Every sentence begins with <s> and ends with </s>. With --merge, the files are counts made so,
    which are added up as they stream by. So a large text can be counted in parts, on several machines if need be:
    'lmctl train --model ngram --counts FILE' makes the same model of the sum as of the text. Characters and bytes are written without
    white space (a space is ▁).
    """
  static let operandsInConfiguration: String? = "texts"
  static let options: [(heading: String, options: [Option])] = [
    (
      "counting",
      [
        Option("order", "N", "length of the longest n-grams, 1 to 16 (default: 3)"),
        Option(flag: "merge", "add up files of counts"),
        Option("output", short: "o", "FILE", "where the counts go (default: standard output)"),
        Option(
          "context", ContextMode.self, "whether n-grams run on across lines (default: sentence)"),
      ]
    ),
    ("memory", CountingOptions.all),
    ("text", [TextOptions.unit, TextOptions.lowercase, TextOptions.invalid]),
    ("other", [TextOptions.quiet]),
  ]
  static let examples = [
    "lmctl count --order 5 part1.txt -o part1.counts.gz",
    "lmctl count --merge part1.counts.gz part2.counts.gz -o all.counts.gz",
    "lmctl count --order 1 text.txt | sort -t \"$(printf '\\t')\" -k2,2nr | head",
  ]

  static func run(_ arguments: Arguments) throws {
    let output = arguments.string("output") ?? "-"
    let paths = arguments.operands
    let isQuiet = arguments.has("quiet")
    try AtomicFile.check(path: output, inputs: paths)
    if arguments.has("merge") {
      for name in ["order", "context", "unit", "lowercase", "invalid", "memory", "temp"]
      where arguments.has(name) {
        throw UsageError("--\(name) does not go with --merge, which adds up counts as they are")
      }
      if paths.isEmpty { throw UsageError("no files of counts; name those to be added up") }
      try TextOptions.requireSingleStandardInput(paths)
      let lines = try CountFiles.merge(paths, to: output)
      if !isQuiet { Terminal.note("wrote \(Format.count(lines, "n-gram"))") }
      return
    }
    let order = try arguments.integer("order", in: 1...16) ?? 3
    let context = try arguments.choice("context", ContextMode.self) ?? .sentence
    let limit = try CountingOptions.limit(arguments)
    if let limit, !isQuiet {
      CountingOptions.announce(limit, paths) { CountingLimit.temporaryBytes(text: $0, order: order) }
    }
    let reader = try TextOptions.reader(paths, tokenizer: try TextOptions.tokenizer(arguments))
    var progress = ProgressLine(isQuiet: isQuiet)
    let lines = try CountFiles.count(reader, order: order, context: context, limit: limit, to: output) {
      statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, paths)
    if isQuiet { return }
    TextOptions.report(reader.statistics)
    Terminal.note(
      "counted \(Format.count(reader.statistics.tokens, "token")): \(Format.count(lines, "n-gram"))")
  }
}
