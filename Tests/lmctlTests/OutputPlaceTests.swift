import Foundation
import TestSupport
import Testing

/// Places where nothing can be written, and descriptors that are closed.
@Suite("Places of outputs")
struct OutputPlaceTests {
  private static let small =
    "train --model rnn --hidden 4 --embed 4 --batch 4 --bptt 10 --threads 1 --epochs 1 --quiet good.txt"
  /// Command lines that end with the name of an output.
  private static let commands = [
    "train --model ngram --quiet good.txt -o", "\(small) -o", "\(small) -o rnn.json --log",
    "count --quiet good.txt -o",
    "convert --quiet --to json model.json", "tokenize good.txt --vocab-out", "plot log.jsonl -o",
  ]

  private func folder() throws -> TemporaryFolder {
    let folder = try badInputFolder()
    try folder.write("log.jsonl", text: SyntheticLog.run())
    try run("ln -s loop2 loop1; ln -s loop1 loop2; ln -s no/where away", folder)
    return folder
  }

  @Test("Where nothing can be written, one sentence says why, and nothing is left", arguments: commands)
  func refused(command: String) throws {
    let folder = try folder()
    let before = folder.contents
    for (name, reason) in [
      ("dir", "is a directory"), ("dir/", "is a directory"),
      ("loop1", "is a symbolic link that leads back to itself"),
      ("away", "its folder does not exist"), ("no/x", "its folder does not exist"),
      ("good.txt/x", "is no folder"),
      ("''", "an empty name names no file"), (String(repeating: "x", count: 300), "name is too long"),
      ("/proc/x", "its folder takes no new files"),
    ] {
      let outcome = try Executable.shell("lmctl \(command) \(name) > /dev/null", in: folder)
      #expect(
        outcome.status == 1 && outcome.error.contains(reason), "\(name): \(outcome.status) \(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
    #expect(folder.contents == before)
    guard HarshConditionsTests.canMount else { return }
    let outcome = try Executable.shell(
      "unshare -rm bash -c 'mount -t tmpfs -o ro none dir && lmctl \(command) dir/x > /dev/null'", in: folder)
    #expect(
      outcome.status == 1 && outcome.error.contains("dir/x: is on a disk that can only be read"),
      "\(outcome.error)")
  }

  @Test("A link to a file that does not exist stays, and the file is made", arguments: commands)
  func danglingLink(command: String) throws {
    let folder = try folder()
    try run("ln -s dir/new link; lmctl \(command) link > /dev/null; test -L link && test -s dir/new", folder)
  }

  @Test("The largest size that a file may have is told, and nothing is left")
  func largestSize() throws {
    let folder = try folder()
    try folder.write("large.txt", text: (0..<3000).map { "w\($0) the cat sat on w\($0 / 2)\n" }.joined())
    let before = folder.contents
    for line in [
      "train --model ngram --quiet large.txt -o", "train --model ngram --memory 20M --quiet large.txt -o",
      "count --quiet large.txt -o", "tokenize large.txt >",
      "train --model rnn --hidden 4 --epochs 1 --quiet large.txt -o",
    ] {
      let outcome = try Executable.shell(
        "ulimit -f 4; lmctl \(line) new; s=$?; rm -f new; exit $s", in: folder)
      #expect(outcome.status == 1, "\(line): \(outcome.status)")
      #expect(
        outcome.error.contains("has reached the size that a file may have; raise the limit"),
        "\(outcome.error)")
      // Warnings about the text aside.
      let sentences = outcome.error.split(separator: "\n").filter { !$0.hasPrefix("lmctl: warning: ") }
      #expect(sentences.count == 1, "\(outcome.error)")
      #expect(folder.contents == before, "\(line)")
    }
    // A log is not worth a run.
    let logged = try Executable.shell(
      "ulimit -f 4; lmctl \(Self.small.replacingOccurrences(of: "--quiet ", with: "")) --epochs 900 --log l -o /dev/null"
        .replacingOccurrences(of: "--epochs 1 ", with: ""), in: folder)
    #expect(logged.status == 0 && logged.error.contains("without its log"), "\(logged.error)")
  }

  @Test("At the end of its processor time a run is saved, and goes on")
  func processorTime() throws {
    let folder = try folder()
    let line = Self.small.replacingOccurrences(of: "--epochs 1 ", with: "--epochs 100000 ")
    let outcome = try Executable.shell("ulimit -St 1; lmctl \(line) -o new.json", in: folder)
    #expect(
      outcome.status == 152 && outcome.error.contains("go on with: "), "\(outcome.status) \(outcome.error)")
    try run("lmctl eval --perplexity new.json.partial good.txt", folder)
    try run("lmctl train --resume new.json --time-limit 1s --quiet", folder)
  }

  @Test("Standard descriptors closed in every combination")
  func closedDescriptors() throws {
    let folder = try folder()
    let perplexity = try run("lmctl eval --perplexity model.json good.txt", folder)
    for closed in 0..<8 {
      let marks = ["0<&-", "1>&-", "2>&-"].enumerated().filter { closed >> $0.offset & 1 == 1 }.map(\.element)
        .joined(separator: " ")
      // No file that is opened takes the place of a closed descriptor, and gets what is meant for it.
      let trained = try Executable.shell(
        "lmctl train --model ngram good.txt -o new.json \(marks)", in: folder)
      #expect(trained.status == 0, "\(marks): \(trained.error)")
      try run("cmp new.json model.json", folder)
      try run(
        "rm -f rnn.json l; lmctl \(Self.small) -o rnn.json --log l \(marks); jq .event l rnn.json > /dev/null",
        folder)
      let scored = try Executable.shell("lmctl eval --perplexity model.json good.txt \(marks)", in: folder)
      if closed & 2 == 0 {
        #expect(scored.status == 0 && scored.output == perplexity, "\(marks)")
      } else {
        #expect(scored.status == 1)
        #expect(scored.error == (closed & 4 == 0 ? "lmctl: standard output: is not open for that\n" : ""))
      }
      if closed & 1 == 1 {
        let read = try Executable.shell("lmctl eval --perplexity model.json - \(marks)", in: folder)
        #expect(read.status == 1, "\(marks)")
      }
    }
  }
}
