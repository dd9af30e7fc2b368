import Foundation
import TestSupport
import Testing

/// `lmctl sample --beam`.
@Suite("Likeliest sentences")
struct BeamTests {
  private static let models = ["ngram", "lstm --hidden 12 --epochs 2", "nnlm --hidden 12 --epochs 1"]

  private func folder(_ model: String) throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("lmctl train --model \(model) --quiet train.txt -o m.json", folder)
    try folder.write("prompts.txt", text: "The lamp\nIt\n")
    return folder
  }

  @Test("A beam of one writes what temperature 0 does", arguments: models)
  func greedy(model: String) throws {
    let folder = try folder(model)
    for options in ["", "--unk", "--prompt-file prompts.txt --no-echo", "--show-score --prompt 'The keeper'"]
    {
      let line = "lmctl sample m.json --max-tokens 20 \(options)"
      #expect(try run("\(line) --beam 1", folder) == run("\(line) --temperature 0", folder), "\(options)")
      #expect(
        try run("\(line) --beam 1 --length-penalty power:2", folder) == run("\(line) --beam 1", folder))
    }
  }

  @Test("Sentences come best first, and ln p is that of eval", arguments: models)
  func scores(model: String) throws {
    let folder = try folder(model)
    for penalty in ["none", "power:0.75", "gnmt:0.6"] {
      let line =
        "lmctl sample m.json --unk --beam 9 --count 6 --max-tokens 30 --length-penalty \(penalty)"
      let lines = try run("\(line) --json", folder).split(separator: "\n")
      let objects = try lines.map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      #expect(objects.count == 6 && Set(objects.compactMap { $0["text"] as? String }).count == 6)
      let scores = try objects.map { try #require($0["score"] as? Double) }
      #expect(scores == scores.sorted(by: >))
      for (object, score) in zip(objects, scores) {
        #expect(Set(object.keys) == ["text", "tokens", "log_probability", "score", "ended", "prompt"])
        let logProbability = try #require(object["log_probability"] as? Double)
        let length = Double(try #require(object["tokens"] as? [String]).count)
        let divisor =
          penalty == "none" ? 1 : penalty == "gnmt:0.6" ? pow((5 + length) / 6, 0.6) : pow(length, 0.75)
        #expect(abs(score - logProbability / divisor) < 1e-9)
        if object["ended"] as? Bool == true, length > 1 {
          try folder.write("one.txt", text: try #require(object["text"] as? String) + "\n")
          let own = try number(
            "lmctl eval m.json --per sentence --context sentence one.txt | cut -f3", folder)
          #expect(abs(own - logProbability) < 1e-4)
        } else {
          #expect(length == 30 || length == 1)
        }
      }
      #expect(try run("\(line) --threads 1", folder) == run("\(line) --threads 2", folder))
      let texts = objects.compactMap { $0["text"] as? String }.joined(separator: "\n") + "\n"
      #expect(try run(line, folder) == texts)
      #expect(
        try run("\(line) --count 1".replacingOccurrences(of: "--count 6 ", with: ""), folder) == String(
          texts.prefix { $0 != "\n" }) + "\n")
    }
  }

  @Test("Each prompt has its own, and a program gets them before it asks again")
  func prompts() throws {
    let folder = try folder("gru --hidden 12 --epochs 1")
    let line = "lmctl sample m.json --beam 4 --count 2 --max-tokens 6"
    let both = try run("\(line) --prompt-file prompts.txt", folder)
    #expect(
      both == (try run("\(line) --prompt 'The lamp'", folder)) + (try run("\(line) --prompt It", folder)))
    let first = try run(
      "(echo It; sleep 5) | \(line) --prompt-file - | (timeout 3 head -n 2 || true)", folder)
    #expect(first == (try run("\(line) --prompt It", folder)))
    #expect(try run("lmctl sample m.json --beam 4 --count 0", folder) == "")
  }

  @Test(
    "What does not go is refused by a sentence",
    arguments: [
      ("--beam 0", "--beam takes a whole number from 1 to 1000"),
      ("--beam 5 --temperature 1", "--beam does not go with --temperature"),
      ("--beam 5 --top-k 3", "--beam does not go with --top-k"),
      ("--beam 5 --top-p 0.5", "--beam does not go with --top-p"),
      ("--beam 5 --seed 3", "--beam does not go with --seed"),
      ("--beam 5 --length 3", "--beam does not go with --length"),
      ("--beam 5 --count 6", "--beam 5 cannot find 6 sentences"),
      ("--length-penalty none", "--length-penalty goes with --beam"),
      ("--beam 5 --length-penalty power", "--length-penalty takes none, power:A or gnmt:A"),
      ("--beam 5 --length-penalty gnmt:-1", "--length-penalty takes none, power:A or gnmt:A"),
      ("--beam 5 --length-penalty root:2", "--length-penalty takes none, power:A or gnmt:A"),
    ])
  func refusals(options: String, sentence: String) throws {
    let folder = try badInputFolder()
    let outcome = try Executable.shell("lmctl sample model.json \(options)", in: folder)
    #expect(outcome.status == 2 && outcome.error.contains(sentence), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }
}
