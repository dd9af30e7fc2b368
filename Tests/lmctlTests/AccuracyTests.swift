import LanguageModels
import TestSupport
import Testing

/// `lmctl eval --accuracy`.
@Suite("Accuracy of evaluation")
struct EvalAccuracyTests {
  @Test("Batched sentences of networks are judged as one by one, and tables and objects agree")
  func agreement() throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model ngram -q train.txt -o n.json; lmctl train --model gru --hidden 12 --epochs 1 --context sentence -q train.txt -o g.json",
      folder)
    let lines = try run("grep . test.txt", folder).split(separator: "\n").prefix(12)
    for model in ["n.json", "g.json"] {
      try folder.write("all.txt", text: lines.joined(separator: "\n") + "\n")
      func judged(_ path: String) throws -> [Int] {
        try run(
          "lmctl eval \(model) \(path) --context sentence --accuracy all --json 2>/dev/null | jq '.accuracy.judged, .accuracy.correct'",
          folder
        ).split(separator: "\n").compactMap { Int($0) }
      }
      var sum = [0, 0]
      for line in lines {
        try folder.write("one.txt", text: line + "\n")
        sum = try zip(sum, judged("one.txt")).map { $0 + $1 }
      }
      #expect(try judged("all.txt") == sum && sum[0] > 0)
    }
    let table = try run("lmctl eval n.json test.txt --accuracy line-end 2>/dev/null", folder)
    #expect(table.contains("accuracy at line ends") && table.contains(" of 39  (standard error"))
    let both = try run("lmctl eval n.json g.json test.txt --accuracy marked --mark the 2>/dev/null", folder)
    #expect(both.contains("accuracy\n"))
  }

  @Test(
    "What does not go is refused by a sentence",
    arguments: [
      ("--accuracy marked", "--accuracy marked needs --mark"),
      ("--mark the", "--mark goes with --accuracy marked"),
      ("--accuracy marked --mark zzz", "'zzz' is none in the vocabulary of n.json"),
      ("--accuracy all --per token", "--accuracy and --per exclude each other"),
      ("--accuracy all --cache 100", "--accuracy does not go with --cache"),
      ("--accuracy often", "--accuracy takes one of all, line-end, marked"),
    ])
  func refusals(options: String, sentence: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram -q train.txt -o n.json", folder)
    let outcome = try Executable.shell("lmctl eval n.json test.txt \(options)", in: folder)
    #expect(outcome.status == 2 && outcome.error.contains(sentence), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }
}
