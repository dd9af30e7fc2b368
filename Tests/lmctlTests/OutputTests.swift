import Foundation
import TestSupport
import Testing

/// What outputs replace and what they leave alone, how they are named, and where they can go.
@Suite("Outputs")
struct OutputTests {
  private static let small =
    "--model rnn --hidden 4 --embed 4 --batch 4 --bptt 10 --threads 1 --epochs 1 good.txt"

  /// A folder with one file of every kind.
  private static func folder() throws -> TemporaryFolder {
    let folder = try badInputFolder()
    try folder.write("run.json", text: #"{"model": "ngram", "order": 2}"#)
    try folder.write(
      "picture.svg", text: "<svg xmlns=\"http://www.w3.org/2000/svg\"><circle r=\"4\"/></svg>\n")
    try run(
      """
      lmctl train \(small) -o rnn.json --log log.jsonl --quiet; lmctl convert model.json model.arpa --quiet
      lmctl count good.txt -o counts --quiet; gzip -k counts; gzip -k good.txt; lmctl plot log.jsonl -o curve.svg
      lmctl tokenize --vocab-out vocabulary good.txt > /dev/null
      """, folder)
    return folder
  }

  // MARK: Overwriting

  @Test(
    "An output replaces its own kind, an empty file and nothing else, unless --force is given",
    arguments: [
      ("train --model ngram good.txt -o", "model.json rnn.json model.arpa empty.txt new.json /dev/null"),
      ("train \(small) -o", "model.json rnn.json empty.txt new.json /dev/null"),
      ("convert model.json --to json", "rnn.json model.arpa empty.txt new.json /dev/null"),
      ("count good.txt -o", "counts counts.gz empty.txt new /dev/null"),
      ("count --order 1 --unit char good.txt -o", "counts counts.gz empty.txt new.gz"),
      ("plot log.jsonl -o", "curve.svg empty.txt new.svg /dev/null"),
      ("tokenize good.txt --vocab-out", "vocabulary empty.txt new /dev/null"),
      ("tokenize --unit char good.txt --vocab-out", "vocabulary new"),
    ])
  func replaced(command: String, own: String) throws {
    let folder = try Self.folder()
    let own = own.split(separator: " ").map(String.init)
    let all = [
      "model.json", "rnn.json", "model.arpa", "counts", "counts.gz", "curve.svg", "vocabulary", "log.jsonl",
      "run.json", "picture.svg", "latin1.txt", "plain.json", "other.json", "damaged.txt.gz", "good.txt.gz",
    ]
    let read = Set(command.split(separator: " ").map(String.init))
    for name in all where !own.contains(name) && !read.contains(name) {
      let before = try folder.read(name)
      let outcome = try Executable.shell("lmctl \(command) \(name) > out", in: folder)
      #expect(try folder.read(name) == before, "\(name)")
      #expect(try outcome.error.filter { $0 == "\n" }.count == 1 && folder.read("out") == [])
      // No picture ends in .gz, and no network in .arpa.
      if outcome.status == 2, name.hasSuffix(".gz") || name.hasSuffix(".arpa") { continue }
      #expect(outcome.status == 1 && outcome.error.hasPrefix("lmctl: \(name): "), "\(outcome.error)")
      #expect(outcome.error.contains("--force"))
    }
    for name in own {
      let outcome = try Executable.shell("lmctl \(command) \(name)", in: folder)
      #expect(outcome.status == 0, "\(name): \(outcome.error)")
    }
    let outcome = try Executable.shell("lmctl \(command) other.json --force", in: folder)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try folder.read("other.json") != Array("{\"format\":\"other\"}".utf8))
  }

  @Test("A model of another kind goes with a remark; the checkpoint of an unfinished run stays")
  func models() throws {
    let folder = try Self.folder()
    let remark = "rnn.json holds a model of kind 'rnn', which one of kind 'ngram' will replace\n"
    let line = "lmctl train --model ngram good.txt -o rnn.json"
    #expect(try Executable.shell(line, in: folder).error.contains(remark))
    #expect(try !Executable.shell(line, in: folder).error.contains("will replace"))
    try run(
      """
      lmctl train \(Self.small) --checkpoint-every 1steps --epochs 5000 -o long.json 2> /dev/null & p=$!
      until [ -e long.json.partial ] || ! kill -0 $p; do sleep 0.01; done; kill -INT $p; wait $p || cp long.json.partial r.json
      """.replacingOccurrences(of: "--epochs 1 ", with: ""), folder)
    let outcome = try Executable.shell("lmctl train \(Self.small) -o r.json", in: folder)
    #expect(outcome.status == 1 && outcome.error.contains("is the checkpoint of a run that is not finished"))
    // A file that this user may not read: the super-user may.
    if getuid() != 0 {
      let hidden = try Executable.shell("chmod 000 rnn.json; \(line)", in: folder)
      #expect(hidden.status == 1 && hidden.error.contains("cannot be read to see what it holds"))
    }
  }

  @Test("A log is continued, never cut; other files are refused; plot tells the runs of a log apart")
  func logs() throws {
    let folder = try Self.folder()
    let line = "lmctl train \(Self.small) -o rnn.json --quiet --log"
    let first = try folder.read("log.jsonl")
    try run("\(line) log.jsonl; printf '{\"event\":\"st' >> log.jsonl; \(line) log.jsonl", folder)
    #expect(try folder.read("log.jsonl").starts(with: first))
    #expect(try run("jq -r .event log.jsonl | grep -c start", folder) == "3\n")
    let plot = try run("lmctl plot log.jsonl", folder)
    for i in 1...3 { #expect(plot.contains("log #\(i): training")) }
    try run("lmctl plot log.jsonl -o three.svg && grep -q 'log #3' three.svg", folder)
    for name in ["good.txt", "counts", "model.json", "run.json", "other.json", "new.jsonl.gz", "rnn.json"] {
      let outcome = try Executable.shell("\(line) \(name) --force", in: folder)
      #expect(outcome.status == 1 && outcome.error.hasPrefix("lmctl: \(name): "), "\(outcome.error)")
    }
    for name in ["empty.txt", "new.jsonl", "/dev/null"] { try run("\(line) \(name)", folder) }
  }

  @Test("--log - is standard output, and the table then goes to standard error")
  func logToStandardOutput() throws {
    let folder = try Self.folder()
    for name in ["-", "/dev/stdout"] {
      let line = "lmctl train \(Self.small) --valid good.txt -o rnn.json --quiet --log \(name)"
      let outcome = try Executable.shell("\(line) | jq -r .event | uniq | paste -sd ' '", in: folder)
      #expect(outcome.output == "start step epoch end\n" || outcome.output == "start epoch end\n")
      #expect(outcome.error.contains("perplexity"))
    }
    let both = try Executable.shell("lmctl train \(Self.small) -o - --log -", in: folder)
    #expect(both.status == 2 && both.output == "")
    #expect(both.error.contains("--output and --log cannot both be standard output"))
  }

  @Test("A log on a full disk says what is true, once, and training goes on")
  func fullDisk() throws {
    let folder = try Self.folder()
    try FileManager.default.createDirectory(atPath: folder("small"), withIntermediateDirectories: false)
    var lines = [("/dev/full", "\(Self.small) -o rnn.json --log /dev/full")]
    if HarshConditionsTests.canMount {
      lines.append(("small/l", "\(Self.small) -o rnn.json --log small/l"))
    }
    for (name, options) in lines {
      let outcome = try Executable.shell(
        name == "/dev/full"
          ? "lmctl train \(options)"
          : "unshare -rm bash -c 'mount -t tmpfs -o size=4k none small && lmctl train \(options) --epochs 9'"
            .replacingOccurrences(of: "--epochs 1 ", with: ""), in: folder)
      #expect(outcome.status == 0, "\(outcome.error)")
      let warnings = outcome.error.split(separator: "\n").filter { $0.contains("without its log") }
      #expect(warnings.count == 1)
      #expect(warnings.first?.contains("\(name): the disk is full") == true, "\(outcome.error)")
    }
  }

  // MARK: Two runs at once

  @Test("A second run with the same output is told who holds it, and touches nothing")
  func lock() throws {
    let folder = try Self.folder()
    let long = Self.small.replacingOccurrences(of: "--epochs 1 ", with: "--epochs 100000 ")
    let printed = try run(
      """
      lmctl train \(long) -o new.json > /dev/null 2> errors & p=$!
      sleep 1; ls > before; ln -s new.json link.json
      for output in new.json ./new.json "$PWD/new.json" link.json; do
        lmctl train \(Self.small) -o $output --log other.jsonl 2>&1 || echo status $?
      done
      rm link.json; ls > after; diff before after | grep '^[<>]' || true
      echo $p; kill -INT $p; wait $p || ls
      """, folder)
    let lines = printed.split(separator: "\n").map(String.init)
    let process = try #require(lines.first { Int($0) != nil })
    let refusals = lines.filter { $0.contains(": another run is writing it (process \(process) on ") }
    #expect(refusals.count == 4 && refusals.allSatisfy { $0.contains(" since 20") }, "\(printed)")
    #expect(lines.filter { $0 == "status 1" }.count == 4)
    #expect(lines.filter { $0.hasPrefix("<") || $0.hasPrefix(">") } == ["> after"])
    #expect(
      !folder.contents.contains { $0.hasSuffix(".lock") } && folder.contents.contains("new.json.partial"))
    // A lock dies with its holder.
    try run(
      """
      lmctl train \(long) -o killed.json > /dev/null 2>&1 & p=$!
      sleep 1; kill -KILL $p; wait $p || lmctl train \(Self.small) -o killed.json --quiet
      """, folder)
    #expect(!folder.contents.contains { $0.hasSuffix(".lock") })
  }

  /// Whether this user may have process numbers of its own.
  static let hasProcessNamespaces: Bool = {
    guard let folder = try? TemporaryFolder() else { return false }
    return (try? Executable.shell("unshare -r --pid --fork true", in: folder))?.status == 0
  }()

  @Test(
    "Two PID namespaces in one folder: both models are whole",
    .enabled(if: hasProcessNamespaces, "needs 'unshare --pid', which this system refuses"))
  func processNamespaces() throws {
    let folder = try Self.folder()
    try folder.write("large.txt", text: (0..<9000).map { "w\($0) w\($0 / 2) w\($0 / 3)\n" }.joined())
    let line = "lmctl train --model ngram --min-count 1 --tensors decimal large.txt --quiet -o"
    let alone = "unshare -r --pid --fork"
    let printed = try run(
      """
      \(line) whole.json
      for round in 1 2 3 4; do
        rm -f both.json; \(alone) \(line) both.json & p=$!; \(alone) \(line) both.json & q=$!
        wait $p; echo $?; wait $q; echo $?; cmp whole.json both.json
      done
      """, folder)
    #expect(printed == String(repeating: "0\n", count: 8))
    #expect(!folder.contents.contains { $0.contains(".tmp-") })
    let long = Self.small.replacingOccurrences(of: "--epochs 1 ", with: "--epochs 100000 ")
    let refused = try run(
      """
      \(alone) --kill-child lmctl train \(long) -o new.json > /dev/null 2>&1 & p=$!; sleep 1
      \(alone) lmctl train \(Self.small) -o new.json 2>&1 || echo $?; kill -KILL $p; wait $p || true
      """, folder)
    #expect(refused.contains("another run is writing it (process 1 on ") && refused.hasSuffix("1\n"))
  }

  // MARK: Temporary files

  @Test("A temporary file follows no link, keeps the mode, and fits a name of 250 bytes")
  func temporaryNames() throws {
    let folder = try Self.folder()
    let line = "lmctl train --model ngram good.txt --quiet -o"
    try folder.write("victim", text: "precious")
    try run(
      "bash -c 'ln -s victim model.json.tmp-$$; exec \(line) model.json'; rm model.json.tmp-*", folder)
    #expect(String(decoding: try folder.read("victim"), as: UTF8.self) == "precious")
    for mode in ["600", "666", "640"] {
      try run("umask 027; chmod \(mode) model.json; \(line) model.json", folder)
      #expect(try run("stat -c %a model.json", folder) == "\(mode)\n")
    }
    #expect(try run("umask 027; \(line) new.json; stat -c %a new.json", folder) == "640\n")
    try run("ln -s model.json link.json; \(line) link.json; test -L link.json", folder)
    // Names that differ in their last letter, and one in two-byte letters.
    for name in [
      String(repeating: "x", count: 249) + "a", String(repeating: "x", count: 249) + "b",
      String(repeating: "é", count: 125),
    ] {
      try run("\(line) \(name)", folder)
      try run("lmctl train \(Self.small) --keep-optimizer -o \(name) --quiet", folder)
      try run(
        """
        lmctl train \(Self.small) --epochs 1000 --checkpoint-every 10steps -o \(name) > /dev/null 2>&1 & p=$!
        until ls | grep -q 'partial$' || ! kill -0 $p; do sleep 0.01; done; kill -INT $p; wait $p ||
        lmctl train --resume \(name) --time-limit 1s --quiet
        """.replacingOccurrences(of: "--epochs 1 ", with: ""), folder)
    }
    let left = folder.contents.filter { $0.contains(".tmp-") || $0.contains(".partial") }
    #expect(left.isEmpty, "\(left)")
  }

  @Test("What a dead writer left is removed by the next; a living one's, and others' files, are not")
  func leftovers() throws {
    let folder = try Self.folder()
    let kept = [
      "model.json.tmp-backup", "model.json.tmp-4711", "model.json.tmp-0123456789abcdef0",
      "model.json.tmp-0123456789ABCDEF", "xmodel.json.tmp-0123456789abcdef",
      "model.json.tmp-00000000000000aa",
    ]
    for name in kept + ["model.json.tmp-0123456789abcdef"] { try folder.write(name, text: "x") }
    try run(
      """
      ln -s good.txt model.json.tmp-00000000000000bb
      flock model.json.tmp-00000000000000aa lmctl train --model ngram good.txt -o model.json --quiet
      """, folder)
    #expect(
      folder.contents.filter { $0.contains(".tmp-") } == (kept + ["model.json.tmp-00000000000000bb"]).sorted()
    )
    // A writer that is killed while it writes.
    try run("rm *.tmp-*", folder)
    let long = Self.small.replacingOccurrences(of: "--epochs 1 ", with: "--epochs 100000 ")
    try run(
      """
      for try in $(seq 40); do
        lmctl train \(long) --checkpoint-every 1steps -o killed.json > /dev/null 2>&1 & p=$!
        until [ -e killed.json.partial ]; do sleep 0.01; done; sleep 0.$((RANDOM % 90 + 10))
        kill -KILL $p; wait $p || true; ls | grep -q 'tmp-' && break; rm killed.json.partial
      done; ls | grep 'tmp-'
      """, folder)
    try run("lmctl train \(Self.small) -o killed.json --quiet", folder)
    let left = folder.contents.filter { $0.contains(".tmp-") }
    #expect(left.isEmpty, "\(left)")
  }

  // MARK: Pipes and devices

  @Test("A model goes into a pipe, whatever its name; what cannot be written says why")
  func pipes() throws {
    let folder = try Self.folder()
    let line = "lmctl train --model ngram good.txt --quiet -o"
    try run("\(line) /dev/stdout | cmp - model.json", folder)
    try run("\(line) /proc/self/fd/1 | cmp - model.json", folder)
    try run("\(line) /dev/fd/3 3>&1 | cmp - model.json", folder)
    try run("ln -s /dev/stdout out; \(line) out | cmp - model.json", folder)
    try run("\(line) /dev/stdout > file; cmp file model.json", folder)
    try run(
      "\(line) >(gzip > x.gz; touch done); until [ -e done ]; do sleep 0.01; done; zcat x.gz | cmp - model.json",
      folder)
    try run("mkfifo pipe; cat pipe > copy & \(line) pipe; wait; cmp copy model.json; test -p pipe", folder)
    try run("lmctl convert model.json /dev/stdout --to arpa | cmp - model.arpa", folder)
    try run("lmctl count good.txt -o /dev/stdout | cmp - counts", folder)
    try run(
      "lmctl train \(Self.small) -o /dev/stdout --valid good.txt --quiet 2> table | jq .model; grep -q perplexity table",
      folder)
    // Of this smoothing, a small text needs no warning.
    let smoothing = "--smoothing witten-bell"
    #expect(try Executable.shell("\(line) /dev/stdout \(smoothing) | true", in: folder).error == "")
    for (name, reason) in [
      ("/proc/x", "cannot be written: its folder takes no new files"),
      ("/dev/full", "the disk is full"), ("/dev/fd/77", "cannot be written: it is not open for that"),
      ("no/x.json", "cannot be written: its folder does not exist"),
    ] {
      let outcome = try Executable.shell("\(line) \(name) \(smoothing)", in: folder)
      #expect(outcome.status == 1 && outcome.error.hasPrefix("lmctl: \(name): \(reason)"), "\(outcome.error)")
    }
  }

  @Test("Closed and non-blocking descriptors")
  func descriptors() throws {
    let folder = try Self.folder()
    try run(
      """
      set -e
      lmctl train --model ngram good.txt -o new.json 2>&-; cmp new.json model.json
      lmctl train \(Self.small) -o new.json --log new.jsonl 2>&- >&- <&-; jq .event new.jsonl > /dev/null
      lmctl eval --perplexity model.json good.txt <&- > p; lmctl eval --perplexity model.json good.txt | cmp - p
      """, folder)
    for line in [
      "lmctl eval --perplexity model.json good.txt >&-", "lmctl train --model ngram good.txt -o - >&-",
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 1 && outcome.error.contains("lmctl: standard output: "), "\(outcome.error)")
    }
    try folder.write(
      "slow.py",
      text: """
        import os, subprocess, sys, threading, time
        which, command = sys.argv[1], sys.argv[2:]
        r, w = os.pipe()
        if which == "stdin":
            os.set_blocking(r, False)
            p = subprocess.Popen(command, stdin=r, stdout=subprocess.PIPE)
            os.close(r)
            for i in range(4):
                time.sleep(0.2)
                os.write(w, b"the cat sat on the mat\\n" * 1000)
            os.close(w)
            sys.stdout.buffer.write(p.stdout.read())
        else:
            os.set_blocking(w, False)
            p = subprocess.Popen(command, **{which: w}, pass_fds=[w])
            os.close(w)
            time.sleep(0.5)
            while part := os.read(r, 1 << 16):
                sys.stdout.buffer.write(part)
        sys.exit(p.wait())
        """)
    try folder.write(
      "large.txt", text: (0..<3000).map { "word\($0) the cat sat on word\($0 / 2)\n" }.joined())
    try run(
      """
      set -e
      python3 slow.py stdout lmctl tokenize large.txt > a; lmctl tokenize large.txt | cmp - a
      python3 slow.py stdout lmctl count large.txt > a; lmctl count large.txt | cmp - a
      python3 slow.py stdout lmctl train --model ngram large.txt --quiet -o - > a
      lmctl train --model ngram large.txt --quiet -o - | cmp - a
      python3 slow.py stdin lmctl tokenize - > a; test $(wc -l < a) = 4000
      """, folder)
  }

  // MARK: Names

  @Test("Names that are not UTF-8 are found and written as they are, and shown with \\x")
  func names() throws {
    let folder = try Self.folder()
    try run(
      #"""
      set -e
      t=$(printf 'na\357ve.txt') m=$(printf 'm\377.json') d=$(printf 'd\351') l=$(printf 'l\200.jsonl')
      mkdir "$d"; cp good.txt "$t"; cp good.txt "$d/$t"
      lmctl train --model ngram "$t" --quiet -o "$m"; cmp <(jq -c .tensors "$m") <(jq -c .tensors model.json)
      lmctl eval --perplexity "$m" "$d/$t" > p; lmctl eval --perplexity model.json good.txt | cmp - p
      lmctl eval "$m" "$t" | grep -F 'm\xFF.json' | grep -q model; lmctl eval "$m" "$t" | grep -qF 'na\xEFve.txt'
      lmctl eval --json "$m" "$t" | jq . > /dev/null
      lmctl convert "$m" "$d/$m.gz" --to json; zcat "$d/$m.gz" | cmp - "$m"
      lmctl count --memory 20M --temp "$d" "--output=$d/c" "$t"; cmp counts "$d/c"
      ln -s "$m" link.json; lmctl train --model ngram "$t" --quiet -o link.json; test -L link.json
      lmctl train \#(Self.small) --keep-optimizer --log "$l" --quiet -o "$d/$m"; test -s "$l"
      lmctl plot "$l" | grep -qF 'l\x80'; lmctl plot "$l" -o "$d/$l.svg"; test -s "$d/$l.svg"
      LMCTL_OUTPUT="$d/env$m" lmctl train --model ngram good.txt --quiet; test -s "$d/env$m"
      """#, folder)
    let missing = try Executable.shell(
      #"lmctl eval model.json "$(printf 'q\351\303\251.txt')"; ls -A | LC_ALL=C grep -c $'\xff'"#, in: folder)
    #expect(missing.error == "lmctl: q\\xE9é.txt: no such file\n" && missing.output == "1\n")
    // An interrupted run says how to go on, in a way that a shell understands, and finds its texts again.
    let printed = try run(
      #"""
      t=$(printf 'na\357ve.txt') o=$(printf "o'\377.json")
      lmctl train \#(Self.small.replacingOccurrences(of: "--epochs 1 good.txt", with: "--epochs 300000 \"$t\"")) -o "$o" 2> errors & p=$!
      sleep 1; kill -INT $p; wait $p || tail -1 errors
      """#, folder)
    let command = try #require(printed.components(separatedBy: "go on with: ").last)
    #expect(command.contains(#"--resume $'o\'\xFF.json'"#), "\(printed)")
    try run("\(command.dropLast()) --time-limit 1s --quiet", folder)
  }
}
