import Foundation
import TestSupport
import Testing

/// What other programs ask of `lmctl sample`.
@Suite("Samples for pipelines")
struct SampleTests {
  private static let text = "naïve café\n\n東京 is 大きい\na b c\n"

  private func folder(unit: String, model: String = "ngram --order 4") throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("t.txt", text: String(repeating: Self.text, count: 5))
    let network = model == "ngram --order 4" ? "" : "--epochs 1 --hidden 8 --embed 8 --batch 2"
    try run("lmctl train --model \(model) --unit \(unit) \(network) t.txt --quiet -o m.json", folder)
    return folder
  }

  private func objects(_ options: String, _ folder: TemporaryFolder) throws -> [[String: Any]] {
    try run("lmctl sample m.json --seed 7 --json \(options)", folder).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test("Sentence markers in prompts and held-out texts are dropped with a warning")
  func markers() throws {
    let folder = try folder(unit: "word")
    try folder.write("marked.txt", text: "a b c\n<s> a b c </s>\n")
    for line in [
      "lmctl sample m.json --seed 1 --prompt 'a </s> <s> b'", "lmctl mix m.json m.json --tune marked.txt",
      "lmctl train --model ngram t.txt --smoothing absolute --tune marked.txt -o t.json",
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(
        outcome.status == 0 && outcome.error.contains("warning: dropped 2 literal <s> or </s>"), "\(line)")
    }
  }

  @Test(
    "--length draws exactly so many tokens, and lines end where sentences do",
    arguments: ["word", "mixed", "char", "byte"], ["ngram --order 4", "lstm"])
  func length(unit: String, model: String) throws {
    let folder = try folder(unit: unit, model: model)
    let isFine = unit == "char" || unit == "byte"
    for context in ["sentence", "stream"] {
      let samples = try objects("--length 57 --count 3 --context \(context)", folder)
      #expect(samples.count == 3)
      for sample in samples {
        let tokens = try #require(sample["tokens"] as? [String])
        let text = try #require(sample["text"] as? String)
        #expect(tokens.count == 57)
        let end = isFine ? "\n" : "</s>"
        let lines = tokens.filter { $0 == end }.count
        #expect(
          text.split(separator: "\n", omittingEmptySubsequences: false).count == lines
            + (tokens.last == end ? 0 : 1))
        if unit == "word" {
          #expect(text.split { $0.isWhitespace }.map(String.init) == tokens.filter { $0 != end })
        } else if unit == "char" {
          #expect(text + (tokens.last == end ? "\n" : "") == tokens.joined())
        }
      }
      let texts = samples.compactMap { $0["text"] as? String }
      // Bytes that are not UTF-8 are no text for JSON, so these are compared by their number.
      if unit != "byte" {
        #expect(
          try run("lmctl sample m.json --seed 7 --length 57 --count 3 --context \(context)", folder)
            == texts.joined(separator: "\n") + "\n")
      } else {
        let count = try number(
          "lmctl sample m.json --seed 7 --length 57 --context \(context) | wc -c", folder)
        #expect(count == 57 + (samples[0]["ended"] as? Bool == true ? 0 : 1))
      }
    }
  }

  @Test("In a stretch, sentences start afresh or go on, and its score is that of the text")
  func stretch() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --min-count 1 train.txt --quiet -o m.json", folder)
    for context in ["sentence", "stream"] {
      let sample = try objects("--unk --length 200 --context \(context)", folder)[0]
      try folder.write("drawn.txt", text: try #require(sample["text"] as? String) + "\n")
      // eval ends the last sentence, which the sample did not.
      let costs = try run("lmctl eval m.json --per token --context \(context) drawn.txt", folder)
        .split { $0 == "\t" || $0 == "\n" }.enumerated().filter { $0.offset % 3 == 1 }.compactMap {
          Double($0.element)
        }
      #expect(costs.count == (sample["ended"] as? Bool == true ? 200 : 201))
      let score = try #require(sample["log_probability"] as? Double)
      #expect(abs(costs.prefix(200).reduce(0, +) - score) < 1e-3)
    }
  }

  @Test("Objects say what was drawn, after what, by which seed, and whether it ended")
  func json() throws {
    let folder = try folder(unit: "word")
    let sample = try objects("--prompt 'a zzz' --max-tokens 1 --unk", folder)[0]
    #expect(Set(sample.keys) == ["text", "tokens", "log_probability", "ended", "prompt", "seed"])
    #expect(sample["prompt"] as? String == "a zzz" && sample["seed"] as? Int == 7)
    let tokens = try #require(sample["tokens"] as? [String])
    let isEnded = try #require(sample["ended"] as? Bool)
    #expect(tokens.count == 1 && isEnded == (tokens == ["</s>"]))
    let score = try run(
      "lmctl sample m.json --seed 7 --prompt 'a zzz' --max-tokens 1 --unk --show-score | cut -f1", folder)
    #expect(
      abs(try #require(Double(score.dropLast())) - #require(sample["log_probability"] as? Double)) < 1e-6)
    for sample in try objects("--count 20", folder) {
      #expect(sample["ended"] as? Bool == true && (sample["tokens"] as? [String])?.last == "</s>")
      #expect((sample["text"] as? String)?.contains("\n") == false)
    }
    // Each line is written when it is drawn: a reader of the first is not kept waiting for the second prompt.
    let first = try run(
      "(echo a; sleep 5) | lmctl sample m.json --json --prompt-file - | (timeout 3 head -n 1 | jq -r .prompt)",
      folder)
    #expect(first == "a\n")
  }

  @Test(
    "A seed gives the same bytes on any number of threads, and sample i is the same of 10 and of 100",
    arguments: ["lstm", "nnlm", "ngram --order 4"])
  func independence(model: String) throws {
    let folder = try folder(unit: "word", model: model)
    for options in [
      "", "--context stream --json", "--temperature 0.7 --show-score", "--top-k 3", "--top-p 0.8",
      "--length 30",
      "--prompt 'a b' --no-echo",
    ] {
      let sample = "lmctl sample m.json --seed 5 --max-tokens 20 \(options)"
        .replacingOccurrences(of: "--max-tokens 20 --length", with: "--length")
      try run(
        "\(sample) --count 100 --threads 1 > one; \(sample) --count 100 --threads 2 | cmp - one", folder)
      // A sample of a given length has several lines.
      try run("\(sample) --count 10 > ten; head -c $(stat -c %s ten) one | cmp - ten", folder)
      #expect(try run("sort -u one | wc -l", folder) != "1\n")
    }
  }

  @Test(
    "A program can ask for one sample after the other, and prompts give the same all at once",
    arguments: ["lstm", "ngram --order 4"])
  func coprocess(model: String) throws {
    let folder = try folder(unit: "word", model: model)
    let sample = "lmctl sample m.json --seed 5 --count 2 --max-tokens 9 --prompt-file"
    let answers = try run(
      """
      coproc SAMPLER { \(sample) -; }
      for s in 'a b' 'naïve' 'is'; do
        echo "$s" >&"${SAMPLER[1]}"
        for i in 1 2; do
          read -r -t 10 -u "${SAMPLER[0]}" line || { echo none; exit 1; }
          echo "$line"
        done
      done
      """, folder)
    try folder.write("p.txt", text: "a b\nnaïve\nis\n")
    #expect(try run("\(sample) p.txt", folder) == answers)
    #expect(answers.split(separator: "\n").map { $0.first } == ["a", "a", "n", "n", "i", "i"])
  }

  @Test("A benchmark tells how fast networks write, and many samples come faster than one")
  func benchmark() throws {
    let folder = try TemporaryFolder()
    let speeds = try run(
      "lmctl benchmark sample-char-lstm-512 --seconds 0.2 --threads 1 --json | jq -c '.configurations, (.generation[] "
        + "| .name, .rows, .words_per_second_one > 0, .words_per_second_many > .words_per_second_one)'",
      folder)
    #expect(speeds == "[]\n\"sample-char-lstm-512\"\n96\ntrue\ntrue\n")
    let table = try run("lmctl benchmark sample-char-lstm-512 --seconds 0.05", folder)
    #expect(table.contains("one, words/s") && !table.contains("GFLOP/s  of the peak"))
  }

  @Test("The prompt is left out on request")
  func noEcho() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram train.txt --quiet -o m.json", folder)
    let sample = "lmctl sample m.json --seed 3 --prompt 'The keeper'"
    #expect(try run(sample, folder) == "The keeper " + run("\(sample) --no-echo", folder))
  }

  @Test("A whole file is one prompt, over its lines, whose last one is gone on with if it does not end")
  func wholePrompt() throws {
    let folder = try folder(unit: "char")
    try folder.write("open.txt", text: "a b c\n\nnaïve c")
    try folder.write("closed.txt", text: "naïve c\n")
    let sample = "lmctl sample m.json --temperature 0 --prompt-whole"
    #expect(try run("\(sample) open.txt", folder) == "a b c\n\nnaïve café\n")
    #expect(try run("\(sample) open.txt --no-echo --count 2", folder) == "afé\nafé\n")
    #expect(
      try run("\(sample) closed.txt --no-echo < /dev/null", folder)
        == run("lmctl sample m.json --temperature 0", folder))
    #expect(try run("\(sample) - --no-echo < open.txt", folder) == "afé\n")
    // In a stream, what stands before the line end counts.
    try run(
      "lmctl train --model ngram --unit char --context stream --order 9 t.txt --quiet -o m.json", folder)
    try folder.write("stream.txt", text: "is 大きい\n")
    #expect(try run("\(sample) stream.txt --no-echo", folder) == "a b c\n")
    try folder.write("stream.txt", text: "naïve café\n")
    #expect(try run("\(sample) stream.txt --no-echo", folder) == "\n")
  }
}
