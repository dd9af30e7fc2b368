import Foundation
import TestSupport
import Testing

/// Budgets, logs and divergence on the command line.
@Suite("Runs")
struct RunTests {
  private static let train =
    "lmctl train --hidden 12 --embed 8 --batch 4 --bptt 10 --threads 1 train.txt --valid test.txt -o m.json"

  @Test("The log holds every option, and a record of every interval and epoch")
  func log() throws {
    let folder = try proseFolder()
    try run("\(Self.train) --model lstm --epochs 2 --log run.jsonl --quiet", folder)
    #expect(
      try run("jq -r .event run.jsonl | uniq | head -6 | paste -sd ' '", folder)
        == "start step epoch step epoch end\n")
    #expect(
      try run("jq -c 'select(.event == \"start\") | keys_unsorted[1:9]' run.jsonl", folder)
        == #"["time","version","model","kernels","threads","seed","parameters","options"]"# + "\n")
    // What is printed by --print-config is what the log says.
    try run(
      "\(Self.train) --model lstm --epochs 2 --log run2.jsonl --quiet --print-config | jq -S . > c", folder)
    try run("head -1 run.jsonl | jq -S '.options | .log = \"run2.jsonl\"' | diff - c", folder)
    #expect(
      try run("head -1 run.jsonl | jq -r '.texts[0].sha256'; sha256sum < train.txt | cut -d' ' -f1", folder)
        .split(separator: "\n").reduce(into: Set()) { $0.insert($1) }.count == 1)
    #expect(
      try run("jq -c 'select(.event == \"step\") | keys_unsorted' run.jsonl | sort -u", folder)
        == #"["event","epoch","step","tokens","loss","perplexity","rate","gradient_norm","tokens_per_second","elapsed"]"#
        + "\n")
    #expect(
      try run("jq -c 'select(.event == \"epoch\") | keys_unsorted' run.jsonl | sort -u", folder)
        == #"["event","epoch","step","tokens","loss","perplexity","held_out_loss","held_out_perplexity","best","rate","gradient_norm","tokens_per_second","elapsed"]"#
        + "\n")
    // The intervals' mean losses, weighed by their tokens, are the epoch's; its last interval may be cut short.
    let means = try run(
      """
      jq -s '[.[] | select(.event == "step" and .epoch == 1)] as $s | [range(1; $s | length) | ($s[.].tokens - $s[. - 1].tokens) * $s[.].loss]
        | (add + $s[0].tokens * $s[0].loss) / $s[-1].tokens' run.jsonl
      jq 'select(.event == "epoch" and .epoch == 1) | .loss' run.jsonl
      """, folder
    ).split(separator: "\n").compactMap { Double($0) }
    #expect(abs(means[0] - means[1]) < 0.05)
    let perplexity = try run("lmctl eval --perplexity m.json test.txt", folder)
    let best = try run(
      "jq 'select(.event == \"epoch\") | .held_out_perplexity' run.jsonl | sort -n | head -1", folder)
    #expect(abs(try #require(Double(perplexity.dropLast())) - #require(Double(best.dropLast()))) < 1e-4)
    #expect(try run("jq -r 'select(.event == \"end\") | .reason' run.jsonl", folder) == "epochs\n")
  }

  @Test("A resumed run goes on with its log, whose last line may be cut short")
  func resumedLog() throws {
    let folder = try proseFolder()
    try run(
      """
      \(Self.train) --model rnn --epochs 3 --checkpoint-every 10steps --log run.jsonl > /dev/null 2>&1 & p=$!
      until [ -e m.json.partial ]; do sleep 0.005; done
      kill -KILL $p; wait $p || printf '{"event":"st' >> run.jsonl
      lmctl train --resume m.json --quiet
      """, folder)
    let events = try run("jq -r .event run.jsonl | uniq | paste -sd ' '", folder)
    #expect(
      events.hasPrefix("start step ") && events.contains(" resume ") && events.hasSuffix(" epoch end\n"))
  }

  @Test("Budgets end a run, and say so")
  func budgets() throws {
    let folder = try proseFolder()
    for (options, reason, message) in [
      ("--max-steps 25", "max-steps", "training ends after step 25: --max-steps is reached"),
      ("--target-perplexity 300 --epochs 50", "target-perplexity", "--target-perplexity is reached"),
      (
        "--patience 1 --lr 0.2 --schedule constant --epochs 100", "patience",
        "no better held-out loss in 1 epoch"
      ),
    ] {
      let outcome = try Executable.shell("\(Self.train) --model gru \(options) --log l", in: folder)
      #expect(outcome.status == 0 && outcome.error.contains(message), "\(outcome.error)")
      #expect(try run("tail -1 l | jq -r .reason", folder) == "\(reason)\n")
    }
    let start = Date()
    let outcome = try Executable.shell("\(Self.train) --model gru --time-limit 3s --log l", in: folder)
    let seconds = Date().timeIntervalSince(start)
    #expect(outcome.error.contains("--time-limit is reached") && outcome.error.contains("for 3 s"))
    #expect(seconds > 2 && seconds < 10, "\(seconds)")
    let rates = try run("jq 'select(.event == \"step\") | .rate' l", folder).split(separator: "\n").compactMap
    {
      Double($0)
    }
    #expect(try #require(rates.last) < 0.0005 && rates[0] > 0.0025)
    #expect(try run("tail -1 l | jq -r .reason", folder) == "time-limit\n")
  }

  @Test("A limit of time that leaves none to train, and a warm-up as long as the run, are told of")
  func noTime() throws {
    let folder = try proseFolder()
    let outcome = try Executable.shell("\(Self.train) --model gru --time-limit 0.1s --log l", in: folder)
    #expect(outcome.status == 1 && outcome.error.contains("--time-limit leaves no time to train"))
    #expect(!FileManager.default.fileExists(atPath: folder("m.json")))
    let slow = try Executable.shell(
      "\(Self.train) --model gru --max-steps 4 --warm-up 4 --log run", in: folder)
    #expect(slow.error.contains("--warm-up 4 is as long as the whole run, of 4 steps"), "\(slow.error)")
    try run(
      "lmctl train --model gru --hidden 8 --max-steps 3 --threads 1 --quiet train.txt -o n.json --log n",
      folder)
    #expect(try run("tail -1 n | jq -c '[.event, .best_held_out_loss]'", folder) == "[\"end\",null]\n")
  }

  @Test("A rate that is much too high: training goes back, says so, and stops with advice; no NaN is stored")
  func divergence() throws {
    let folder = try proseFolder()
    try run("\(Self.train) --model lstm --epochs 1 --quiet > /dev/null; cp m.json old.json", folder)
    let line = "\(Self.train) --model lstm --optimizer sgd --schedule constant --clip 0 --lr 1e38 --log l"
    let outcome = try Executable.shell(line, in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.error.contains("warning: training diverged at step"))
    #expect(outcome.error.contains("it goes on with the weights of step 0 and half the rate"))
    #expect(
      outcome.error.contains("after 3 returns to good weights: ")
        && outcome.error.contains("try a lower --lr"))
    // No weights but those of step 0 are left, and they are not offered as a model.
    #expect(outcome.error.contains("and clip gradients (--clip 1)") && !outcome.error.contains("--init-from"))
    #expect(!folder.contents.contains("m.json.partial"))
    try run("cmp m.json old.json", folder)
    #expect(try run("jq -r .event l | sort | uniq -c | grep -c '3 divergence'", folder) == "1\n")
    #expect(try run("tail -1 l | jq -r .reason", folder) == "diverged\n")
  }

  @Test("On a terminal a line moves; elsewhere nothing but lines; --quiet is silent")
  func progress() throws {
    let folder = try proseFolder()
    let line = "\(Self.train) --model lstm --time-limit 3s"
    let watched = try run(
      "script -qec 'stty cols 60; \(line)' /dev/null > seen; tr '\\r' '\\n' < seen", folder)
    let shown = watched.split(separator: "\n").filter { $0.contains("  step ") }
    #expect(!shown.isEmpty && shown.allSatisfy { $0.count < 60 + 4 })
    #expect(shown.allSatisfy { $0.contains("loss ") && $0.contains("perplexity ") })
    #expect(try !Executable.shell(line, in: folder).error.contains("\u{1B}"))
    #expect(try Executable.shell("\(line) --quiet", in: folder).error == "")
  }
}
