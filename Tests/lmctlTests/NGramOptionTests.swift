import Foundation
import TestSupport
import Testing

@Suite("N-gram options")
struct NGramOptionTests {
  private func perplexity(_ options: String, _ folder: TemporaryFolder, eval: String = "") throws -> Double {
    let train = "lmctl train --model ngram --quiet train.txt -o m.json \(options)"
    let text = try run("\(train) && lmctl eval --perplexity m.json test.txt \(eval)", folder)
    return try #require(Double(text.dropLast()))
  }

  @Test("Tuned discounts, deltas and weights never do worse on the text that they are tuned on")
  func tuning() throws {
    let folder = try proseFolder()
    for options in [
      "--smoothing modified-kneser-ney", "--smoothing kneser-ney --backoff", "--smoothing absolute",
      "--smoothing additive", "--smoothing modified-kneser-ney --backoff --order 2 --prune 0,1",
      "--smoothing jelinek-mercer",
    ] {
      let plain = try perplexity(options, folder)
      let tuned = try perplexity("\(options) --tune test.txt", folder)
      #expect(tuned <= plain, "\(options)")
    }
  }

  @Test("Pruning and quantization make smaller files, and say what it costs on held-out text")
  func reductions() throws {
    let folder = try proseFolder()
    let train = "lmctl train --model ngram --valid test.txt train.txt -o"
    try run("\(train) whole.json", folder)
    for (options, remark) in [
      ("--prune 0,0,1", "pruned "), ("--prune-entropy 1e-5", "pruned "),
      ("--prune-to 3000", " n-grams to 3000; "),
      ("--quantize 8", "quantized: ln p changed by "),
    ] {
      let outcome = try Executable.shell("\(train) small.json \(options)", in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.error.contains(remark), "\(outcome.error)")
      #expect(outcome.error.contains("perplexity on the held-out text "), "\(outcome.error)")
      let sizes = try run("wc -c < small.json; wc -c < whole.json", folder).split(separator: "\n").compactMap
      {
        Int($0.filter(\.isNumber))
      }
      #expect(sizes[0] < sizes[1], "\(options)")
      // The same in decimal numbers.
      try run("\(train) decimal.json \(options) --tensors decimal > /dev/null", folder)
      #expect(
        try run("lmctl eval --perplexity decimal.json test.txt", folder)
          == run("lmctl eval --perplexity small.json test.txt", folder))
      try run("lmctl sample small.json --seed 1 --count 20", folder)
    }
  }

  @Test("Stupid back-off scores lines and draws sentences")
  func stupidBackoff() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --smoothing stupid-backoff --quiet train.txt -o m.json", folder)
    #expect(try run("lmctl eval m.json --per sentence test.txt | wc -l", folder) == "42\n")
    #expect(
      try run("lmctl sample m.json --seed 3 --count 4", folder)
        == run("lmctl sample m.json --seed 3 --count 4", folder))
    #expect(try run("lmctl sample m.json --temperature 0 --max-tokens 5 | wc -l", folder) == "1\n")
  }

  @Test("A cache is counted in every form of output, and a tuned one never does worse on its text")
  func cache() throws {
    let folder = try proseFolder()
    let plain = try perplexity("--min-count 1", folder)
    let tuned = try perplexity("--min-count 1", folder, eval: "--cache 200 --tune test.txt --quiet")
    #expect(tuned < plain)
    #expect(try perplexity("--min-count 1", folder, eval: "--cache 200 --cache-weight 0") == plain)
    let cache = "--cache 200 --cache-weight 0.08"
    let json = try run(
      "lmctl eval m.json test.txt \(cache) --json | jq -c '[.cache, .cache_weight, (.perplexity * 1000 | round)]'",
      folder)
    let sum = try run(
      "lmctl eval m.json test.txt \(cache) --per sentence | awk '{ n += $1; s += $3 } END { printf \"%.0f\", 1000 * exp(-s/n) }'",
      folder)
    #expect(json == "[200,0.08,\(sum)]\n")
    #expect(
      try run("lmctl eval m.json test.txt \(cache)", folder).contains("the last 200 tokens, share 0.08"))
  }

  @Test("A cache goes with every kind of model", arguments: ["nnlm", "gru"])
  func cacheOfNetworks(kind: String) throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model \(kind) --hidden 8 --embed 4 --epochs 1 --quiet train.txt -o m.json", folder)
    let plain = try run("lmctl eval --cross-entropy m.json test.txt", folder)
    let mixed = try run(
      "lmctl eval --cross-entropy m.json test.txt --cache 100 --tune test.txt --quiet", folder)
    #expect(try #require(Double(mixed.dropLast())) < #require(Double(plain.dropLast())))
  }
}
