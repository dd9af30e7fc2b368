import Foundation
import TestSupport
import Testing

/// `lmctl eval --pairs`.
@Suite("Pairs of sentences in evaluation")
struct EvalPairsTests {
  /// The pairs of the agreement corpus with 0 and 4 attractors, and models of some of its sentences.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let corpus = "\(projectFolder)/corpora/agreement"
    try run(
      """
      head -n 1500 \(corpus)/train.txt > train.txt
      for n in 0 4; do for k in grammatical ungrammatical; do cp \(corpus)/minimal-pairs/$n-$k.txt .; done; done
      for n in 0 4; do paste $n-grammatical.txt $n-ungrammatical.txt | sed "s/\\$/\\t$n/"; done > pairs.tsv
      lmctl train --model ngram --order 3 -q train.txt -o n.json
      lmctl train --model gru --hidden 12 --epochs 1 -q train.txt -o g.json
      """, folder)
    return folder
  }

  @Test(
    "The better sentence is found as often as by scoring the sentences one by one", arguments: ["n", "g"])
  func agreement(model: String) throws {
    let folder = try folder()
    let result = try object("lmctl eval \(model).json --pairs pairs.tsv --json", folder)
    let groups = try #require(result["groups"] as? [[String: Any]])
    #expect(groups.map { $0["group"] as? String } == ["0", "4"])
    var all: [Double] = []
    for group in groups {
      let name = try #require(group["group"] as? String)
      let scores = try ["grammatical", "ungrammatical"].map { kind in
        try run(
          "lmctl eval \(model).json --context sentence --per sentence \(name)-\(kind).txt | cut -f3", folder
        )
        .split(separator: "\n").compactMap { Double($0) }
      }
      let points = zip(scores[0], scores[1]).map { abs($0 - $1) < 1e-6 ? 0.5 : $0 > $1 ? 1 : 0 }
      #expect(points.count == 200 && group["pairs"] as? Int == 200)
      #expect(group["correct"] as? Int == points.filter { $0 == 1 }.count)
      #expect(group["ties"] as? Int == points.filter { $0 == 0.5 }.count)
      let accuracy = try #require(group["accuracy"] as? Double)
      #expect(abs(accuracy - points.reduce(0, +) / 200) < 1e-12)
      all += points
    }
    let mean = all.reduce(0, +) / 400
    let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400
    #expect(abs(try #require(result["accuracy"] as? Double) - mean) < 1e-12)
    #expect(abs(try #require(result["standard_error"] as? Double) - (variance / 400).squareRoot()) < 1e-12)
    let macro = groups.compactMap { $0["accuracy"] as? Double }.reduce(0, +) / 2
    #expect(result["macro_accuracy"] as? Double == macro && result["pairs"] as? Int == 400)
  }

  @Test(
    "JSON Lines, a pipe and a compressed file give what columns give; tables have a column for each model")
  func forms() throws {
    let folder = try folder()
    try run(
      """
      jq -Rc 'split("\\t") | {sentence_good: .[0], sentence_bad: .[1], field: "syntax", UID: .[2]}' pairs.tsv > pairs.jsonl
      gzip -k pairs.tsv
      """, folder)
    let table = try run("lmctl eval n.json g.json --pairs pairs.tsv 2>/dev/null", folder)
    let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines[1] == ["group", "pairs", "n.json", "g.json"])
    #expect(lines[2][..<2] == ["0", "200"] && lines[2].filter { $0 == "%" }.count == 2)
    #expect(
      lines.map { $0.first }.suffix(from: 2) == [
        "0", "4", "macro", "standard", "overall", "standard", "ties,", "unknown",
      ])
    for line in [
      "lmctl eval n.json g.json --pairs pairs.jsonl", "lmctl eval n.json g.json --pairs pairs.tsv.gz",
      "lmctl eval n.json g.json --pairs - < pairs.tsv", "lmctl eval - g.json --pairs pairs.tsv < n.json",
    ] {
      let other = try run("\(line) 2>/dev/null", folder)
      #expect(
        other.split(separator: "\n").dropFirst(2) == table.split(separator: "\n").dropFirst(2), "\(line)")
    }
    #expect(
      try run(
        "lmctl eval n.json --pairs pairs.jsonl --group field --json 2>/dev/null | jq -r '.groups[].group'",
        folder)
        == "syntax\n")
    #expect(
      try run("lmctl eval n.json g.json --pairs pairs.tsv --json 2>/dev/null | jq -r '.[].model'", folder)
        == "n.json\ng.json\n")
  }

  @Test("Sentences that are equally likely count half, and those that are the same to the model are told of")
  func ties() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram -q train.txt -o n.json", folder)
    try folder.write("pairs.tsv", text: "The zzz was\tThe yyy was\nThe lamp was lit .\tlit The was lamp .\n")
    let outcome = try Executable.shell("lmctl eval n.json --pairs pairs.tsv --json", in: folder)
    #expect(outcome.status == 0 && outcome.error.contains("1 pair of 2 differ only in words"))
    try folder.write("out", text: outcome.output)
    #expect(
      try run(
        "jq -c '[.pairs, .correct, .ties, .accuracy, .unknown, .same_tokens]' out", folder)
        == "[2,1,1,0.75,2,1]\n")
    try folder.write("twice.tsv", text: "The lamp was lit .\tThe lamp was lit .\n")
    let twice = try Executable.shell("lmctl eval n.json --pairs twice.tsv", in: folder)
    #expect(
      twice.error.contains("1 pair of 1 are twice the same sentence") && !twice.error.contains("differ"))
    let table = try run("lmctl eval n.json --pairs pairs.tsv 2>/dev/null", folder)
    #expect(table.contains("overall") && table.contains("75.00 %") && !table.contains("macro"))
  }

  @Test(
    "What does not go is refused by a sentence",
    arguments: [
      Mistake("lmctl eval --pairs good.tsv", 2, "no model; give the checkpoint"),
      Mistake("lmctl eval model.json --pairs one.tsv", 1, "one.tsv:2: has 1 column;"),
      Mistake("lmctl eval model.json --pairs empty.txt", 1, "empty.txt: has no pairs"),
      Mistake("lmctl eval model.json --pairs half.jsonl", 1, "half.jsonl:1: has no text 'sentence_bad'"),
      Mistake("lmctl eval model.json --pairs missing.tsv", 1, "missing.tsv: no such file"),
      Mistake("lmctl eval model.json --pairs model.json", 1, "is a model of lmctl, not a text"),
      Mistake("lmctl eval model.json --pairs bytes.tsv", 1, "bytes.tsv:1: invalid UTF-8"),
      Mistake("lmctl eval model.json good.txt --pairs good.tsv", 2, "'good.txt' is a text; --pairs takes"),
      Mistake("lmctl eval - --pairs - < model.json", 2, "can be read only once"),
      Mistake("lmctl eval model.json --pairs good.tsv --per token", 2, "--pairs does not go with --per"),
      Mistake("lmctl eval model.json --pairs good.tsv --cache 5", 2, "--pairs does not go with --cache"),
      Mistake("lmctl eval model.json --pairs good.tsv --no-eos", 2, "--pairs does not go with --no-eos"),
      Mistake(
        "lmctl eval model.json --pairs good.tsv --context stream", 2, "--context stream does not go with it"),
      Mistake("lmctl eval model.json good.txt --group UID", 2, "--group goes with --pairs"),
      Mistake("lmctl eval model.json --pairs good.tsv --group UID", 1, "has columns, the third of which"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try badInputFolder()
    try folder.write("good.tsv", text: "the cat\tcat the\n")
    try folder.write("one.tsv", text: "the cat\tcat the\nthe cat\n")
    try folder.write("half.jsonl", text: "{\"sentence_good\": \"a\"}\n")
    try folder.write("bytes.tsv", [0xE9, 0x09, 0x61, 0x0A])
    try expect(mistake, in: folder)
  }
}
