import Foundation
import TestSupport
import Testing

/// Files from strangers on the command line: nothing is written where they say, and nothing they hold steers the terminal.
@Suite("Files from strangers")
struct StrangeFileTests {
  private static let train =
    "lmctl train --model rnn --hidden 4 --embed 4 --batch 4 --bptt 10 --threads 1 --epochs 2 --keep-optimizer --quiet text"

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("text", text: String(repeating: "the cat sat on the mat\nthe dog ran\n", count: 20))
    return folder
  }

  /// Makes a finished run in `m.json`, whose recorded log is then `log`.
  private func runWithLog(_ log: String, _ folder: TemporaryFolder) throws {
    try run(
      """
      \(Self.train) -o m.json
      jq -c 'del(.header_crc32) | .training.resume.options.log = "\(log)"' m.json > n.json && mv n.json m.json
      """, folder)
  }

  @Test(
    "A recorded log elsewhere, or that is none, is not written to unless it is named again",
    arguments: ["../outside.jsonl", "notes.txt", "link.jsonl", ".profile", "new.txt", "sub/run.jsonl"])
  func recordedLog(log: String) throws {
    let parent = try folder()
    try run("mkdir run; cp text run", parent)
    let folder = "cd run;"
    try parent.write("outside.jsonl", text: "{\"event\":\"start\"}\n")
    try run("\(folder) mkdir sub; echo mine > notes.txt; ln -s ../outside.jsonl link.jsonl", parent)
    try run(
      """
      \(folder) \(Self.train) -o m.json
      jq -c 'del(.header_crc32) | .training.resume.options.log = "\(log)"' m.json > n.json && mv n.json m.json
      """, parent)
    let before = try run("find . -type f ! -name 'm.json*' | sort | xargs sha256sum", parent)
    let outcome = try Executable.shell("\(folder) lmctl train --resume m.json --epochs 3", in: parent)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(
      outcome.error.contains("the log \(log) is not written to unless it is named again: --log \(log)"),
      "\(outcome.error)")
    #expect(try run("find . -type f ! -name 'm.json*' | sort | xargs sha256sum", parent) == before)
    // Named again, a new one is written.
    try run("\(folder) lmctl train --resume m.json --epochs 4 --log fresh.jsonl --quiet", parent)
    #expect(try run("\(folder) jq -r .event fresh.jsonl | tail -1", parent) == "end\n")
  }

  @Test(
    "A log in the folder of its checkpoint goes on, wherever lmctl is called", arguments: ["run.jsonl", "l"])
  func ownLog(log: String) throws {
    let folder = try folder()
    try run("mkdir run; cd run; cp ../text .; \(Self.train) --log \(log) -o m.json", folder)
    let outcome = try Executable.shell("cd run; lmctl train --resume m.json --epochs 3 --quiet", in: folder)
    #expect(outcome.status == 0 && outcome.error == "")
    #expect(try run("jq -r .event run/\(log) | grep -c -e resume -e end", folder) == "3\n")
  }

  @Test(
    "Impossible numbers in the state of a run are refused by one sentence",
    arguments: [
      "step", "tokens", "evaluated_step", "epoch", "offset", "good_step", "cycle_start", "rollbacks",
    ])
  func states(name: String) throws {
    let folder = try folder()
    try runWithLog("null", folder)
    for value in ["-1", "1e18", "9223372036854775807", "2147483648", "\"x\"", "null"] {
      try run("jq -c '.training.resume.state.\(name) = \(value)' m.json > n.json", folder)
      let outcome = try Executable.shell(
        "timeout 20 lmctl train --resume n.json --epochs 3 --quiet", in: folder)
      #expect(outcome.status == 1 && outcome.error.contains("'\(name)' in the state"), "\(outcome.error)")
    }
  }

  @Test(
    "Control characters in names, words and messages are made visible",
    arguments: [
      "lmctl inspect $'x\\e[31m\\u009b\\u202e.json'", "lmctl $'tr\\ein'", "lmctl train $'--l\\u009br'",
      "lmctl train --model ngram --vocab words text -o m.json", "lmctl plot $'\\u2028'",
      "lmctl train --model $'\\e]0;x\\a' text",
    ])
  func controls(line: String) throws {
    let folder = try folder()
    try folder.write("words", text: "a b\n\u{1B}[31m\u{1B}[31m x\n\u{1B}[31m\u{1B}[31m y\n")
    let outcome = try Executable.shell("LC_ALL=C.UTF-8; \(line)", in: folder)
    #expect(outcome.status != 0 && outcome.error.contains("\\u{"), "\(outcome.error)")
    let controls = outcome.error.unicodeScalars.filter {
      $0 != "\n"
        && ($0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || $0 == "\u{202E}" || $0 == "\u{2028}")
    }
    #expect(controls.isEmpty)
  }

  @Test("Tables show no control characters")
  func tables() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --quiet text -o $'m\\e[31m.json'", folder)
    for line in ["inspect m*", "eval m* text", "eval m* m* text"] {
      #expect(try run("lmctl \(line)", folder).contains("m\\u{1b}[31m.json"))
    }
  }

  @Test(
    "Endless files end in one sentence",
    arguments: [
      "lmctl eval /dev/zero text", "lmctl inspect /dev/zero", "lmctl train --model ngram -o m.json /dev/zero",
      "lmctl tokenize --vocab /dev/zero text", "lmctl train --config /dev/zero", "lmctl plot /dev/zero",
      "lmctl count --merge /dev/zero", "lmctl train --model ngram -o m.json --counts /dev/zero",
      "lmctl tokenize /dev/zero", "ulimit -v 500000; lmctl count --unit byte /dev/zero",
      "printf '{\"event\":\"step\",\"step\":' > l; yes -- '- ' | head -60000 | tr -d '\\n' >> l; lmctl plot l",
    ])
  func endless(line: String) throws {
    let outcome = try Executable.shell("ulimit -v 4000000; \(line)", in: try folder())
    #expect(outcome.status == 1 && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
  }

  @Test("An ARPA file behind a long comment is a model, wherever its name stands")
  func longComment() throws {
    let folder = try folder()
    try run(
      """
      lmctl train --model ngram --quiet text -o m.json; lmctl convert m.json m.arpa
      { for i in $(seq 3000); do echo "# This comment is about nothing at all, again and again: $i"; done; cat m.arpa; } > long.arpa
      gzip -k long.arpa; echo 'This is no model.' > words.arpa
      """, folder)
    for models in ["m.json long.arpa", "long.arpa m.json", "m.json long.arpa.gz"] {
      #expect(try run("lmctl eval --perplexity \(models) text | uniq | wc -l", folder) == "1\n")
      #expect(try run("lmctl eval --perplexity \(models) text | wc -l", folder) == "2\n")
    }
    // What is only called so is a text.
    try run("lmctl eval --perplexity m.json words.arpa", folder)
  }

  @Test("A small file that decompresses to gigabytes is refused in little memory")
  func decompressed() throws {
    let folder = try folder()
    try run(
      """
      { printf '{"format":"'; head -c 3G /dev/zero | tr '\\0' a; } | gzip -1 > string.json.gz
      { printf '{'; head -c 3G /dev/zero | tr '\\0' ' '; } | gzip -1 > space.json.gz
      """, folder)
    for name in ["string", "space"] {
      let outcome = try Executable.shell("ulimit -v 1000000; lmctl inspect \(name).json.gz", in: folder)
      #expect(outcome.status == 1 && outcome.error.contains("damaged"), "\(outcome.error)")
    }
  }

  @Test("Damaged files of every kind end in a result or in one sentence")
  func damagedFiles() throws {
    // Whoever wants more calls the script.
    let outcome = try Executable.shell(
      "\(projectFolder)/scripts/check-hostile --rounds 6 --seconds 30 --lmctl \"$(command -v lmctl)\"",
      in: try folder())
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
  }
}
