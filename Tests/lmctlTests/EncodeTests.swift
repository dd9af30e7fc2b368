import Foundation
import LanguageModels
import TestSupport
import Testing

/// `lmctl encode`.
@Suite("Vectors of lines")
struct EncodeTests {
  private func folder(_ options: String = "--model lstm --hidden 7 --embed 5") throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("lmctl train \(options) --epochs 1 --quiet train.txt -o m.json", folder)
    try folder.write("few.txt", text: "the lamp was lit\n\nwhat zebra said\n   \nhe\n")
    return folder
  }

  private func numbers(_ line: Substring) -> [Double] {
    line.split(separator: "\t").compactMap { Double($0) }
  }

  private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
  }

  private func largestDifference(_ a: [[Double]], _ b: [[Double]]) -> Double {
    guard a.map(\.count) == b.map(\.count) else { return .infinity }
    return zip(a.joined(), b.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test("Vectors times the weights of the output are the probabilities that eval gives")
  func probabilities() throws {
    let folder = try folder()
    let sentence = "the lamp was lit and he said"
    try folder.write("one.txt", text: sentence + "\n")
    try run("lmctl convert m.json decimal.json --tensors decimal", folder)
    let checkpoint = try JSONValue(parsing: try folder.read("decimal.json"), file: "decimal.json")
    func tensor(_ name: String) throws -> [Double] {
      let tensor = checkpoint["tensors"]?.elements?.first { $0["name"]?.stringValue == name }
      return try #require(tensor?["data"]?.elements).compactMap(\.doubleValue)
    }
    let vocabulary = try #require(checkpoint["vocabulary"]?.elements).compactMap(\.stringValue)
    let (weights, bias) = (try tensor("output.weights"), try tensor("output.bias"))
    let encoded = lines(try run("lmctl encode m.json one.txt --per token", folder))
    let words = sentence.split(separator: " ")
    // A line for each token, and an empty one.
    #expect(encoded.count == words.count + 1 && encoded.last == "")
    let eval = try run("lmctl eval m.json one.txt --per token --context sentence", folder).dropLast()
      .split(separator: "\t")
    for (i, line) in encoded.dropLast().enumerated() {
      let columns = line.split(separator: "\t")
      let features = columns.dropFirst().compactMap { Double($0) }
      #expect(columns[0] == words[i] && features.count == 7)
      let logits = vocabulary.indices.map { token in
        bias[token]
          + features.indices.reduce(0) { $0 + features[$1] * weights[$1 * vocabulary.count + token] }
      }
      let next = i + 1 < words.count ? String(words[i + 1]) : "</s>"
      let target = vocabulary.firstIndex(of: next) ?? 0
      let expected = logits[target] - log(logits.reduce(0) { $0 + exp($1) })
      #expect(abs(expected - (Double(eval[3 * (i + 1) + 1]) ?? .nan)) < 1e-4, "\(next)")
    }
  }

  @Test(
    "All lines at once are as one by one, and pools are those of the tokens' vectors",
    arguments: [
      "--model lstm --hidden 7 --embed 5", "--model nnlm --order 4 --hidden 7 --embed 5 --direct",
      "--model gru --unit char --hidden 7 --layers 2",
    ])
  func pools(options: String) throws {
    let folder = try folder(options)
    try run("head -n 40 test.txt > some.txt; cat few.txt >> some.txt", folder)
    let text = try run("cat some.txt", folder)
    let perToken = try run("lmctl encode m.json some.txt --per token", folder)
      .components(separatedBy: "\n\n").map { block in
        block.split(separator: "\n").map { numbers($0.drop { $0 != "\t" }) }.filter { !$0.isEmpty }
      }
    for pool in ["last", "max", "mean"] {
      let vectors = lines(try run("lmctl encode m.json some.txt --pool \(pool)", folder)).map(numbers)
      #expect(vectors.count == lines(text).count)
      let json = try run("lmctl encode m.json some.txt --pool \(pool) --json", folder)
      let arrays = try lines(json).map {
        try #require(JSONValue(parsing: Array($0.utf8), file: "").elements).compactMap(\.doubleValue)
      }
      #expect(arrays == vectors)
      let oneByOne = try lines(text).prefix(12).map { line in
        numbers(
          lines(
            try Executable.run(
              ["encode", "m.json", "--pool", pool], in: folder, input: "\(line)\n"
            ).output)[0])
      }
      #expect(largestDifference(Array(vectors.prefix(12)), oneByOne) < 1e-5)
      let full = vectors.filter { !$0.isEmpty }
      let expected = perToken.filter { !$0.isEmpty }.map { rows in
        rows[0].indices.map { i in
          let column = rows.map { $0[i] }
          return pool == "last"
            ? column[column.count - 1]
            : pool == "max" ? column.max() ?? .nan : column.reduce(0, +) / Double(column.count)
        }
      }
      #expect(largestDifference(full, expected) < 1e-5, "\(pool)")
    }
    let nested = try run("lmctl encode m.json some.txt --per token --json | jq -c 'map(length)'", folder)
    #expect(lines(nested).count == lines(text).count && lines(nested).contains("[]"))
  }

  @Test("Empty lines stay empty; in a stream, what came before counts")
  func lines() throws {
    let folder = try folder()
    let sentence = lines(try run("lmctl encode m.json few.txt few.txt", folder))
    #expect(sentence.map(\.isEmpty) == [false, true, false, true, false, false, true, false, true, false])
    #expect(Array(sentence[..<5]) == Array(sentence[5...]))
    let stream = lines(try run("lmctl encode m.json few.txt few.txt --context stream", folder))
    #expect(stream[0] == sentence[0] && stream[5] != stream[0] && stream[2] != sentence[2])
    let piped = try run("cat few.txt few.txt | lmctl encode m.json -", folder)
    #expect(largestDifference(lines(piped).map(numbers), sentence.map(numbers)) < 1e-5)
    #expect(try run("lmctl encode m.json < /dev/null", folder) == "")
    // What stands before a line that is no text is encoded, and an unknown word is said.
    let broken = try Executable.shell("printf 'the\\nzebra\\n\\xff\\n' | lmctl encode m.json -", in: folder)
    #expect(
      broken.status == 1 && lines(broken.output).count == 2 && broken.error.contains("standard input:3: "))
    let unknown = try Executable.shell("echo the zebra | lmctl encode m.json", in: folder)
    #expect(unknown.error == "lmctl: 1 token of the text not in the model's vocabulary\n")
  }

  @Test("A program can ask for one line after the other", arguments: ["", "--context stream"])
  func coprocess(options: String) throws {
    let folder = try folder()
    let answers = try run(
      """
      coproc ENCODER { lmctl encode m.json \(options); }
      while read -r s; do
        echo "$s" >&"${ENCODER[1]}"
        read -r -t 20 -u "${ENCODER[0]}" line || { echo none; exit 1; }
        echo "$line"
      done < few.txt
      """, folder)
    let expected = try run("lmctl encode m.json few.txt \(options)", folder)
    #expect(largestDifference(lines(answers).map(numbers), lines(expected).map(numbers)) < 1e-5)
  }

  @Test(
    "One sentence says what is wrong",
    arguments: [
      Mistake("lmctl encode", 2, "no model; give the checkpoint of a network, then the texts"),
      Mistake("lmctl encode ngram.json few.txt", 1, "holds a model of kind 'ngram', which has no features"),
      Mistake("lmctl encode m.json m.json", 1, "m.json: is a model of lmctl, not a text; models come before"),
      Mistake("lmctl encode m.json none.txt", 1, "none.txt: no such file"),
      Mistake("lmctl encode - < m.json", 2, "standard input ('-') can be read only once"),
      Mistake("lmctl encode m.json few.txt --pool sum", 2, "--pool takes one of last, max, mean"),
      Mistake(
        "lmctl encode m.json few.txt --per token --pool max", 2, "--per token and --pool exclude each other"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try folder()
    try run("lmctl train --model ngram train.txt --quiet -o ngram.json", folder)
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status, "\(outcome.error)")
    #expect(outcome.error.contains(mistake.message) && outcome.output == "", "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1, "\(outcome.error)")
  }
}
