import Foundation
import TestSupport
import Testing

/// `lmctl train --task fill`, `lmctl fill`, and `lmctl eval` of what fills gaps.
@Suite("Filling gaps")
struct FillTests {
  /// A folder with a text in which the middle word of three follows from both of its neighbours.
  private func folder(sentences: Int = 300) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var lines: [String] = []
    for i in 0..<sentences {
      let (a, b) = (i % 3, i / 3 % 3)
      lines.append("so a\(a) m\((a + b) % 3) b\(b) end\(i % 5)")
    }
    try folder.write("train.txt", text: lines.joined(separator: "\n") + "\n")
    try folder.write("test.txt", text: lines.prefix(45).joined(separator: "\n") + "\n")
    return folder
  }

  private static let training =
    "lmctl train --task fill --model gru --hidden 24 --epochs 25 --lr 0.02 --dropout 0 --batch 8 --bptt 10 --quiet"

  /// The words of each line with their probabilities.
  private func fillings(_ line: String, _ folder: TemporaryFolder) throws -> [[(words: String, p: Double)]] {
    try run(line, folder).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return try stride(from: 0, to: columns.count - 1, by: 2).map {
        (columns[$0], try #require(Double(columns[$0 + 1])))
      }
    }
  }

  @Test(
    "A filler finds the word that both sides decide, one that reads from the left does too, by whole sentences"
  )
  func planted() throws {
    let folder = try folder()
    try run("\(Self.training) train.txt --valid test.txt -o filler.json --log log.jsonl", folder)
    try run("lmctl train --model ngram --order 3 --quiet train.txt -o kn.json", folder)
    try run(
      "lmctl train --model lstm --hidden 24 --epochs 30 --lr 0.02 --dropout 0 --batch 8 --bptt 10 --context sentence --quiet train.txt -o lstm.json",
      folder)
    try run("lmctl mix kn.json lstm.json --weights 0.5,0.5 --quiet -o mix.json", folder)
    try folder.write("gaps.txt", text: "so a1 ___ b1 end0\n\nso a2____ b2 end3\nso a0 [m0|m1|m2] b1 end0\n")
    for model in ["filler", "kn", "lstm", "mix"] {
      let found = try fillings("lmctl fill \(model).json gaps.txt --top 99", folder)
      try #require(found.count == 4 && found[1].isEmpty)
      #expect([0, 2, 3].map { found[$0][0].words } == ["m2", "m1", "m1"], "\(model)")
      for line in [0, 2, 3] {
        #expect(abs(found[line].reduce(0) { $0 + $1.p } - 1) < 1e-4)
        #expect(zip(found[line], found[line].dropFirst()).allSatisfy { $0.p >= $1.p })
        #expect(!found[line].contains { $0.words == "<unk>" || $0.words == "</s>" })
      }
      #expect(found[3].count == 3)
      #expect(
        try run("lmctl fill \(model).json gaps.txt --sentences", folder)
          == "so a1 m2 b1 end0\n\nso a2m1 b2 end3\nso a0 m1 b1 end0\n")
    }
    // All are asked for the same; the words in the middle are found, and the last ones are not.
    let table = try run("lmctl fill filler.json kn.json --accuracy 20 --top 3 test.txt", folder)
    #expect(table.contains("± error") && table.contains("\nfiller.json ") && table.contains("\nkn.json "))
    func found(_ line: String) throws -> String {
      let text = try run(line, folder)
      let start = try #require(text.range(of: "\"accuracy\"")),
        end = try #require(text.range(of: "\"seconds\""))
      return String(text[start.lowerBound..<end.lowerBound])
    }
    let line = "lmctl fill filler.json --accuracy 20 --json --seed"
    #expect(try found("\(line) 2 test.txt") == found("\(line) 2 < test.txt"))
    let json = try run("lmctl fill filler.json --accuracy 45 --top 3 --json test.txt", folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let accuracy = try #require(object["accuracy"] as? [[String: Any]])
    let shares = accuracy.compactMap { $0["share"] as? Double }
    #expect(object["hidden"] as? Int == 45 && shares.count == 2)
    #expect(shares[0] > 0.6 && shares[0] < shares[1] && shares[1] <= 1)
    let log = try String(contentsOfFile: folder("log.jsonl"), encoding: .utf8)
    #expect(log.contains("\"held_out_pseudo_perplexity\"") && !log.contains("\"perplexity\""))
    #expect(try run("lmctl plot log.jsonl", folder).contains("pseudo-perplexity"))
  }

  @Test("Several gaps are filled together, and JSON has what pipelines want")
  func severalGaps() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --order 3 --quiet train.txt -o kn.json", folder)
    let text = try run("echo 'so [a0|a2] ___ b0 end1' | lmctl fill kn.json --json --top 2", folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let predictions = try #require(object["predictions"] as? [[String: Any]])
    #expect(object["gaps"] as? Int == 2 && predictions.count == 2)
    #expect((object["unknown"] as? [String]) == [])
    for prediction in predictions {
      let words = try #require(prediction["token_str"] as? [String])
      #expect(words[0].dropFirst() == words[1].dropFirst())
      #expect(prediction["sequence"] as? String == "so \(words[0]) \(words[1]) b0 end1")
      #expect((prediction["token"] as? [Int])?.count == 2)
      #expect(try #require(prediction["score"] as? Double) > 0.2)
    }
    let one = try run("echo 'so a0 ___ b0 end1' | lmctl fill kn.json --json --top 1", folder)
    #expect(one.contains("\"token_str\":\"m0\"") && one.contains("\"complete\":true"))
  }

  @Test("By n-grams, p is what eval has of the whole sentences")
  func bruteForce() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --order 5 --min-count 1 --quiet train.txt -o kn5.json", folder)
    let (left, right) = ("The keeper was", "from the window .")
    let found = try fillings("echo '\(left) ___ \(right)' | lmctl fill kn5.json --top 99999", folder)[0]
    let words = Set(try run("tr ' ' '\\n' < train.txt", folder).split(separator: "\n").map(String.init))
      .sorted()
    #expect(found.count == words.count)
    try folder.write("all.txt", text: words.map { "\(left) \($0) \(right)\n" }.joined())
    let scores = try run("lmctl eval kn5.json --per sentence all.txt", folder).split(separator: "\n")
      .map { try #require(Double($0.split(separator: "\t")[2])) }
    let sum = scores.reduce(0) { $0 + exp($1) }
    let expected = Dictionary(uniqueKeysWithValues: zip(words, scores.map { exp($0) / sum }))
    for (word, p) in found {
      let wanted = try #require(expected[word])
      #expect(abs(p - wanted) < 1e-4 * wanted + 1e-9, "\(word)")
    }
  }

  @Test("What a filler is measured by is called what it is, and nothing else")
  func evaluation() throws {
    let folder = try folder()
    let trained = try run("\(Self.training) train.txt --valid test.txt -o filler.json", folder)
    #expect(trained.contains("pseudo-perplexity") && !trained.contains("\nperplexity"))
    let table = try run("lmctl eval filler.json test.txt", folder)
    #expect(table.contains(" 225  (without the end of sentence)"))
    #expect(!table.contains("\nperplexity") && !table.contains("bits per byte"))
    let json = try run("lmctl eval filler.json --json test.txt", folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let value = try #require(object["pseudo_perplexity"] as? Double)
    #expect(object["perplexity"] == nil && value > 1 && value < 10)
    #expect(trained.contains("pseudo-perplexity             ") || trained.contains("\(Int(value))."))
    let result = try run("\(Self.training) train.txt --valid test.txt -o again.json --json", folder)
    let held = try #require(
      try JSONSerialization.jsonObject(with: Data(result.utf8)) as? [String: Any])
    #expect((held["held_out"] as? [String: Any])?["pseudo_perplexity"] as? Double == value)
    #expect(try run("lmctl eval filler.json again.json test.txt", folder).contains("pseudo-perplexity"))
    for mistake in [
      Mistake("lmctl eval filler.json --perplexity test.txt", 2, "have a pseudo-perplexity"),
      Mistake("lmctl eval filler.json --per token test.txt", 2, "--per does not go with fillers"),
      Mistake("lmctl eval filler.json --cache 500 test.txt", 2, "--cache does not go with fillers"),
      Mistake("lmctl eval filler.json --context stream test.txt", 2, "--context does not go with fillers"),
    ] { try expect(mistake, in: folder) }
  }

  @Test("A run goes on, others begin with its weights, and its file is converted and inspected")
  func checkpoints() throws {
    let folder = try folder()
    try run("\(Self.training) train.txt --valid test.txt -o whole.json --keep-optimizer --seed 3", folder)
    try run(
      "\(Self.training) train.txt --valid test.txt -o part.json --seed 3 --max-steps 37 --schedule constant --keep-optimizer",
      folder)
    #expect(
      try Executable.shell("lmctl train --resume part.json --max-steps 60 --quiet", in: folder).status == 0)
    try run("lmctl train --init-from whole.json --epochs 1 --quiet train.txt -o tuned.json", folder)
    try run("lmctl train --auto-resume --task fill --model gru --quiet train.txt -o whole.json", folder)
    try run("lmctl convert whole.json lean.json --tensors decimal --quiet", folder)
    let gap = "echo 'so a1 ___ b1 end0' | lmctl fill"
    #expect(try run("\(gap) lean.json", folder) == run("\(gap) whole.json", folder))
    let shown = try run("lmctl inspect lean.json", folder)
    #expect(shown.contains("model                     filler") || shown.contains("filler"))
    #expect(shown.contains("tensor forward.layer1.") && shown.contains("tensor backward.layer1."))
    for mistake in [
      Mistake(
        "lmctl train --task translate --init-from whole.json train.txt", 2,
        "--task translate does not go with whole.json, which is a filler"),
      Mistake("lmctl train --resume part.json --hidden 5", 2, "--hidden cannot change"),
    ] { try expect(mistake, in: folder) }
  }

  @Test("Every softmax is fitted to the text, and read back", arguments: ["adaptive", "sampled", "class"])
  func softmaxes(kind: String) throws {
    let folder = try folder()
    try run(
      "lmctl train --task fill --model gru --hidden 8 --epochs 1 --quiet --softmax \(kind) train.txt --valid test.txt -o m.json --json > trained",
      folder)
    let (held, eval) = (
      try number("jq .held_out.pseudo_cross_entropy_nats trained", folder),
      try number("lmctl eval --json m.json test.txt | jq .pseudo_cross_entropy_nats", folder)
    )
    #expect(abs(held - eval) < 1e-6)
    #expect(try run("lmctl inspect --check m.json", folder).hasSuffix("\nall is as it should be\n"))
    let top = try fillings("echo 'so a1 ___ b1 end0' | lmctl fill m.json --top 99", folder)
    #expect(abs(top[0].reduce(0) { $0 + $1.p } - 1) < 1e-4)
  }

  @Test("Characters and bytes have gaps, too")
  func characters() throws {
    let folder = try TemporaryFolder()
    try folder.write("train.txt", text: String(repeating: "abcabcabc\nxyzxyz\n", count: 60))
    for unit in ["char", "byte"] {
      try run(
        "lmctl train --task fill --model lstm --unit \(unit) --hidden 16 --epochs 12 --lr 0.02 --batch 8 --bptt 10 --quiet train.txt -o m.json",
        folder)
      try run("lmctl train --model ngram --order 4 --unit \(unit) --quiet train.txt -o kn.json", folder)
      for model in ["m.json", "kn.json"] {
        let found = try fillings("printf 'ab___abc\\nxy______yz\\n' | lmctl fill \(model) --top 2", folder)
        #expect(found[0][0].words == "c" && found[1][0].words == "z x", "\(unit) \(model)")
      }
    }
  }

  @Test("What does not go is refused in a sentence")
  func mistakes() throws {
    let folder = try folder()
    try run(
      "lmctl train --task fill --model gru --hidden 8 --epochs 1 --quiet train.txt -o filler.json", folder)
    try run("lmctl train --model lstm --hidden 8 --epochs 1 --quiet train.txt -o lstm.json", folder)
    try folder.write("gap.txt", text: "so a1 [m0 m1|m2] b1\n")
    let filler = "is a filler, which completes gaps"
    for mistake in [
      Mistake("lmctl fill", 2, "no model; give the checkpoint, then the texts: lmctl fill model.json"),
      Mistake("lmctl fill filler.json gap.txt", 1, "gap.txt:1: the choice 'm0 m1' is 2 tokens, and a filler"),
      Mistake("lmctl fill filler.json lstm.json gap.txt", 2, "with one model, not 2"),
      Mistake("lmctl fill filler.json --seed 2 gap.txt", 2, "--seed goes with --accuracy"),
      Mistake(
        "lmctl fill filler.json --candidates 5 gap.txt", 2,
        "--candidates goes with networks that read from left"),
      Mistake("lmctl fill filler.json --sentences --json gap.txt", 2, "exclude each other"),
      Mistake("lmctl sample filler.json", 1, filler),
      Mistake("lmctl predict filler.json test.txt", 1, filler),
      Mistake("lmctl mix filler.json lstm.json --weights 0.5,0.5 -o m.json", 1, filler),
      Mistake(
        "lmctl eval lstm.json filler.json test.txt", 1,
        "filler.json: is a filler, and lstm.json is a language model"),
      Mistake(
        "lmctl eval filler.json lstm.json test.txt", 1,
        "lstm.json: is a language model, and filler.json is a filler"),
      Mistake("lmctl eval --pairs gap.txt filler.json", 1, "gap.txt"),
      Mistake("lmctl encode filler.json test.txt", 1, filler),
      Mistake("lmctl convert filler.json m.arpa", 1, filler),
      Mistake(
        "lmctl train --task fill --model ngram train.txt", 2, "--model ngram does not go with --task fill"),
      Mistake(
        "lmctl train --task fill --model nnlm train.txt", 2, "--model nnlm does not go with --task fill"),
      Mistake("lmctl train --model lstm --bidirectional train.txt", 2, "--task fill"),
      Mistake(
        "lmctl train --task fill --model gru --context stream train.txt", 2,
        "--context does not go with --task fill"),
      Mistake(
        "lmctl train --task fill --init-from lstm.json train.txt -o m.json", 2,
        "a filler begins with another one"),
      Mistake("lmctl train --init-from filler.json --task language train.txt", 2, "which is a filler"),
    ] { try expect(mistake, in: folder) }
    let unknown = try Executable.shell("echo 'so a1 [m0|zebra] b1' | lmctl fill filler.json", in: folder)
    #expect(unknown.status == 0 && unknown.error.contains("does not know the choice 'zebra'"))
    let none = try Executable.shell("echo 'so a1' | lmctl fill filler.json", in: folder)
    #expect(none.status == 0 && none.output == "\n" && none.error.contains("without a gap"))
  }
}
