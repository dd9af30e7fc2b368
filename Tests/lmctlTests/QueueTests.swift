import Foundation
import TestSupport
import Testing

/// Runs under job managers: signals in pairs, one line for all, and what is said at the end.
@Suite("Queues")
struct QueueTests {
  private static let train =
    "lmctl train --model gru --hidden 24 --epochs 12 --threads 1 train.txt --valid test.txt"

  @Test(
    "Two signals at nearly the same time are one request: the run is saved, and goes on to the same bytes")
  func pairsOfSignals() throws {
    let folder = try proseFolder()
    try run("\(Self.train) --quiet -o whole.json", folder)
    for (first, second, pause) in [("INT", "INT", 0.0001), ("TERM", "TERM", 0.001), ("INT", "TERM", 0.0005)] {
      let outcome = try Executable.shell(
        """
        rm -f m.json*; \(Self.train) --auto-resume -o m.json --checkpoint-every 5steps > /dev/null 2> error & p=$!
        until [ -e m.json.partial ]; do sleep 0.002; done
        kill -\(first) $p; sleep \(pause); kill -\(second) $p; wait $p
        """, in: folder)
      #expect([130, 143].contains(outcome.status), "\(outcome.status)")
      #expect(folder.contents.contains("m.json.partial") && !folder.contents.contains("m.json"))
      let missing = try Executable.shell("lmctl eval m.json test.txt", in: folder)
      #expect(missing.status == 1 && missing.error.contains("m.json.partial is the model so far"))
      try run("\(Self.train) --auto-resume --quiet -o m.json; cmp m.json whole.json", folder)
    }
  }

  @Test("The same line starts a run, and says when it is complete", arguments: ["ngram", "nnlm"])
  func sameLine(kind: String) throws {
    let folder = try proseFolder()
    let line = "lmctl train --model \(kind) --auto-resume train.txt -o m.json"
    try run("\(line) --quiet; cp m.json first.json", folder)
    let again = try Executable.shell(line, in: folder)
    #expect(again.status == 0 && again.error.contains("m.json is complete"))
    try run("cmp m.json first.json", folder)
    let other = try Executable.shell("lmctl train --model lstm --auto-resume train.txt -o m.json", in: folder)
    #expect(other.status == 1 && other.error.contains("is a finished model of kind '\(kind)', not 'lstm'"))
    // Another option, or another text, makes another model: what is there is not taken for it.
    let option = try Executable.shell("\(line) --order 4", in: folder)
    #expect(option.status == 1 && option.error.contains("trained with another --order"))
    try run("\(line) --order $(jq '.configuration | .requested_order // .order' m.json)", folder)
    try run("cmp m.json first.json; echo more >> train.txt", folder)
    let text = try Executable.shell(line, in: folder)
    #expect(text.status == 1 && text.error.contains("another text than train.txt is now"), "\(text.error)")
    try run("cmp m.json first.json; \(line) --force --quiet; ! cmp -s m.json first.json; \(line)", folder)
  }

  @Test("Whoever makes a model waits for a run that writes it")
  func writersOfOneOutput() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram train.txt --quiet -o kn.json; cp kn.json w.json", folder)
    let outcome = try Executable.shell(
      """
      lmctl train --model gru --epochs 500 --threads 1 train.txt --quiet -o w.json > /dev/null & p=$!
      until [ -e w.json.partial.lock ]; do kill -0 $p || exit 1; sleep 0.01; done
      for line in 'train --model ngram train.txt' 'convert kn.json w.json' 'mix kn.json kn.json --weights 1,1'; do
        case $line in convert*) o= ;; *) o='-o w.json' ;; esac
        lmctl $line $o 2>&1 > /dev/null | grep -c 'another run is writing it'
      done
      kill -9 $p; wait $p; cmp kn.json w.json && lmctl convert kn.json w.json --quiet && ls
      """, in: folder)
    #expect(outcome.output.hasPrefix("1\n1\n1\n"), "\(outcome.output) \(outcome.error)")
    #expect(outcome.status == 0)
  }

  @Test("A run whose processor time ends is saved before", .timeLimit(.minutes(5)))
  func processorTime() throws {
    let folder = try proseFolder()
    let outcome = try Executable.shell(
      "ulimit -t 3; exec lmctl train --model gru --hidden 64 --epochs 100000 train.txt -o m.json", in: folder)
    #expect(outcome.status == 152, "\(outcome.error)")
    #expect(folder.contents.contains("m.json.partial"))
  }

  @Test("The best epoch is named, with what stopping there would have saved, and kept in the model")
  func bestEpoch() throws {
    let folder = try proseFolder()
    let line =
      "lmctl train --model gru --hidden 24 --lr 0.1 --dropout 0 --schedule constant --epochs 12 train.txt --valid test.txt -o m.json"
    let outcome = try Executable.shell(line, in: folder)
    let best = try run("jq .training.best_epoch m.json", folder).trimmingCharacters(in: .newlines)
    #expect(outcome.error.contains("the model is that of epoch \(best): held out loss "))
    #expect(outcome.error.contains("; stopping there would have saved \(12 - (Int(best) ?? 0)) epochs and "))
    // A run that ends within an epoch is measured there, too.
    try run("\(line) --max-steps 53 --log log.jsonl --quiet", folder)
    try run(
      """
      jq -s '.[0].steps_per_epoch as $n | [.[] | select(.event == "epoch")] | last.step % $n != 0' log.jsonl | grep -x true &&
      jq -s '[.[] | select(.event == "epoch" and .best)] | last.epoch' log.jsonl > logged &&
      jq .training.best_epoch m.json | cmp - logged
      """, folder)
    let parameters = try run("jq '[.tensors[].shape | reduce .[] as $n (1; . * $n)] | add' m.json", folder)
    #expect(try run("jq .training.parameters m.json", folder) == parameters)
    #expect(
      try run("lmctl inspect m.json | grep -c 'best epoch\\|held out loss\\|parameters'", folder) == "3\n")
  }
}
