import Foundation
import TestSupport
import Testing

/// Runs that end early and go on, on the command line.
@Suite("Resuming on the command line")
struct ResumeTests {
  private static let small =
    "--hidden 12 --embed 8 --batch 4 --bptt 10 --epochs 3 --threads 1 --checkpoint-every 10steps --valid test.txt"

  /// Starts a training, sends it a signal as soon as it has written a checkpoint, and prints its exit status and last line.
  private static func killed(_ signal: String, _ training: String) -> String {
    """
    lmctl train \(training) > /dev/null 2> errors & p=$!
    until [ -e part.json.partial ] || ! kill -0 $p 2> /dev/null; do sleep 0.005; done
    kill -\(signal) $p; wait $p || echo $?; tail -1 errors
    """
  }

  @Test(
    "A run that is killed goes on to the same bytes",
    arguments: [("KILL", 137), ("INT", 130), ("TERM", 143), ("HUP", 129)])
  func signals(signal: String, status: Int) throws {
    let folder = try proseFolder()
    let options = "--model gru --layers 2 --dropout 0.3 \(Self.small)"
    try run("lmctl train \(options) train.txt -o whole.json --quiet", folder)
    let printed = try run(Self.killed(signal, "\(options) train.txt -o part.json"), folder)
    #expect(printed.hasPrefix("\(status)\n"), "\(printed)")
    #expect(!folder.contents.contains("part.json"))
    // What is there is a model, and says what it is.
    #expect(try run("lmctl inspect part.json.partial | grep '^not finished'", folder).contains("step"))
    try run("lmctl eval part.json.partial test.txt", folder)
    if signal == "KILL" {
      try run("lmctl train --resume part.json --quiet", folder)
    } else {
      // The command that is suggested.
      #expect(printed.contains("interrupted in epoch") && printed.contains("; go on with: "))
      let command = try #require(printed.components(separatedBy: "go on with: ").last)
      try run("\(command)", folder)
    }
    try run("cmp whole.json part.json", folder)
    #expect(!folder.contents.contains("part.json.partial"))
  }

  @Test("A run that goes on holds out the same lines again", arguments: ["every", "random --holdout-seed 3"])
  func holdoutLines(lines: String) throws {
    let folder = try proseFolder()
    let options =
      Self.small.replacingOccurrences(of: "--valid test.txt", with: "--holdout 0.1 --holdout-lines \(lines)")
    try run("lmctl train --model rnn \(options) train.txt -o whole.json --quiet", folder)
    let printed = try run(Self.killed("KILL", "--model rnn \(options) train.txt -o part.json"), folder)
    #expect(printed.hasPrefix("137\n"), "\(printed)")
    let other = try Executable.shell(
      "lmctl train --resume part.json --holdout-lines last --quiet", in: folder)
    #expect(other.status == 2 && other.error.contains("--holdout-lines cannot change when a run goes on"))
    try run("lmctl train --resume part.json --quiet && cmp whole.json part.json", folder)
    let record = "jq -c '.training | [.sentences, .holdout, .holdout_lines, .holdout_seed]' part.json"
    #expect(
      try run(record, folder)
        == (lines == "every" ? "[333,0.1,\"every\",null]\n" : "[333,0.1,\"random\",3]\n"))
  }

  @Test("A run of standard input needs its text again; names with spaces are quoted")
  func standardInput() throws {
    let folder = try proseFolder()
    let options = "--model rnn \(Self.small)"
    try run("lmctl train \(options) - -o whole.json --quiet < train.txt", folder)
    let printed = try run(
      """
      lmctl train \(options) - -o 'a model.json' < train.txt > /dev/null 2> errors & p=$!
      until [ -e 'a model.json.partial' ]; do sleep 0.005; done
      kill -INT $p; wait $p || tail -1 errors
      """, folder)
    #expect(printed.contains(" train --resume 'a model.json' - < TEXT"))
    let silent = try Executable.shell("lmctl train --resume 'a model.json' < /dev/null", in: folder)
    #expect(silent.status == 2 && silent.error.contains("was trained on standard input; give the text again"))
    try run("lmctl train --resume 'a model.json' - < train.txt --quiet", folder)
    try run("cmp whole.json 'a model.json'", folder)
  }

  @Test("What may change when a run goes on, and what may not")
  func changes() throws {
    let folder = try proseFolder()
    let options = "--model lstm \(Self.small) --lr 0.002"
    try run("lmctl train \(options) train.txt -o whole.json --quiet", folder)
    try run(Self.killed("KILL", "\(options) train.txt -o part.json"), folder)
    try folder.write("other.txt", text: "another text\nof two lines\n")
    for (options, status, message) in [
      (
        "--hidden 13", 2,
        "--hidden cannot change when a run goes on (it is 12 in part.json.partial); these may: "
      ),
      ("--lr 0.1", 2, "--lr cannot change"), ("--no-lr", 2, "--lr cannot change"),
      ("--model gru", 2, "--model cannot change"), ("--clip-value 1", 2, "--clip-value cannot change"),
      ("--tie", 2, "--tie cannot change"),
      ("--beta1 0.5", 2, "--beta1 cannot change when a run goes on (it is 0.9 in"),
      ("--epochs 9", 2, "--epochs cannot change in the middle of a schedule"),
      ("--max-steps 9", 2, "--max-steps cannot change in the middle of a schedule"),
      ("other.txt", 1, "other.txt: is not the text that part.json.partial was trained on"),
      ("train.txt train.txt", 1, "train.txt: is not the text that"),
      ("--valid train.txt", 1, "train.txt: is not the held-out text"),
      ("--no-valid", 1, "is not the held-out text"),
      ("--init-from whole.json", 2, "--resume and --init-from exclude each other"),
      ("--new-data", 2, "--new-data needs the new text"),
      ("--new-data other.txt --hidden 13", 2, "--hidden cannot change (it is 12 in part.json.partial)"),
      ("--new-data other.txt --optimizer sgd", 2, "--optimizer cannot change"),
      ("--new-data other.txt --min-count 1", 2, "--min-count does not go with the vocabulary of"),
    ] {
      let outcome = try Executable.shell("lmctl train --resume part.json \(options)", in: folder)
      #expect(outcome.status == Int32(status), "\(options): \(outcome.error)")
      #expect(outcome.error.contains(message), "\(options): \(outcome.error)")
    }
    // The same value again is no change; a text may have moved.
    try run("mv train.txt moved.txt", folder)
    let lost = try Executable.shell("lmctl train --resume part.json", in: folder)
    #expect(lost.status == 1 && lost.error.contains("train.txt: no such file"))
    try run(
      "lmctl train --resume part.json moved.txt --hidden 12 --lr 2e-3 --threads 2 --quiet --checkpoint-every never",
      folder)
    try run("cmp whole.json part.json", folder)
  }

  @Test("What cannot be resumed")
  func mistakes() throws {
    let folder = try proseFolder()
    try run("lmctl train --model rnn \(Self.small) train.txt -o lean.json --quiet", folder)
    try run("lmctl train --model ngram train.txt -o kn.json --quiet", folder)
    for (options, status, message) in [
      ("--resume lean.json", 1, "lean.json: is a finished model without what its training needs to go on"),
      ("--resume missing.json", 1, "missing.json: no such file, nor is there a missing.json.partial"),
      ("--resume kn.json", 1, "kn.json: holds a model of kind 'ngram', which is trained in one go"),
      ("--init-from kn.json train.txt", 1, "kn.json: holds a model of kind 'ngram'"),
      ("--init-from train.txt train.txt", 1, "train.txt: not an lmctl checkpoint"),
      ("--init-from lean.json --hidden 13 train.txt", 2, "--hidden cannot change (it is 12 in lean.json)"),
      ("--init-from lean.json --unit char train.txt", 2, "--unit cannot change (it is word in lean.json)"),
      ("--init-from lean.json --model lstm train.txt", 2, "--model cannot change (it is rnn in lean.json)"),
      (
        "--init-from lean.json --vocab v train.txt", 2, "--vocab does not go with the vocabulary of lean.json"
      ),
      ("--model rnn --new-data train.txt", 2, "--new-data goes with --resume"),
      ("--model rnn --patience 2 train.txt", 2, "--patience needs held-out text"),
      ("--model rnn --target-perplexity 2 train.txt", 2, "--target-perplexity needs held-out text"),
      ("--model rnn --time-limit 10 train.txt", 2, "--time-limit takes a time, such as 90s, 10m or 1h30m"),
      ("--model rnn --time-limit 0s train.txt", 2, "--time-limit takes a time"),
      (
        "--model rnn --checkpoint-every 10 train.txt", 2,
        "--checkpoint-every takes never, auto, or steps, a time or epochs"
      ),
      (
        "--model rnn --checkpoint-every 0steps train.txt", 2, "--checkpoint-every takes never, auto, or steps"
      ),
      ("--model ngram --max-steps 3 train.txt", 2, "--max-steps does not go with --model ngram"),
      (
        "--model rnn --log no/run.jsonl train.txt", 1,
        "no/run.jsonl: cannot be written: its folder does not exist"
      ),
      ("--model rnn --log train.txt train.txt", 1, "train.txt: is read as well"),
    ] {
      let outcome = try Executable.shell("lmctl train \(options) -o m.json", in: folder)
      #expect(outcome.status == Int32(status), "\(options): \(outcome.error)")
      #expect(outcome.error.contains(message), "\(options): \(outcome.error)")
      #expect(!folder.contents.contains("m.json"))
    }
  }

  @Test("A finished run with its optimizer can be extended")
  func extended() throws {
    let folder = try proseFolder()
    let options = "--model lstm \(Self.small) --schedule constant train.txt --quiet"
    try run("lmctl train \(options) -o short.json --keep-optimizer", folder)
    try run("lmctl train \(options) -o again.json --keep-optimizer", folder)
    // All but the model's own name is the same.
    try run(
      "cmp <(sed s/again.json/short.json/ again.json | grep -v header) <(grep -v header short.json)", folder)
    try run("lmctl train --resume short.json --epochs 5 -o long.json --no-keep-optimizer --quiet", folder)
    try run(
      "lmctl train \(options.replacingOccurrences(of: "--epochs 3", with: "--epochs 5")) -o whole.json",
      folder)
    try run("cmp long.json whole.json", folder)
    #expect(try run("jq .training.epochs long.json", folder) == "5\n")
  }

  @Test("New runs from old weights, on the old vocabulary")
  func fineTuning() throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model gru \(Self.small) train.txt --quiet -o old.json --keep-optimizer", folder)
    try run("head -100 train.txt | tr a-z A-Z > new.txt; head -30 new.txt > held.txt", folder)
    let before = try #require(Double(try run("lmctl eval --perplexity old.json held.txt", folder).dropLast()))
    for (i, start) in ["--init-from old.json", "--resume old.json --new-data"].enumerated() {
      try run(
        "lmctl train \(start) new.txt --lr 0.01 --epochs 3 --batch 2 --valid held.txt --quiet -o new\(i).json",
        folder)
      let after = try #require(
        Double(try run("lmctl eval --perplexity new\(i).json held.txt", folder).dropLast()))
      #expect(after < before)
      try run("cmp <(jq -c .vocabulary old.json) <(jq -c .vocabulary new\(i).json)", folder)
      #expect(
        try run("jq -r '.training | .texts[0].name, .previous.texts[0].name' new\(i).json", folder)
          == "new.txt\ntrain.txt\n")
    }
    try run("! cmp -s new0.json new1.json", folder)
    // A run that began with old weights is interrupted and goes on like any other.
    let line = "--init-from old.json train.txt \(Self.small)"
    try run("lmctl train \(line) --quiet -o whole.json", folder)
    try run(Self.killed("INT", "\(line) -o part.json"), folder)
    try run(
      "mv old.json gone.json; lmctl train --resume part.json --quiet && cmp part.json whole.json", folder)
  }

  @Test("A run does not destroy what an interrupted one has left")
  func leftovers() throws {
    let folder = try proseFolder()
    let line = "--model rnn \(Self.small) train.txt -o part.json"
    try run(Self.killed("KILL", line), folder)
    try run("cp part.json.partial kept", folder)
    let outcome = try Executable.shell("lmctl train \(line) --seed 2", in: folder)
    #expect(
      outcome.error.contains("part.json.partial was left by an earlier run; it is now part.json.partial.old"))
    try run("cmp kept part.json.partial.old", folder)
    try run("cp part.json second.json; lmctl train --resume part.json.partial.old --quiet", folder)
    try run("! cmp -s part.json second.json", folder)
  }

  @Test("A second signal ends the program at once, and damages nothing")
  func impatience() throws {
    let folder = try proseFolder()
    let line = "--model rnn \(Self.small) train.txt -o part.json"
    let printed = try run(
      """
      lmctl train \(line) > /dev/null 2> errors & p=$!
      until [ -e part.json.partial ]; do sleep 0.005; done
      kill -INT $p; kill -INT $p; kill -TERM $p; wait $p || echo $?
      """, folder)
    #expect(["130\n", "143\n"].contains(printed))
    try run("lmctl eval part.json.partial test.txt", folder)
    #expect(folder.contents.allSatisfy { !$0.contains(".tmp-") })
  }

  @Test("A full disk is a clear error, and what was saved before is whole")
  func fullDisk() throws {
    let folder = try proseFolder()
    let outcome = try Executable.shell(
      "\(projectFolder)/scripts/check-full-disk \"$(command -v lmctl)\"", in: folder)
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.error)")
  }
}
