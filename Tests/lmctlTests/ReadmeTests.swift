import Foundation
import TestSupport
import Testing

@Suite("README")
struct ReadmeTests {
  /// The command lines of the README's sessions, each with the output that it shows.
  static func sessions() throws -> [(command: String, output: String)] {
    let readme = try String(contentsOfFile: "\(projectFolder)/README.md", encoding: .utf8)
    var commands: [(command: String, output: String)] = []
    var isSession = false
    for line in readme.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isSession = line == "```console"
      } else if isSession, line.hasPrefix("$ ") {
        commands.append((String(line.dropFirst(2)), ""))
      } else if isSession {
        commands[commands.count - 1].output += line + "\n"
      }
    }
    return commands
  }

  /// Output without what differs from run to run: times, and the blank line that separates commands.
  private func essence(_ output: String) -> String {
    output.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("seconds ") }
      .joined(separator: "\n").trimmingCharacters(in: .newlines)
  }

  @Test("Every command prints what the README shows")
  func session() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder("corpora"), withDestinationPath: "\(projectFolder)/corpora")
    let commands = try Self.sessions()
    #expect(commands.count >= 10)
    for (command, shown) in commands {
      let outcome = try Executable.shell(command, in: folder)
      #expect(outcome.status == 0, "\(command): \(outcome.error)")
      #expect(essence(outcome.output) == essence(shown), "\(command)")
    }
  }

  @Test(
    "Every example in the help works as a command line",
    arguments: [
      "train", "eval", "sample", "predict", "fill", "mix", "tokenize", "inspect", "count", "convert",
      "benchmark",
      "plot",
      "completions", "neighbors", "encode", "rescore", "translate", "bleu",
    ])
  func helpExamples(command: String) throws {
    let folder = try TemporaryFolder()
    let prose = "\(projectFolder)/corpora/prose"
    _ = try Executable.shell(
      """
      cp \(prose)/train.txt train.txt; for f in valid test text book; do cp \(prose)/test.txt $f.txt; done
      printf 'The lamp\\n' > prompts.txt; printf 'The lamp was lit .\\tLit was the lamp .\\n' > pairs.tsv
      gzip -k test.txt; cp train.txt part1.txt; cp test.txt part2.txt; cp train.txt news; gzip news
      lmctl train --model ngram --quiet train.txt -o kn5.json; cp kn5.json model.json
      lmctl train --model lstm --hidden 8 --epochs 1 --quiet train.txt -o lstm.json; for k in rnn gru; do cp lstm.json $k.json; done
      lmctl train --task fill --model gru --hidden 8 --epochs 1 --quiet train.txt -o filler.json
      echo 'The ___ was lit .' > gaps.txt
      for f in train dev test source; do printf '猫 が 好き\n犬 が 好き\n' > $f.ja; printf 'i like cats\ni like dogs\n' > $f.en; done
      cp test.en ref.en; cp test.en hyp.en
      lmctl train --task translate --model gru --hidden 8 --epochs 1 --min-count 1 --quiet train.ja train.en -o translator.json
      printf '0 ||| The lamp was lit . ||| TM0= -1 ||| -1\\n0 ||| Lit . ||| TM0= -2 ||| -2\\n' > list.nbest
      (sed 's/^/__label__good /' test.txt; sed 's/^/__label__bad /' train.txt) | grep ' [a-zA-Z]' > reviews.txt
      lmctl train --task classify --model bag --epochs 1 -q reviews.txt -o classifier.json
      printf 'u-1 The lamp\\nu-2 lamp\\n' > hyps.txt; echo 'The lamp was lit .' > refs.txt
      for p in 1 2; do lmctl count --order 5 part$p.txt -o part$p.counts.gz --quiet; done; lmctl convert kn5.json other.arpa; cp other.arpa a.arpa; cp other.arpa b.arpa
      """, in: folder)
    for run in ["run", "lstm", "gru"] { try folder.write("\(run).jsonl", text: SyntheticLog.run()) }
    let help = try Executable.run(["help", command], in: folder).output
    let rest = try #require(help.components(separatedBy: "examples:\n").last)
    let examples = try #require(rest.components(separatedBy: "\n\n").first)
      .replacingOccurrences(of: " \\\n", with: " ").split(separator: "\n")
    #expect(!examples.isEmpty)
    for example in examples {
      // That a command line works is seen after two updates of a network.
      let isTraining = ["--init-from", "--model lstm", "--model gru"].contains {
        example.contains("lmctl train") && example.contains($0)
      }
      let outcome = try Executable.shell(example + (isTraining ? " --max-steps 2" : ""), in: folder)
      #expect(outcome.status == 0, "\(example): \(outcome.error)")
    }
  }
}
