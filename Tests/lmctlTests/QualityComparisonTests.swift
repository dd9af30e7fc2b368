import Foundation
import TestSupport
import Testing

/// `scripts/compare-quality`, with a script in place of PyTorch that says what a training came to.
@Suite("Comparison of quality")
struct QualityComparisonTests {
  /// Where the text is 110 tokens of a vocabulary of 9, and the held-out text 33.
  private func folder(tokens: Int = 110) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, count) in [("train", 10), ("valid", 3), ("test", 2)] {
      let text = String(repeating: "the cat sat on the mat\nthe dog ran\n", count: count)
      try folder.write("\(name).txt", text: text)
    }
    let points = [(1, 10, 50.0), (2, 20, 8.9), (3, 30, 9.5)].map { epoch, seconds, perplexity in
      #"{"event": "epoch", "epoch": \#(epoch), "step": \#(epoch), "tokens": \#(100 * epoch), "tokens_per_second": 1, "elapsed": \#(seconds), "#
        + #""loss": 2, "held_out_loss": 2, "held_out_perplexity": \#(perplexity)}"#
    }
    let start =
      #"{"event": "start", "torch": "0", "kernels": "none", "threads": 1, "parameters": 7, "vocabulary": 9, "unknown": 0, "tokens": \#(tokens)}"#
    func measure(_ tokens: Int) -> String {
      #"{"tokens": \#(tokens), "unknown": 0, "cross_entropy_nats": 2.186, "perplexity": 8.9}"#
    }
    try folder.write(
      "python",
      text: """
        #!/bin/bash
        if [[ $1 == -c ]]; then echo 0; exit; fi
        printf '%s\\n' "$*" >>calls
        while [[ $1 != --log ]]; do shift; done
        cat >"$2" <<'END'
        \(([start] + points).joined(separator: "\n"))
        END
        echo '{"held_out": \(measure(33)), "test": \(measure(22))}'
        """)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder("python"))
    return folder
  }

  private func compare(_ options: String, _ folder: TemporaryFolder) throws -> Outcome {
    try Executable.shell(
      "\(projectFolder)/scripts/compare-quality train.txt valid.txt test.txt --python ./python "
        + "--program \"$(command -v lmctl)\" --hidden 8 --batch 2 --bptt 5 --lr 0.02 --dropout 0 --threads 1 \(options)",
      in: folder)
  }

  private func json(_ folder: TemporaryFolder) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder("q.json")))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test("It says when each program reached the other's perplexity, at measured points only")
  func reached() throws {
    let folder = try folder()
    let outcome = try compare(
      "--epochs 12 --lmctl '--batch 1 --schedule constant' --runs 2 -o q.json", folder)
    #expect(outcome.status == 0, "\(outcome.error)")
    let result = try json(folder)
    let rows = try #require(result["rows"] as? [[String: Any]])
    let names = ["PyTorch", "lmctl, same network", "lmctl --batch 1 --schedule constant"]
    #expect(rows.map { $0["name"] as? String } == names)
    for (index, row) in rows.enumerated() {
      let runs = try #require(row["runs"] as? [[String: Any]])
      #expect(runs.count == 2)
      let points = try #require(runs.first?["points"] as? [[String: Double]])
      let seconds = try points.map { try #require($0["seconds"]) }
      #expect(seconds.count == (index == 0 ? 3 : 12) && seconds == seconds.sorted() && seconds[0] > 0)
      #expect(outcome.output.contains("| \(names[index]) | "))
    }
    let entries = try #require(result["reached"] as? [[String: Any]])
    #expect(entries.count == 4)
    for entry in entries {
      let (row, other) = (entry["row"] as? String, entry["other"] as? String)
      let round = try #require((entry["rounds"] as? [[String: Any]])?.first)
      let index = try #require(names.firstIndex { $0 == row })
      let runs = try #require(rows[index]["runs"] as? [[String: Any]])
      let points = try #require(runs.first?["points"] as? [[String: Double]])
      if other == "PyTorch" {
        // Its best measurement, not its last.
        #expect(round["perplexity"] as? Double == 8.9 && round["other_seconds"] as? Double == 20)
        let first = try #require(points.first { ($0["held_out_perplexity"] ?? .infinity) <= 8.9 }?["seconds"])
        #expect(round["seconds"] as? Double == first)
        #expect(abs((round["ratio"] as? Double ?? 0) - first / 20) < 1e-12)
      } else {
        #expect((round["perplexity"] as? Double ?? 99) < 8 && round["seconds"] is NSNull)
      }
    }
    #expect(outcome.output.contains("| PyTorch | lmctl, same network | "))
    #expect(outcome.output.contains(" not reached | "))
    let picture = try String(contentsOfFile: folder("q.svg"), encoding: .utf8)
    for text in ["time (seconds)", "PyTorch", "same network", "--schedule constant"] {
      #expect(picture.contains(text), "\(text)")
    }
  }

  @Test("Both get the same network, and the options of a row replace only the same ones")
  func options() throws {
    let folder = try folder()
    let options = "--epochs 2 --cutoffs 2,4 --max-steps 3 --seeds 2 --lmctl '--clip 5 --epochs 1' -o q.json"
    let outcome = try compare(options, folder)
    #expect(outcome.status == 0, "\(outcome.error)")
    let calls = try String(contentsOfFile: folder("calls"), encoding: .utf8).split(separator: "\n")
    // One update of each row before all else, and each row with two seeds.
    #expect(calls.count == 6)
    #expect(calls.filter { "\($0) ".contains("--max-steps 1 ") }.count == 2)
    #expect(calls.filter { $0.contains("--seed 2 --threads 1 --max-steps 3") }.count == 2)
    #expect(calls.filter { $0.hasSuffix("--cutoffs 2,4 --divisor 4.0") }.count == 3)
    for call in calls {
      #expect(call.contains("--cell lstm --layers 1 --hidden 8 --embed 8 --dropout 0.0 --batch 2 --bptt 5 "))
      #expect(call.contains("--lr 0.02 --schedule cosine --clip 1.0 --epochs 2 "))
    }
    let rows = try #require(try json(folder)["rows"] as? [[String: Any]])
    for row in rows.suffix(2) {
      let run = try #require((row["runs"] as? [[String: Any]])?.first)
      #expect((run["points"] as? [[String: Double]])?.last?["step"] == 3)
      #expect((run["parameters"] as? Int) == 9 * 8 + 4 * 8 * (8 + 8 + 1) + 9 * 9)
    }
  }

  @Test("Programs that read the text differently, and wrong options, are found before any training")
  func mistakes() throws {
    let other = try folder(tokens: 109)
    let outcome = try compare("--epochs 1 -o q.json", other)
    #expect(outcome.status == 1)
    #expect(outcome.error.contains("do not read the text alike: text tokens 109 and 110"), "\(outcome.error)")
    let folder = try folder()
    for (options, status, message) in [
      ("--lmctl '--hidden 9'", Int32(2), "--lmctl cannot have --hidden"),
      ("--lmctl '--bach 9'", 1, "did you mean '--batch'?"),
      ("-o q.svg", 2, "must end in .json"),
      ("--python ./nothing", 1, "./nothing"),
    ] {
      let outcome = try compare("--epochs 1 \(options)", folder)
      #expect(outcome.status == status && outcome.error.contains(message), "\(options): \(outcome.error)")
      #expect(!outcome.error.contains("Traceback"), "\(outcome.error)")
    }
  }
}
