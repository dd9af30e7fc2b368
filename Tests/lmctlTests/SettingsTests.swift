import Foundation
import LanguageModels
import TestSupport
import Testing

/// What follows from the table of settings: help, manual page, completions, environment, suggestions.
@Suite("Settings")
struct SettingsTests {
  /// All commands, as the overview names them.
  static func commands(_ folder: TemporaryFolder) throws -> [String] {
    let overview = try run("lmctl help", folder)
    let list = try #require(
      overview.components(separatedBy: "[FILE…]\n\n").last?.components(separatedBy: "\n\n").first)
    return list.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
      .filter { !["help", "version"].contains($0) }
  }

  /// The options of a command, as its page names them.
  static func options(_ command: String, _ folder: TemporaryFolder) throws -> [String] {
    try run("lmctl help \(command)", folder).split(separator: "\n").compactMap { line in
      guard line.hasPrefix("  -"), line.prefix(8).contains("--") else { return nil }
      return line.split(separator: " ").first { $0.hasPrefix("--") }.map(String.init)
    }
  }

  @Test("No page of help is wider than 80 columns, and every option is on its command's")
  func width() throws {
    let folder = try TemporaryFolder()
    let commands = try Self.commands(folder)
    #expect(commands.count >= 10)
    for page in [""] + commands {
      let text = try run("lmctl help \(page)", folder)
      #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 80 }, "\(page)")
      #expect(text.contains(page.isEmpty ? "first steps:" : "\nexamples:\n"))
      if !page.isEmpty { #expect(try run("lmctl \(page) --help", folder) == text) }
    }
    let train = try run("lmctl help train", folder)
    // Range and default stand behind what an option does.
    #expect(train.contains("(1 to 100; default: 1)"))
    #expect(try Self.options("train", folder).count > 60)
  }

  @Test("The manual page is well-formed, and has all that help has")
  func manual() throws {
    let folder = try TemporaryFolder()
    let page = try run("lmctl help --man", folder)
    #expect(page.hasPrefix(".TH LMCTL 1"))
    for command in try Self.commands(folder) {
      #expect(page.contains(".SH LMCTL \(command.uppercased())\n"))
      #expect(
        try run("lmctl help \(command) --man", folder).hasPrefix(".TH LMCTL\\-\(command.uppercased()) 1"))
    }
    #expect(page.contains("\\fB\\-\\-katz\\-limit\\fR"))
    #expect(page.split(separator: "\n").allSatisfy { !$0.hasPrefix("'") })
  }

  @Test("Help for programs has every option, with values to try")
  func list() throws {
    let folder = try TemporaryFolder()
    for command in try Self.commands(folder) {
      let page = try run("lmctl help \(command) --json", folder)
      let options = try JSONValue(parsing: Array(page.utf8), file: command)["options"]?.elements ?? []
      let names = options.compactMap { $0["name"]?.stringValue }.map { "--\($0)" }
      // What the page says first may have options too.
      let shown = try Self.options(command, folder).suffix(names.count)
      #expect(!names.isEmpty && Array(shown) == names)
      for option in options where option["value"] != .null && option["path"] == false {
        #expect(option["examples"]?.elements?.isEmpty == false, "\(command): \(option.text)")
      }
    }
    let refused = try Executable.shell("lmctl help --json", in: folder)
    #expect(refused.status == 2 && refused.error.contains("lmctl help train --json"))
  }

  @Test("Bash completes commands, options, values and files")
  func bash() throws {
    let folder = try TemporaryFolder()
    try folder.write("text.txt", text: "a\n")
    func completions(_ words: String) throws -> [String] {
      let count = words.split(separator: " ", omittingEmptySubsequences: false).count
      let line = """
        source <(lmctl completions bash); COMP_WORDS=(lmctl \(words.replacingOccurrences(of: "EMPTY", with: "''")))
        COMP_CWORD=\(count); _lmctl || true; printf '%s\\n' "${COMPREPLY[@]}"
        """
      return try run(line, folder).split(separator: "\n").map(String.init)
    }
    #expect(try completions("ev") == ["eval"])
    #expect(try completions("train --smo") == ["--smoothing"])
    #expect(try completions("train --model EMPTY") == Kinds.all + ["bag"])
    #expect(try completions("eval te") == ["text.txt"])
    #expect(try completions("train -o te") == ["text.txt"])
    #expect(try completions("train --seed EMPTY") == [])
    #expect(try Set(completions("sample --")) == Set(Self.options("sample", folder)))
    for shell in ["zsh", "fish"] {
      let script = try run("lmctl completions \(shell)", folder)
      for command in try Self.commands(folder) {
        for option in try Self.options(command, folder) {
          #expect(script.contains(shell == "fish" ? "-l \(option.dropFirst(2)) " : "\(option)"), "\(option)")
        }
      }
    }
  }

  @Test("The environment gives what nothing else does")
  func environment() throws {
    let folder = try proseFolder()
    let effective =
      "lmctl train --model lstm train.txt --print-config | jq -c '[.threads, .hidden, .quiet, .lr]'"
    #expect(
      try run("LMCTL_THREADS=1 LMCTL_HIDDEN=8 LMCTL_QUIET=1 \(effective)", folder) == "[1,8,true,0.003]\n")
    #expect(try run("LMCTL_QUIET=0 LMCTL_THREADS= \(effective)", folder) == "[null,256,false,0.003]\n")
    try folder.write("c.json", text: #"{"hidden": 16, "lr": 0.5}"#)
    let given =
      "lmctl train --config c.json --lr 0.25 --model lstm train.txt --print-config | jq -c '[.hidden, .lr]'"
    #expect(try run("LMCTL_HIDDEN=8 LMCTL_LR=0.125 \(given)", folder) == "[16,0.25]\n")
    // What goes with other models is passed over, and so is what the command line takes back.
    #expect(
      try run(
        "LMCTL_HIDDEN=8 LMCTL_ORDER=2 lmctl train --model ngram --no-order train.txt --print-config | jq .order",
        folder)
        == "3\n")
    let wrong = try Executable.shell("LMCTL_ORDER=x lmctl train --model ngram train.txt", in: folder)
    #expect(wrong.status == 2)
    #expect(
      wrong.error.contains("not 'x' (--order stands in the environment as LMCTL_ORDER)"), "\(wrong.error)")
  }

  @Test("The environment is for all command lines: what does not fit one is passed over")
  func environmentThatDoesNotFit() throws {
    let folder = try proseFolder()
    for (value, isLower) in [("off", false), ("No", false), ("FALSE", false), ("1", true), ("yes", true)] {
      try run("LMCTL_LOWERCASE=\(value) lmctl train --model ngram train.txt --quiet -o m.json", folder)
      #expect(try run("jq .tokenizer.lowercase m.json", folder) == "\(isLower)\n", "\(value)")
    }
    let odd = try Executable.shell("LMCTL_LOWERCASE=2 lmctl train --model ngram train.txt", in: folder)
    #expect(odd.status == 2 && odd.error.contains("LMCTL_LOWERCASE stands for the flag --lowercase"))
    // Of two that exclude each other, the command line's holds; text rules of the environment do not meet models that have their own.
    for line in [
      "LMCTL_UNIT=char lmctl eval m.json test.txt", "LMCTL_PERPLEXITY=1 lmctl eval m.json test.txt --json",
      "LMCTL_VALID=none lmctl train --model ngram train.txt --holdout 0.1 --quiet -o x.json",
      "LMCTL_HOLDOUT=0.1 lmctl train --model ngram train.txt --valid test.txt --quiet -o x.json",
      "LMCTL_DELTA=2 LMCTL_CACHE_WEIGHT=0.5 lmctl train --model ngram train.txt --quiet -o x.json",
      "LMCTL_CACHE_WEIGHT=0.5 LMCTL_TUNE=none lmctl eval m.json test.txt",
      "LMCTL_INIT_FROM=none lmctl train --model ngram train.txt --quiet -o x.json",
    ] { try run(line, folder) }
    // Files of other programs, which have none, meet them.
    try run(
      #"lmctl convert m.json own.arpa; grep -v '^#\|lmctl' own.arpa > other.arpa; echo 'THE lamp' > upper.txt"#,
      folder)
    let lower = "LMCTL_LOWERCASE=1 lmctl eval other.arpa upper.txt --per token"
    #expect(try run(lower, folder) == run("lmctl eval other.arpa upper.txt --per token --lowercase", folder))
    #expect(try run(lower, folder).hasPrefix("the\t"))
    try run("LMCTL_UNIT=char lmctl eval own.arpa test.txt --perplexity", folder)
    // A run that goes on takes from it what may change.
    try run(
      "lmctl train --model gru --hidden 4 --epochs 1 --quiet train.txt -o r.json --keep-optimizer", folder)
    try run(
      "cp r.json s.json; LMCTL_OUTPUT=t.json LMCTL_LR=3 lmctl train --resume r.json --epochs 2 --quiet",
      folder)
    try run("cmp r.json s.json", folder)
    #expect(try run("jq .training.lr t.json", folder) == "0.003\n")
  }

  @Test("The configuration of a run that begins with a model, or goes on, makes the same model")
  func configurationOfSuccessors() throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model gru --hidden 4 --epochs 1 --quiet train.txt -o m.json --keep-optimizer", folder)
    let successors = [
      "--init-from m.json train.txt --epochs 1", "--resume m.json --epochs 2",
      "--resume m.json --new-data test.txt",
    ]
    for (i, options) in successors.enumerated() {
      let train = "lmctl train \(options) --quiet -o x\(i).json"
      try run("\(train) --print-config > c.json; \(train); mv x\(i).json first.json", folder)
      try run("lmctl train --config c.json; cmp first.json x\(i).json", folder)
    }
    let changed = try Executable.shell("lmctl train --init-from m.json train.txt --digits zero", in: folder)
    #expect(changed.status == 2 && changed.error.contains("--digits cannot change (it is keep in m.json)"))
  }

  @Test(
    "What people type is understood",
    arguments: [
      ("train --learning-rate 1", "'--lr'"), ("train --batch-size 3", "'--batch'"),
      ("train --hidden-size 1", "'--hidden'"), ("train --nhid 1", "'--hidden'"),
      ("train --window-size 3", "'--qrnn-window'"), ("train --skip-connections", "'--residual'"),
      ("train --densenet", "'--dense'"), ("train --model QRNN", "'qrnn'"),
      ("train --seq-length 3", "'--bptt'"),
      ("train --model LSTM", "'lstm'"), ("train --model ngram --smoothing laplace", "'additive'"),
      ("train --model ngram --smoothing mle", "'none'"),
      ("train --model ngram --smoothing katz", "'good-turing'"),
      ("train --model ngram --smoothing kn", "'kneser-ney'"), ("score m.json", "'eval'"),
      ("generate m.json", "'sample'"), ("train --min_count 3", "'--min-count'"),
      ("train -epochs 3", "'--epochs'"),
      ("eval --vocab-pad 5", "'--oov-types'"), ("sample --nucleus 0.5", "'--top-p'"),
    ])
  func suggestions(line: String, meant: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Executable.shell("lmctl \(line)", in: folder)
    #expect(outcome.status == 2 && outcome.error.contains("; did you mean \(meant)?"), "\(outcome.error)")
  }

  /// `word` with a letter too many, too few, another, or two exchanged.
  private func mistyped(_ word: String, _ generator: inout SeededGenerator) -> String {
    var letters = Array(word)
    let place = Int.random(in: 2..<max(3, letters.count), using: &generator)
    let letter = "abcdefghijklmnopqrstuvwxyz-".randomElement(using: &generator) ?? "x"
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: letters.insert(letter, at: min(place, letters.count))
    case 1 where letters.count > 3: letters.remove(at: min(place, letters.count - 1))
    case 2 where place + 1 < letters.count: letters.swapAt(place, place + 1)
    default: letters[min(place, letters.count - 1)] = letter
    }
    return String(letters)
  }

  @Test("1,000 mistyped options and commands: exit 2, one sentence, nothing written")
  func mistypes() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --quiet train.txt -o m.json; lmctl convert m.json m.arpa", folder)
    let operands = [
      "train": ["--model", "ngram", "train.txt"], "eval": ["m.json", "test.txt"], "sample": ["m.json"],
      "predict": ["m.json", "test.txt"], "fill": ["m.json", "test.txt"],
      "tokenize": ["test.txt"], "inspect": ["m.json"], "count": ["test.txt"],
      "convert": ["m.json", "out.arpa"],
      "plot": ["run.jsonl"], "benchmark": ["rnn-512"], "completions": ["bash"],
      "neighbors": ["m.json"], "encode": ["m.json", "test.txt"], "rescore": ["m.json", "test.txt"],
    ]
    let commands = try Self.commands(folder)
    let options = try Dictionary(uniqueKeysWithValues: commands.map { ($0, try Self.options($0, folder)) })
    let before = folder.contents
    var generator = SeededGenerator(seed: 11)
    var count = 0
    while count < 1000 {
      let command = try #require(commands.randomElement(using: &generator))
      let known = try #require(options[command])
      var words = [command] + (operands[command] ?? [])
      if count % 5 == 4 {
        words[0] = mistyped("--\(command)", &generator).drop { $0 == "-" }.description
        if commands.contains(words[0]) || ["help", "version", ""].contains(words[0]) { continue }
      } else {
        let option = mistyped(try #require(known.randomElement(using: &generator)), &generator)
        let isReal =
          (known + ["--help", "--", "-"]).contains(option) || known.contains("--" + option.dropFirst(5))
        if isReal { continue }
        words.append(option)
      }
      count += 1
      let outcome = try Executable.run(words, in: folder)
      #expect(outcome.status == 2, "\(words)")
      #expect(outcome.output == "", "\(words)")
      #expect(
        outcome.error.hasPrefix("lmctl: ") && outcome.error.filter { $0 == "\n" }.count == 1, "\(words)")
    }
    #expect(folder.contents == before)
  }
}
