import Foundation
import TestSupport
import Testing

/// `lmctl predict`.
@Suite("Next tokens")
struct PredictTests {
  private func folder(_ options: String = "--model ngram") throws -> TemporaryFolder {
    let folder = try proseFolder()
    let size = options.contains("ngram") ? "" : "--hidden 12 --epochs 1"
    try run("lmctl train \(options) \(size) --quiet train.txt -o m.json", folder)
    return folder
  }

  /// What is predicted after each line of input, with the probabilities.
  private func predictions(_ line: String, _ folder: TemporaryFolder) throws -> [[(token: String, p: Double)]]
  {
    try run(line, folder).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return try stride(from: 0, to: columns.count - 1, by: 2).map {
        (columns[$0], try #require(Double(columns[$0 + 1])))
      }
    }
  }

  /// p of the last token of each line but its end, as `eval` has it.
  private func scored(_ text: String, _ context: String, _ folder: TemporaryFolder) throws -> [Double] {
    try folder.write("scored.txt", text: text)
    return try run("lmctl eval m.json --per token --context \(context) scored.txt", folder)
      .split(separator: "\n").map { line in
        let columns = line.split(separator: "\t")
        return exp(try #require(Double(columns[columns.count - 5])))
      }
  }

  @Test(
    "A line for each line, best first, with the probabilities that eval has",
    arguments: ["--model ngram", "--model lstm", "--model nnlm --context sentence"])
  func probabilities(model: String) throws {
    let folder = try folder(model)
    try folder.write("p.txt", text: "The lamp\n\nzzz was\nThe lamp was lit .\n")
    let all = try predictions("lmctl predict m.json --unk --top 4 p.txt", folder)
    #expect(all.count == 4 && all.allSatisfy { $0.count == 4 })
    for (line, found) in zip(["The lamp", "", "zzz was", "The lamp was lit ."], all) {
      #expect(zip(found, found.dropFirst()).allSatisfy { $0.p >= $1.p })
      for (token, p) in found where token != "</s>" {
        let expected = try scored("\(line) \(token)\n", "sentence", folder)[0]
        #expect(abs(p - expected) < 1e-5 * expected + 1e-7, "\(line) \(token)")
      }
    }
    let whole = try predictions("lmctl predict m.json --unk --top 99999 p.txt", folder)
    #expect(whole.allSatisfy { abs($0.reduce(0) { $0 + $1.p } - 1) < 1e-4 })
    #expect(whole.map { $0.prefix(4).map(\.token) } == all.map { $0.map(\.token) })
    // Without <unk>, the others share what it had.
    let known = try predictions("lmctl predict m.json --top 99999 p.txt", folder)
    #expect(known.allSatisfy { !$0.contains { $0.token == "<unk>" } })
    #expect(known.allSatisfy { abs($0.reduce(0) { $0 + $1.p } - 1) < 1e-4 })
    #expect(known.map(\.count) == whole.map { $0.count - 1 })
    #expect(try predictions("lmctl predict m.json < p.txt", folder).allSatisfy { $0.count == 10 })
  }

  @Test("Scores are divided by their sum, as for drawing")
  func scores() throws {
    let folder = try folder("--model ngram --smoothing stupid-backoff")
    let all = try #require(
      try predictions("echo 'The lamp' | lmctl predict m.json --top 100000 --unk", folder).first)
    #expect(abs(all.reduce(0) { $0 + $1.p } - 1) < 1e-4)
  }

  @Test("In a stream, a line goes on from the lines before it", arguments: ["--model lstm", "--model ngram"])
  func stream(model: String) throws {
    let folder = try folder(model)
    let (first, second) = ("The keeper said no .", "The")
    let found = try predictions(
      "printf '\(first)\\n\\n\(second)\\n' | lmctl predict m.json --context stream --unk --top 1", folder)
    #expect(found.count == 3)
    let (token, p) = try #require(found.last?.first)
    let expected = try scored("\(first)\n\(second) \(token)\n", "stream", folder)[1]
    #expect(abs(p - expected) < 1e-5)
    let alone = try predictions("echo '\(second)' | lmctl predict m.json --unk --top 1", folder)[0][0].p
    #expect(alone != p)
  }

  @Test("A word that is begun is completed, unless a space stands behind it")
  func wordPrefix() throws {
    let folder = try folder("--model ngram --min-count 1")
    let found = try predictions(
      "printf 'The la\\nThe la \\nThe qqqq\\n' | lmctl predict m.json --word-prefix --top 99999", folder)
    let words = Set(
      try String(decoding: folder.read("train.txt"), as: UTF8.self).split { $0.isWhitespace }
        .filter { $0.hasPrefix("la") }.map(String.init))
    #expect(!words.isEmpty && Set(found[0].map(\.token)) == words)
    #expect(found[2].isEmpty)
    let after = try predictions("printf 'The\\nThe la\\n' | lmctl predict m.json --top 99999", folder)
    let p = Dictionary(uniqueKeysWithValues: after[0].map { ($0.token, $0.p) })
    #expect(found[0].allSatisfy { p[$0.token] == $0.p })
    #expect(found[1].map(\.p) == after[1].map(\.p))
  }

  @Test("Objects say how long the line is, and tokens of characters have names without white space")
  func json() throws {
    let folder = try folder("--model ngram --unit char --order 4")
    let shown = try run("printf 'The lamp\\nThé\\n' | lmctl predict m.json --top 2 --json", folder)
      .split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    #expect(shown.map { $0["tokens"] as? Int } == [8, 3] && shown.map { $0["unknown"] as? Int } == [0, 1])
    let predictions = try #require(shown[0]["predictions"] as? [[String: Any]])
    #expect(predictions.count == 2 && predictions[0]["token"] as? String == " ")
    let p = try #require(predictions[0]["probability"] as? Double)
    #expect(abs(log(p) - (predictions[0]["log_probability"] as? Double ?? 0)) < 1e-9)
    #expect(
      try run("printf 'The lamp\\n' | lmctl predict m.json --top 1", folder).hasPrefix("▁\t0."))
  }

  @Test("A program gets each answer before it writes the next line")
  func coprocess() throws {
    let folder = try folder("--model gru")
    let answers = try run(
      """
      coproc PREDICT { lmctl predict m.json --top 2; }
      for s in 'The lamp' '' 'The keeper said'; do
        echo "$s" >&"${PREDICT[1]}"
        read -r -t 10 -u "${PREDICT[0]}" line || { echo none; exit 1; }
        echo "$line"
      done
      """, folder)
    #expect(
      try run("printf 'The lamp\\n\\nThe keeper said\\n' | lmctl predict m.json --top 2", folder) == answers)
  }

  @Test(
    "What does not go is refused by a sentence",
    arguments: [
      Mistake("lmctl predict", 2, "no model; give the checkpoint"),
      Mistake("lmctl predict model.json --top 0", 2, "--top takes a whole number from 1"),
      Mistake("lmctl predict good.txt model.json", 1, "good.txt"),
      Mistake("lmctl predict model.json model.json", 1, "models come before texts"),
      Mistake("lmctl predict model.json missing.txt", 1, "missing.txt: no such file"),
      Mistake("lmctl predict model.json nul.txt", 1, "nul.txt:3: a NUL byte"),
      Mistake("lmctl predict - < model.json", 2, "can be read only once"),
      Mistake("lmctl predict char.json good.txt --word-prefix", 2, "--word-prefix goes with words"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try badInputFolder()
    try run("lmctl train --model ngram --unit char good.txt -q -o char.json", folder)
    try expect(mistake, in: folder)
  }
}
