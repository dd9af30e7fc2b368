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
    which are added up as they stream by; empty ones add nothing; --times 3,1 takes those of the first file thrice. So a large text can be counted in parts, on several machines if need be:
    'lmctl train --model ngram --counts FILE' makes the same model of the sum as of the text. Characters and bytes are written without
    white space (a space is ▁). With --json, each line is an object; counts are read in both forms. Where tokens are not plain words,
    a first line says by which text rules they were made, and train takes them from there.
    """
  static let operandsInConfiguration: String? = "texts"
  nonisolated(unsafe) static let settings = CountSettings.table
  static let typed = ["counts", "ngram-count", "ngrams"]
  static let configurationExample = (
    line: "lmctl count --config run.json", file: #"{"order": 2, "texts": ["text.txt"]}"#
  )
  static let examples = [
    "lmctl count --order 5 part1.txt -o part1.counts.gz",
    "lmctl count --merge part1.counts.gz part2.counts.gz -o all.counts.gz",
    "lmctl count --order 1 text.txt | sort -t \"$(printf '\\t')\" -k2,2nr | head",
  ]

  static func run(_ settings: CountSettings, _ paths: [String], given: Arguments) throws {
    let (output, order) = (settings.output, settings.order)
    let format: CountFormat = settings.asJSON ? .jsonLines : .columns
    _ = try OutputFile(output, .counts, inputs: paths, isForced: settings.common.isForced)
    if settings.merges {
      if paths.isEmpty { throw UsageError("no files of counts; name those to be added up") }
      try TextFiles.requireSingleStandardInput(paths)
      if let times = settings.times, times.count != paths.count {
        throw UsageError("--times has \(times.count) for \(Format.count(paths.count, "file"))")
      }
      for path in paths { try FileKind.require([.counts], path, "a file of counts") }
      Progress.begin(Progress.writing(output).map { _ in "adding up counts" })
      let lines = try CountFiles.merge(paths, times: settings.times, to: output, as: format) {
        Progress.show("\($0) n-grams")
      }
      Progress.end()
      return Terminal.note("wrote \(Format.count(lines, "n-gram"))")
    }
    try settings.text.checkRules()
    let limit = try settings.counting.limit()
    if let limit {
      CountingSettings.announce(limit, paths) { CountingLimit.temporaryBytes(text: $0, order: order) }
    }
    let reader = try TextFiles.reader(paths, tokenizer: settings.text.tokenizer)
    Progress.begin("reading")
    let lines = try CountFiles.count(
      reader, order: order, context: settings.context, limit: limit, to: output, as: format,
      isEmptyWritten: settings.common.allowsEmpty
    ) { progress in
      switch progress {
      case .reading(let statistics): Progress.show(statistics.shown)
      case .sorting: Progress.begin("sorting n-grams")
      case .writing(lines: 0): Progress.begin(Progress.writing(output))
      case .writing(let lines): Progress.show("\(lines) n-grams")
      }
    }
    Progress.end()
    if !settings.common.allowsEmpty { try TextFiles.requireText(reader.statistics, paths) }
    TextFiles.report(reader.statistics)
    Terminal.note(
      "counted \(Format.count(reader.statistics.tokens, "token")): \(Format.count(lines, "n-gram"))")
  }
}

/// The settings of `lmctl count`.
struct CountSettings: CommandValues {
  var order = 3
  var merges = false
  var times: [Int]?
  var asJSON = false
  var output = "-"
  var context = ContextMode.sentence
  var counting = CountingSettings()
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("counting") {
        Setting("order", \.order, .whole(1...16), "length of the longest n-grams").notWithMerge().typed("n")
        Setting(flag: "merge", \.merges, "add up files of counts")
        Setting(
          "times", \.times, .sizes(1...1_000_000, layers: 1...100_000, of: "files"),
          "with --merge: take the counts of each file so often, as in 3,1"
        ).needs("merge", as: "--merge").typed("weights", "float-counts", "weight")
        Setting(
          "output", \.output, .file, "where the counts go", default: .rule("standard output") { $0.output }
        ).short("o").typed("out", "write")
        Setting(flag: "json", \.asJSON, "JSON Lines: {\"ngram\":[\"the\",\"cat\"],\"count\":3}")
        CommonSettings.force.lifted(\.common)
        Setting("context", \.context, .choice("WHAT"), "whether n-grams run on across lines").notWithMerge()
      },
      SettingGroup("memory") {
        CountingSettings.memory.lifted(\.counting).notWithMerge()
        CountingSettings.folder.lifted(\.counting).notWithMerge()
      },
      SettingGroup("text") {
        (TextSettings.rules + [TextSettings.invalid]).map { $0.lifted(\.text).notWithMerge() }
        CommonSettings.allowEmpty.lifted(\.common)
      },
      CommonSettings.group(\.common),
    ])
  }
}

extension Setting where Values == CountSettings {
  /// Counts that are added up stay as they are.
  fileprivate func notWithMerge() -> Setting {
    excludes("merge", because: "which adds up counts as they are")
  }
}
