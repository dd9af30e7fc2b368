import Foundation
import TestSupport
import Testing

@testable import lmctl

/// What every command does alike: threads, remarks and warnings, times, progress, colours, and how options are written.
@Suite("Manners")
struct MannersTests {
  static let common = ["--quiet", "--threads", "--progress", "--timestamps", "--no-color", "--config"]

  /// A text that takes a debug build about a second.
  private func largeFolder(copies: Int = 40) throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("for i in $(seq \(copies)); do sed \"s/the/the$i/g\" train.txt; done > large.txt", folder)
    return folder
  }

  @Test("Every command takes the common options, and the overview lists them once")
  func commonOptions() throws {
    let folder = try TemporaryFolder()
    for command in try SettingsTests.commands(folder) {
      let help = try run("lmctl help \(command)", folder)
      let part = try #require(help.components(separatedBy: "\nevery command:\n").last)
      for option in Self.common {
        #expect(part.contains("\(option) ") || part.contains("\(option)\n"), "\(command) \(option)")
      }
      // The command itself says so: nothing is wrong but the value.
      let outcome = try Executable.shell("lmctl \(command) --threads 0", in: folder)
      #expect(outcome.status == 2 && outcome.error.contains("--threads takes a whole number from 1 to 64"))
    }
    let overview = try run("lmctl help", folder)
    let manual = try run("lmctl help --man", folder)
    for option in Self.common {
      #expect(overview.components(separatedBy: "  \(option) ").count == 2 || option == "--quiet")
      let escaped = option.replacingOccurrences(of: "-", with: "\\-")
      #expect(manual.components(separatedBy: "\\fB\(escaped)\\fR").count == 2, "\(option)")
    }
    #expect(overview.contains("  -q, --quiet "))
  }

  @Test("The common options, and no others, may stand before the command")
  func commonOptionsFirst() throws {
    let folder = try proseFolder()
    let train = "train --model ngram train.txt -o m.json"
    let loud = try Executable.shell("lmctl \(train)", in: folder)
    let quiet = try Executable.shell("lmctl -q --threads 1 --progress=0 \(train)", in: folder)
    #expect(quiet.status == 0 && quiet.error.isEmpty && !loud.error.isEmpty)
    try run("lmctl version -q | grep -q lmctl; lmctl help --threads 1 train -q | grep -q epochs", folder)
    try run(
      #". <(lmctl completions bash); COMP_WORDS=(lmctl -q --threads 2 train --smoo); COMP_CWORD=5; _lmctl; [ "$COMPREPLY" = --smoothing ]"#,
      folder)
    for (line, message) in [
      ("lmctl --threads 0 \(train)", "--threads takes a whole number"),
      ("lmctl --threads 1 \(train) --threads 1", "option '--threads' is given twice"),
      ("lmctl --threads 1 trian", "unknown command 'trian'"),
      ("lmctl --order 3 \(train)", "no command before '--order'"), ("lmctl -q", "no command before '-q'"),
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 2 && outcome.error.contains(message), "\(line): \(outcome.error)")
    }
  }

  @Test("Any number of threads gives the same bytes")
  func sameBytes() throws {
    let folder = try largeFolder()
    for line in [
      "lmctl train --model ngram --order 4 large.txt -o out", "lmctl count --order 3 large.txt -o out",
      "lmctl tokenize --ids large.txt > out", "lmctl count --order 3 --memory 20M large.txt -o out",
    ] {
      let name = line.contains("train") ? "m.json" : "out"
      let line = line.replacingOccurrences(of: "-o out", with: "-o \(name)")
      try run(
        "\(line) -q --threads 1; mv \(name) one; LMCTL_THREADS=2 \(line) -q; cmp one \(name); rm \(name)",
        folder)
    }
  }

  @Test(
    "No more threads work than --threads says, besides the one that hears signals",
    arguments: ["train --model ngram --order 5 large.txt -o m.json", "count --order 5 large.txt -o counts"])
  func threads(line: String) throws {
    let folder = try largeFolder()
    for threads in [1, 2] {
      let most = try run(
        """
        lmctl \(line) -q --threads \(threads) & p=$!; most=0
        while n=$(ls /proc/$p/task 2> /dev/null | wc -l); [ $n -gt 0 ]; do [ $n -gt $most ] && most=$n; done
        wait $p && echo $most
        """, folder)
      #expect(most == "\(threads + 1)\n", "\(line)")
    }
  }

  @Test("--quiet takes remarks away, and leaves warnings")
  func quiet() throws {
    let folder = try proseFolder()
    try folder.write("small.txt", text: "a <s> b\na b\n")
    let train = "lmctl train --model ngram --min-count 1 small.txt -o m.json"
    let loud = try Executable.shell(train, in: folder).error.split(separator: "\n")
    let quiet = try Executable.shell("\(train) -q", in: folder).error.split(separator: "\n")
    #expect(loud.contains { $0.hasPrefix("lmctl: wrote m.json") })
    #expect(quiet.contains { $0.hasPrefix("lmctl: warning: dropped 1 literal <s> or </s>") })
    #expect(
      quiet.contains { $0.hasPrefix("lmctl: warning: the text is too small or too regular") }, "\(quiet)")
    #expect(quiet.allSatisfy { $0.hasPrefix("lmctl: warning: ") })
    #expect(quiet == loud.filter { $0.hasPrefix("lmctl: warning: ") })
    // A number that means little is not left to stand alone.
    try run("lmctl train --model ngram -q train.txt -o p.json; tr a-z n-za-m < test.txt > rot", folder)
    for options in ["--perplexity", "--cross-entropy", "--per file"] {
      let outcome = try Executable.shell("lmctl eval p.json rot -q \(options)", in: folder)
      #expect(outcome.error.contains("lmctl: warning: ") && outcome.error.contains("share little vocabulary"))
    }
    for command in ["eval m.json --perplexity", "count", "tokenize"] {
      let outcome = try Executable.shell("lmctl \(command) small.txt -q", in: folder)
      #expect(outcome.error.contains("lmctl: warning: dropped 1 literal"), "\(command)")
    }
  }

  @Test("--timestamps puts the time before every line, errors too, and into records of logs")
  func timestamps() throws {
    let folder = try proseFolder()
    let network = "lmctl train --model rnn --hidden 4 --epochs 1 train.txt -o r.json --force"
    let time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
    for line in [
      "lmctl train --model ngram train.txt -o m.json", "\(network) --valid test.txt --log l",
      "lmctl eval none.json test.txt", "lmctl count --foo test.txt", "lmctl count --order 0 test.txt",
      "lmctl train --model ngram train.txt --valid test.txt -o -",
    ] {
      let outcome = try Executable.shell(
        "date -u +%FT%H:; { \(line) --timestamps 2>&1 >&3 | tee all | grep -vcE '^\(time) '; } 3> x; wc -l < all",
        in: folder)
      let parts = outcome.output.split(separator: "\n")
      #expect(parts.count == 3 && parts[1] == "0", "\(line): \(outcome.output)")
      let lines = String(decoding: try folder.read("all"), as: UTF8.self).split(separator: "\n")
      #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix(String(parts[0].prefix(10))) }, "\(line)")
    }
    #expect(try run("jq -r 'select(.time == null) | .event' l", folder) == "")
    #expect(try run("jq -r .time l | grep -vcE '^\(time)$' || true", folder) == "0\n")
    // Without it, a log can be compared.
    try run("\(network) --log plain -q", folder)
    #expect(
      try run("jq -r 'select(.event == \"step\") | has(\"time\")' plain | sort -u", folder) == "false\n")
    // The times are those of the system, in leap years too.
    let moments = (0..<300).map { 86_399 + $0 * 12_345_678 }
    try folder.write("moments", text: moments.map { "@\($0)\n" }.joined())
    let dates = try run("date -u -f moments +%FT%TZ", folder).split(separator: "\n").map(String.init)
    #expect(dates == moments.map { UTCTime.text(at: $0) })
    let stamped = try run(
      "lmctl count none --timestamps 2>&1 | cut -d' ' -f1 | date -u -f - +%s; date +%s", folder)
    let seconds = stamped.split(separator: "\n").compactMap { Int($0) }
    #expect(seconds.count == 2 && (0...2).contains(seconds[1] - seconds[0]), "\(stamped)")
  }

  /// What a command line says on standard error while it works.
  private func stages(_ line: String, _ options: String, in folder: TemporaryFolder) throws -> String {
    let outcome = try Executable.shell("\(line) \(options)", in: folder)
    #expect(outcome.status == 0 && !outcome.error.contains("\u{1B}"), "\(line): \(outcome.error)")
    return outcome.error
  }

  @Test("Work that takes its time says how far it has come, in lines where none can move")
  func progress() throws {
    let folder = try largeFolder(copies: 200)
    let four = [String](repeating: "large.txt", count: 4).joined(separator: " ")
    let train = "lmctl train --model ngram --order 5 \(four) -o m.json"
    // How much is said of work that is soon over depends on the machine; once in a few times it is said.
    func expect(_ stages: String..., in line: String) throws {
      var missing = stages
      for _ in 0..<10 where !missing.isEmpty {
        let error = try self.stages(line, "--progress 0.001", in: folder)
        missing.removeAll { error.contains($0) }
      }
      #expect(missing == [], "\(line)")
    }
    try expect("lmctl: reading", "n-grams", "lmctl: writing m.json", in: "\(train) --force")
    try expect("lmctl: writing m.arpa", in: "lmctl convert m.json m.arpa")
    try expect("lmctl: writing c", in: "lmctl count --order 5 large.txt -o c")
    try expect("lmctl: adding up counts: 65536 n-grams, ", in: "lmctl count --merge c c -o d")
    try expect("lmctl: reading counts", in: "lmctl train --model ngram --counts c -o e.json")
    try expect("lmctl: loading m.arpa: ", in: "lmctl eval m.arpa test.txt")
    try expect("lmctl: reading", in: "lmctl tokenize --stats \(four)")
    try expect(
      "lmctl: epoch 1, step ",
      in: "lmctl train --model rnn --hidden 8 --time-limit 2s --force large.txt -o r.json")
    // What is over sooner than anybody waits is not spoken of; nor is it if nobody wants to hear.
    let short = "lmctl train --model ngram large.txt -o m.json --force"
    for options in ["", "--progress 0"] {
      #expect(!(try stages(short, options, in: folder).contains("lmctl: reading")), "\(options)")
    }
    #expect(try stages(short, "--progress 0.1 -q", in: folder) == "")
  }

  @Test("On a terminal that can do nothing, no line moves and nothing is coloured")
  func dumbTerminal() throws {
    let folder = try proseFolder()
    try folder.write("run.jsonl", text: SyntheticLog.run())
    func seen(_ line: String) throws -> String {
      try run("script -qec '\(line)' /dev/null < /dev/null", folder)
    }
    // Lines move when the work has taken a second, whatever the speed of the machine.
    func train(_ terminal: String, _ options: String = "") -> String {
      "(sleep 1.5; cat train.txt) | TERM=\(terminal) lmctl train --model ngram - -o m.json --progress 0.1 \(options)"
    }
    #expect(try seen(train("xterm")).contains("\r\u{1B}[K"))
    let dumb = try seen(train("dumb"))
    #expect(!dumb.contains("\u{1B}") && dumb.contains("lmctl: reading, 1 s"), "\(dumb)")
    #expect(try seen("env -u NO_COLOR TERM=xterm lmctl plot run.jsonl").contains("\u{1B}["))
    for line in [
      "env -u NO_COLOR TERM=dumb lmctl plot run.jsonl", "NO_COLOR=1 lmctl plot run.jsonl",
      "env -u NO_COLOR lmctl plot run.jsonl --no-color",
      "env -u NO_COLOR LMCTL_NO_COLOR=1 lmctl plot run.jsonl",
    ] { #expect(!(try seen(line).contains("\u{1B}")), "\(line)") }
    // Colours are no matter of lines that move.
    #expect(try seen(train("xterm", "--no-color")).contains("\r\u{1B}[K"))
  }

  @Test("Options of one letter take their value in the same word, and stand together")
  func letters() throws {
    let folder = try proseFolder()
    let train = "lmctl train --model ngram train.txt"
    try run("\(train) -om.json -q; \(train) -qo n.json; \(train) -qok.json; \(train) -q -o=l.json", folder)
    try run(
      "for f in k l n; do cmp m.json $f.json; done; \(train) -oa=b.json -q; cmp m.json a=b.json", folder)
    for (options, message) in [
      ("-output x", "unknown option '-output'; did you mean '--output'?"),
      ("-quiet", "unknown option '-quiet'; did you mean '--quiet'?"), ("-qz", "unknown option '-qz'"),
      ("-q=1", "option '-q' takes no value"), ("-qq", "option '-q' is given twice"),
      ("-qo", "option '-o' needs a value: -o FILE"),
    ] {
      let outcome = try Executable.shell("\(train) \(options)", in: folder)
      #expect(outcome.status == 2 && outcome.error.hasPrefix("lmctl: \(message)"), "\(outcome.error)")
    }
    for line in ["version", "--version", "-V", "train --version", "eval m.json -V"] {
      #expect(try run("lmctl \(line)", folder).hasPrefix("lmctl 0."), "\(line)")
    }
    #expect(try Executable.shell("lmctl version train", in: folder).status == 2)
  }
}
