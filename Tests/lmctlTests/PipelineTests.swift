import Foundation
import TestSupport
import Testing

@Suite("Pipelines")
struct PipelineTests {
  private func folder() throws -> TemporaryFolder {
    let folder = try proseFolder()
    #expect(try run("lmctl train --model ngram --min-count 1 train.txt -o m.json", folder) == "")
    return folder
  }

  @Test("Perplexities agree with KenLM's to six digits")
  func kenlm() throws {
    // Made by: scripts/compare-kenlm --order 3 corpora/prose/train.txt corpora/prose/test.txt
    let folder = try folder()
    let json = try run(
      "lmctl eval m.json test.txt --json | jq '.perplexity, .perplexity_excluding_unknown'", folder)
    let values = json.split(separator: "\n").compactMap { Double($0) }
    #expect(abs(values[0] / 41.99171545556192 - 1) < 1e-6)
    #expect(abs(values[1] / 35.97269329262155 - 1) < 1e-6)
  }

  @Test("The same text gives the same bytes, from a file, a pipe or a compressed file")
  func sources() throws {
    let folder = try folder()
    try run("gzip -k train.txt; bzip2 -k train.txt; xz -k train.txt; zstd -q train.txt", folder)
    let train = "lmctl train --model ngram --min-count 1 --quiet"
    for source in ["train.txt", "train.txt.gz", "train.txt.bz2", "train.txt.xz", "train.txt.zst"] {
      try run("\(train) \(source) -o a.json && sed -i 's/\(source)/train.txt/' a.json", folder)
      // The header's checksum covers the name, which was changed for the comparison.
      #expect(try run("diff <(grep -v header_crc32 a.json) <(grep -v header_crc32 m.json)", folder) == "")
    }
    try run(
      "cat train.txt | \(train) -o - - | lmctl eval --perplexity - test.txt > a; lmctl eval --perplexity m.json test.txt > b; cmp a b",
      folder)
    try run("\(train) train.txt -o again.json && cmp again.json m.json", folder)
    try run("gzip -k m.json && lmctl eval --perplexity m.json.gz test.txt > a && cmp a b", folder)
  }

  @Test("Decimal tensors can be read by eye, and mean the same")
  func decimalTensors() throws {
    let folder = try folder()
    try run(
      "lmctl train --model ngram --min-count 1 --quiet --tensors decimal train.txt -o d.json", folder)
    #expect(
      try run("lmctl eval --perplexity d.json test.txt", folder)
        == run("lmctl eval --perplexity m.json test.txt", folder))
    #expect(
      try run("jq '.tensors[] | select(.name == \"words\") | .data[0] | type' d.json", folder)
        == "\"number\"\n")
  }

  @Test("The JSON of eval has every key of the contract, and its figures agree")
  func evaluationJSON() throws {
    let folder = try folder()
    let keys = try run("lmctl eval m.json test.txt --json | jq -r 'keys_unsorted | join(\" \")'", folder)
    #expect(
      keys.hasPrefix(
        "model sentences tokens unknown cross_entropy_nats cross_entropy_bits bits_per_byte perplexity "
          + "perplexity_excluding_unknown perplexity_excluding_eos standard_error context seconds"))
    #expect(
      try run(
        "lmctl eval m.json test.txt --json | jq '(.cross_entropy_nats | exp) / .perplexity * 1e9 | round'",
        folder) == "1000000000\n")
    let sum = try run(
      "lmctl eval m.json test.txt --per sentence | awk '{ n += $1; s += $3 } END { printf \"%.4f\", exp(-s/n) }'",
      folder)
    let tokens = try run(
      "lmctl eval m.json test.txt --per token | awk -F'\\t' '{ for (i = 1; i < NF; i += 3) { n++; s += $(i+1) } } END { printf \"%.4f\", exp(-s/n) }'",
      folder)
    #expect(sum == "41.9917")
    #expect(tokens == "41.9917")
  }

  @Test("One line out for each line in, empty ones too, in text and JSON")
  func lines() throws {
    let folder = try folder()
    for options in ["--per sentence", "--per token", "--per sentence --json", "--per token --json"] {
      #expect(
        try run("printf 'the lamp\\n\\n \\nthe sea' | lmctl eval m.json \(options) | wc -l", folder) == "4\n")
    }
    let scores = try run(
      "echo The lamp | lmctl eval m.json --per token --json | jq -c '[.scores[] | .token, .order]'", folder)
    #expect(scores == "[\"The\",2,\"lamp\",3,\"</s>\",1]\n")
  }

  @Test("A program can talk to eval line by line")
  func coprocess() throws {
    let folder = try folder()
    let output = try run(
      """
      coproc SCORER { lmctl eval m.json --per sentence; }
      for s in 'the lamp' 'the sea and the lamp' ''; do
        echo "$s" >&"${SCORER[1]}"
        read -r -t 10 -u "${SCORER[0]}" tokens rest || { echo none; exit 1; }
        echo "$tokens"
      done
      """, folder)
    #expect(output == "3\n6\n0\n")
  }

  @Test("Cooler samples are likelier, and a seed decides them")
  func samples() throws {
    let folder = try folder()
    let perplexities = try ["1", "0.7", "0.4"].map { temperature in
      try run(
        "lmctl sample m.json --count 300 --seed 7 --temperature \(temperature) | lmctl eval --perplexity m.json",
        folder)
    }.compactMap { Double($0.dropLast()) }
    #expect(perplexities.count == 3 && perplexities[0] > perplexities[1] && perplexities[1] > perplexities[2])
    try run(
      "cmp <(lmctl sample m.json --count 9 --seed 7) <(lmctl sample m.json --count 9 --seed 7)", folder)
    #expect(try run("lmctl sample m.json --temperature 0 --count 3 | sort -u | wc -l", folder) == "1\n")
    #expect(try run("lmctl sample m.json --seed 1 --max-tokens 3 | wc -w", folder) == "3\n")
    #expect(
      try run("lmctl sample m.json --seed 1 --top-k 1 --top-p 0.5", folder)
        == run("lmctl sample m.json --temperature 0", folder))
    let score = try run("lmctl sample m.json --unk --seed 3 --show-score | cut -f1", folder)
    let rescored = try run(
      "lmctl sample m.json --unk --seed 3 | lmctl eval m.json --per sentence | cut -f3", folder)
    let (a, b) = (Double(score.dropLast()), Double(rescored.dropLast()))
    #expect(abs(try #require(a) - #require(b)) < 1e-3)
  }

  @Test("Prompts begin the sentences, from the command line or one by one from a pipe")
  func prompts() throws {
    let folder = try folder()
    let lines = try run(
      "printf 'The lamp\\nThe sea\\n' | lmctl sample m.json --prompt-file - --count 2 --seed 1", folder)
    let starts = lines.split(separator: "\n").map {
      $0.split(separator: " ").prefix(2).joined(separator: " ")
    }
    #expect(starts == ["The lamp", "The lamp", "The sea", "The sea"])
    #expect(try run("lmctl sample m.json --prompt 'The keeper' --seed 1", folder).hasPrefix("The keeper "))
  }

  @Test("Unknown words are drawn only if asked for; scores are then of the distribution without them")
  func noUnknown() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --min-count 5 --quiet train.txt -o u.json", folder)
    #expect(try run("lmctl sample u.json --unk --count 50 --seed 1 | grep -c '<unk>'", folder) != "0\n")
    for options in ["", "--temperature 0.8", "--top-k 50", "--temperature 0"] {
      #expect(
        try run(
          "lmctl sample u.json --count 20 --seed 1 \(options) | grep -c '<unk>' || true", folder) == "0\n")
    }
    #expect(
      try run("lmctl sample u.json --seed 1 --no-unk", folder) == run("lmctl sample u.json --seed 1", folder))
    // At temperature 0 both take the same way as long as that is not <unk>, and only the scores differ.
    let sample =
      "lmctl sample u.json --temperature 0 --max-tokens 1 --prompt 'The lamp' --no-echo --show-score"
    let known = try run(sample, folder).split(separator: "\t")
    let p = try run(
      "lmctl eval u.json --per token <<< 'The lamp \(known[1].dropLast())' | cut -f8", folder
    ).dropLast()
    let unknown = try run("lmctl eval u.json --per token <<< 'The lamp zzz' | cut -f8", folder).dropLast()
    let expected = try #require(Double(p)) - log(1 - exp(#require(Double(unknown))))
    #expect(abs(try #require(Double(known[0])) - expected) < 1e-5)
  }

  @Test("Characters and bytes make models too", arguments: ["char", "byte"])
  func units(unit: String) throws {
    let folder = try folder()
    try run(
      "printf 'naïve café\\n\\nnaïve\\n' > t; lmctl train --model ngram --order 6 --quiet --unit \(unit) t -o c.json",
      folder)
    // 17 or 19 in the first line; the empty line is a line end of its own.
    let tokens = unit == "char" ? 11 + 1 + 6 : 13 + 1 + 7
    #expect(try run("lmctl eval c.json t --json | jq .tokens", folder) == "\(tokens)\n")
    #expect(try run("lmctl sample c.json --temperature 0 --prompt 'naïve c'", folder) == "naïve café\n")
  }

  @Test("Tokenize shows, numbers and counts tokens, and its vocabulary trains the same model")
  func tokenize() throws {
    let folder = try folder()
    #expect(
      try run("printf 'A b\\n\\na  c\\n' | lmctl tokenize --lowercase", folder) == "a b </s>\na c </s>\n")
    #expect(try run("printf 'a b\\na\\n' | lmctl tokenize --min-count 2", folder) == "a <unk> </s>\na </s>\n")
    #expect(try run("printf 'a b\\na\\n' | lmctl tokenize --ids --min-count 1", folder) == "2 3 1\n2 1\n")
    #expect(
      try run("echo 'the lamp xyzzy' | lmctl tokenize --checkpoint m.json", folder) == "the lamp <unk> </s>\n"
    )
    #expect(try run("printf 'a b\\n' | lmctl tokenize --unit char", folder) == "a ▁ b \\n\n")
    try run("lmctl tokenize --min-count 1 --vocab-out v train.txt > /dev/null", folder)
    try run(
      "lmctl train --model ngram --quiet --vocab v train.txt -o v.json && cmp v.json m.json", folder)
    let stats = try run(
      "lmctl tokenize --stats --json train.txt --valid test.txt | jq -c '[.sentences, .tokens, .cutoffs[0].unknown]'",
      folder)
    #expect(stats == "[370,6324,21]\n")
  }

  @Test("Inspect shows what is inside")
  func inspect() throws {
    let folder = try folder()
    let table = try run("lmctl inspect m.json", folder)
    let digest = try run("sha256sum train.txt | cut -d' ' -f1", folder).dropLast()
    for part in [
      "modified-kneser-ney", "ngrams", "discounts", String(digest), "train.txt, 25612 bytes",
      "tensor log probabilities",
    ] {
      #expect(table.contains(part))
    }
    #expect(try run("lmctl inspect --json m.json | jq -c .configuration.order", folder) == "3\n")
  }
}
