import Foundation
import TestSupport
import Testing

@Suite("Damaged files, full disks, terminals, pipes and signals")
struct HarshConditionsTests {
  @Test("No arguments and no file on a terminal are wrong usage, not a wait")
  func terminal() throws {
    let folder = try badInputFolder()
    let nothing = try Executable.run([], in: folder)
    #expect(nothing.status == 2 && nothing.error.contains("usage: lmctl COMMAND"))
    // `script` gives the program a terminal as standard input.
    let outcome = try Executable.shell("script -qec 'lmctl train --model ngram' /dev/null", in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.output.contains("no training text; name a file, or - for standard input"))
    let waiting = try Executable.shell(
      "printf 'the cat\\n\\004' | script -qec 'lmctl eval --perplexity model.json' /dev/null", in: folder)
    #expect(waiting.status == 0)
    #expect(waiting.output.contains("reading text from the terminal; end with Ctrl-D"))
  }

  @Test("A checkpoint cut short at any tenth, or with any byte changed, is refused or unchanged")
  func damagedCheckpoints() throws {
    let folder = try badInputFolder()
    let bytes = try folder.read("model.json")
    let sound = try Executable.run(["eval", "--perplexity", "model.json", "good.txt"], in: folder).output
    func expectRefusal(_ damaged: some Sequence<UInt8>, orResult: Bool) throws {
      try folder.write("damaged.json", damaged)
      let outcome = try Executable.run(["eval", "--perplexity", "damaged.json", "good.txt"], in: folder)
      if orResult, outcome.status == 0 {
        #expect(outcome.output == sound)
      } else {
        #expect(outcome.status == 1)
        #expect(outcome.error.hasPrefix("lmctl: damaged.json: "))
        #expect(outcome.error.split(separator: "\n").count == 1)
      }
    }
    for tenth in 0..<10 { try expectRefusal(bytes[..<(bytes.count * tenth / 10)], orResult: false) }
    for i in stride(from: 0, to: bytes.count, by: bytes.count / 40) {
      var damaged = bytes
      damaged[i] ^= 4
      try expectRefusal(damaged, orResult: true)
    }
  }

  @Test("A checkpoint that fits together wrongly is refused")
  func inconsistentCheckpoints() throws {
    let folder = try badInputFolder()
    for edit in [
      ".format_version = 99", ".tensors[0].shape = [1000000000000]", ".configuration.ngrams[0] += 1",
      ".configuration.smoothing = \"odd\"", ".model = \"odd\"", "del(.tensors[2])", "del(.vocabulary)",
      ".configuration.order = 2", ".vocabulary[2] = .vocabulary[3]", ".tensors[1].data = .tensors[0].data",
    ] {
      let line =
        "jq 'del(.header_crc32) | \(edit)' model.json > edited.json && lmctl eval edited.json good.txt"
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 1, "\(edit)")
      #expect(outcome.error.hasPrefix("lmctl: edited.json: "), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
  }

  @Test("A full disk is named, and the old model stays", .enabled(if: canMount))
  func fullDisk() throws {
    let folder = try badInputFolder()
    try folder.write("large.txt", text: (0..<4000).map { "w\($0) w\($0 / 2) w\($0 / 3)\n" }.joined())
    let outcome = try Executable.shell(
      """
      mkdir small; unshare -rm bash -c 'mount -t tmpfs -o size=32k none small && cp model.json small/ &&
        lmctl train --model ngram --order 5 --min-count 1 large.txt -o small/model.json; echo status $?
        ls -A small; cmp model.json small/model.json && echo same
        lmctl train --model ngram --memory 20M --temp small large.txt -o model.json; echo status $?; ls -A small'
      """, in: folder)
    #expect(outcome.error.contains("lmctl: small/model.json: the disk is full"))
    #expect(
      outcome.error.contains("lmctl: small: cannot hold temporary files: No space left on device; name"))
    #expect(outcome.output == "status 1\nmodel.json\nsame\nstatus 1\nmodel.json\n")
    let toFull = try Executable.shell("lmctl sample model.json --count 10 > /dev/full", in: folder)
    #expect(toFull.status == 1 && toFull.error.contains("standard output: the disk is full"))
  }

  /// Whether this user may mount a disk of its own.
  static let canMount: Bool = {
    guard let folder = try? TemporaryFolder() else { return false }
    let line = "mkdir d && unshare -rm mount -t tmpfs none d"
    return (try? Executable.shell(line, in: folder))?.status == 0
  }()

  @Test("A reader that goes away ends the program quietly")
  func closedPipe() throws {
    let folder = try badInputFolder()
    for line in [
      "lmctl sample model.json --count 1000000 | head -1",
      "lmctl eval model.json --per token good.txt | head -1",
      "yes the cat | lmctl tokenize | head -1", "lmctl help train | head -1",
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 0 && outcome.error == "")
      #expect(outcome.output.split(separator: "\n").count == 1)
    }
  }

  @Test("An interrupt ends with 130 and leaves the folder as it was")
  func interrupt() throws {
    let folder = try badInputFolder()
    let before = folder.contents
    let outcome = try Executable.shell(
      "(echo the cat; sleep 5) | lmctl train --model ngram - -o model.json & sleep 1; pkill -INT -P $$ lmctl; wait $!",
      in: folder)
    #expect(outcome.status == 130)
    #expect(folder.contents == before)
  }
}
