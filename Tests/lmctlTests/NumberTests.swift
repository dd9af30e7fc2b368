import Foundation
import TestSupport
import Testing

/// Numbers that came out wrong, or misled, in silence; each with the right value.
@Suite("Numbers")
struct NumberTests {
  // MARK: Models that do not sum to one

  @Test(
    "A rounded model is sampled from as it is scored, and says by how much it misses", arguments: [2, 4, 8])
  func quantized(bits: Int) throws {
    let folder = try fixtureFolder()
    let train = "lmctl train --model ngram --min-count 1 --quiet corp.txt"
    try run("\(train) -o exact.json; \(train) --quantize \(bits) -o m.json", folder)
    let exact = try number("lmctl eval --perplexity exact.json test.txt", folder)
    let normalized = try number(
      "lmctl eval --json m.json test.txt | jq .probability_sums.normalized_perplexity", folder)
    #expect(normalized > 0.98 * exact && normalized < (bits == 2 ? 1.12 : 1.03) * exact)
    // Σp over the text's contexts, and the mean that the table shows.
    let mean = try number("lmctl eval --json m.json test.txt | jq .probability_sums.mean", folder)
    #expect(abs(mean - 1) < (bits == 2 ? 0.02 : 0.003))
    #expect(try run("lmctl eval m.json test.txt | grep -c 'sums of p'", folder) == "1\n")
    #expect(try Executable.shell("lmctl eval exact.json test.txt | grep 'sums of p'", in: folder).status == 1)
    // First words by all paths of sampling, by the same distribution: their frequencies differ by chance only.
    let draw = "lmctl sample m.json --max-tokens 1 --count 20000 --quiet --seed"
    let paths = ["", "--temperature 1.0000001", "--top-p 1", "--top-k 100000"].enumerated().map {
      i, options in
      "\(draw) \(i + 1) \(options) | sort | uniq -c | awk '{print $2, $1}' | sort > path\(i)"
    }
    for path in paths { try run(path, folder) }
    for other in 1..<paths.count {
      // χ² of two samples of the same size, with words seen less than 10 times together left out.
      let statistic = try run(
        "join path0 path\(other) | awk '$2 + $3 >= 10 { x += ($2 - $3)^2 / ($2 + $3); n++ } END { print x, n }'",
        folder
      ).split(separator: " ").compactMap { Double($0.trimmingCharacters(in: .newlines)) }
      let (chi, freedom) = (statistic[0], statistic[1])
      #expect(chi < freedom + 5 * (2 * freedom).squareRoot(), "path \(other): \(chi) on \(freedom)")
    }
  }

  // MARK: ARPA

  @Test("Words of KenLM's files may hold vertical tabs and form feeds; text is split as its query splits it")
  func verticalTabs() throws {
    let folder = try fixtureFolder()
    #expect(abs(try number("lmctl eval --perplexity --quiet vtff.arpa vtff.txt", folder) - 6.3197) < 1e-4)
  }

  @Test("Zero is -99 in ARPA files both ways, and numbers that did not change keep their digits")
  func zero() throws {
    let folder = try fixtureFolder()
    try run("lmctl train --model ngram --smoothing none --min-count 1 --quiet voc_src.txt -o v.json", folder)
    try run("lmctl convert v.json v.arpa; lmctl convert v.arpa w.json; lmctl convert w.json w.arpa", folder)
    for model in ["v.json", "v.arpa", "w.json"] {
      #expect(try run("lmctl eval --perplexity --quiet \(model) t.txt", folder) == "inf\n")
    }
    try run("cmp v.arpa w.arpa; lmctl convert vtff.arpa x.json; lmctl convert x.json x.arpa", folder)
    #expect(try run("grep -c -- '-99' v.arpa", folder) != "0\n")
    #expect(try run("grep -c -- '-98.9' v.arpa || true", folder) == "0\n")
    let digits = try ["x.arpa", "vtff.arpa"].map { try run("grep -o -- '-[0-9.]*' \($0) | sort -u", folder) }
    #expect(digits[0] == digits[1] && digits[0].contains("-0.63984853\n"))
    #expect(
      try run("lmctl eval --json v.json t.txt | jq -c '[.perplexity, .cross_entropy_nats]'", folder)
        == #"["inf","inf"]"# + "\n")
  }

  @Test("A weight beyond single precision is an error with its line")
  func overflow() throws {
    let outcome = try Executable.shell("lmctl eval arpa-inf.arpa t.txt", in: try fixtureFolder())
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.error.hasPrefix("lmctl: arpa-inf.arpa:8: '1e39'"))
  }

  @Test("Text rules come back from ARPA files, and can be given for those of others")
  func textRules() throws {
    let folder = try fixtureFolder()
    try folder.write("french.txt", text: "le prix : 20\u{A0}000 euros\n東 京|est 20\u{A0}000\n")
    for (options, text) in [
      ("--unit char", "test.txt"), ("--unit byte --context stream", "test.txt"),
      ("--lowercase", "captest.txt"),
      ("--unit mixed --punctuation split --digits zero --normalize nfc --fold-width", "test.txt"),
      ("--min-count 1", "french.txt"), ("--unit mixed --separator '|' --min-count 1", "french.txt"),
    ] {
      try run(
        "cat corp.txt french.txt > all.txt; lmctl train --model ngram --quiet \(options) all.txt -o m.json; lmctl convert m.json m.arpa",
        folder
      )
      try run(
        "lmctl train --model ngram --quiet \(options) all.txt -o direct.arpa; cmp m.arpa direct.arpa", folder
      )
      try run("lmctl convert m.arpa n.json", folder)
      let perplexities = try ["m.json", "m.arpa", "n.json"].map {
        try number("lmctl eval --perplexity \($0) \(text)", folder)
      }
      // ARPA files have seven decimals.
      #expect(perplexities.allSatisfy { abs($0 / perplexities[0] - 1) < 1e-6 }, "\(options): \(perplexities)")
      #expect(
        try run("lmctl inspect --json m.json | jq -c .tokenizer", folder)
          == run("lmctl inspect --json n.json | jq -c .tokenizer", folder))
    }
    // Without its first line, the lower-case model's file is that of another program.
    try run(
      "lmctl train --model ngram --quiet --lowercase corp.txt -o l.json; lmctl convert l.json l.arpa", folder)
    try run("sed 1,2d l.arpa > other.arpa", folder)
    let right = try run("lmctl eval --perplexity l.json captest.txt", folder)
    #expect(try run("lmctl eval --perplexity --quiet other.arpa captest.txt", folder) != right)
    #expect(try run("lmctl eval --perplexity other.arpa --lowercase captest.txt", folder) == right)
    let refused = try Executable.shell("lmctl eval l.json --lowercase captest.txt", in: folder)
    #expect(refused.status == 2 && refused.error.contains("l.json has text rules of its own"))
  }

  @Test("Back-off weights of the highest n-grams that there are count, as in KenLM")
  func emptyOrder() throws {
    let folder = try TemporaryFolder()
    let sections = [
      "\\data\\\nngram 1=5\nngram 2=1\nngram 3=0",
      "\\1-grams:\n-1\t<unk>\n-0.8\t</s>\n-99\t<s>\t-0.1\n-0.5\ta\t-0.1\n-0.9\tb\t-0.1",
      "\\2-grams:\n-0.1\t<s> a\t-0.3", "\\3-grams:", "\\end\\",
    ]
    try folder.write("e.arpa", text: sections.joined(separator: "\n\n") + "\n")
    try folder.write("t.txt", text: "a b\nb a b c\na a b\nb b\n")
    try run("lmctl convert e.arpa e.json; lmctl convert e.json f.arpa", folder)
    // What KenLM's query finds.
    for model in ["e.arpa", "e.json", "f.arpa"] {
      #expect(abs(try number("lmctl eval --perplexity --quiet \(model) t.txt", folder) - 6.91831) < 1e-5)
    }
  }

  @Test(
    "A sentence that nothing can follow ends, by every way of drawing, and it is said",
    arguments: ["", "--temperature 0.5", "--top-k 3", "--temperature 0"])
  func deadEnd(options: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("t.txt", text: "go rare1\ngo rare2\ngo rare3\n")
    try run("lmctl train --model ngram --smoothing none --order 2 t.txt --quiet -o m.json", folder)
    let outcome = try Executable.shell(
      "lmctl sample m.json --seed 1 --count 2 \(options)", in: folder)
    #expect(
      outcome.output == "go\ngo\n"
        && outcome.error.components(separatedBy: "nothing has a probability").count == 2)
  }

  @Test("Words of foreign models hold no-break and ideographic spaces; a file without <s> gets a remark")
  func foreignWords() throws {
    let folder = try fixtureFolder()
    let words = ["-1\t<unk>", "-1\t</s>", "-99\t<s>", "-0.5\ta\u{A0}b", "-0.5\t\u{3000}x"]
    func arpa(_ words: [String]) -> String {
      "\\data\\\nngram 1=\(words.count)\n\n\\1-grams:\n\(words.joined(separator: "\n"))\n\n\\end\\\n"
    }
    try folder.write("nb.arpa", text: arpa(words))
    try folder.write("nb.txt", text: "a\u{A0}b \u{3000}x\n")
    try run("lmctl convert nb.arpa nb.json", folder)
    for model in ["nb.arpa", "nb.json"] {
      #expect(try run("lmctl eval \(model) --per sentence nb.txt | cut -f 1,2", folder) == "3\t0\n")
    }
    try folder.write("no.arpa", text: arpa(words.filter { !$0.contains("<s>") }))
    #expect(try Executable.shell("lmctl eval no.arpa nb.txt", in: folder).error.contains("it has no <s>"))
  }

  // MARK: Models and texts

  @Test("Models are told from texts by their content, and nothing else is read as a text")
  func operands() throws {
    let folder = try fixtureFolder()
    try run("lmctl train --model ngram --min-count 1 --quiet corp.txt -o a.json", folder)
    try run("lmctl train --model ngram --quiet corp.txt -o b.json; lmctl convert b.json b.arpa", folder)
    try run("lmctl count corp.txt --quiet -o c.counts; mv b.arpa model.txt", folder)
    try run(
      "lmctl train --model rnn --hidden 4 --max-steps 3 --quiet corp.txt -o r.json --log run.jsonl; "
        + "lmctl train --model ngram corp.txt --print-config > c.json", folder)
    let both = try run("lmctl eval a.json b.json model.txt test.txt", folder)
    for perplexity in ["65.183", "50.317"] { #expect(both.contains(perplexity)) }
    // The vocabularies of the first and of the others are not the same, and marked.
    #expect(both.contains("370 *") && both.contains("300 **") && both.contains("cannot be compared"))
    #expect(
      try run("lmctl eval a.json b.json --json < test.txt | jq -c '[.[].vocabulary_size]'", folder)
        == "[370,300]\n")
    #expect(try run("lmctl eval b.json model.txt test.txt | grep -c compared || true", folder) == "0\n")
    for (file, what) in [
      ("b.json", "a model of lmctl"), ("model.txt", "an ARPA file"), ("run.jsonl", "a log of a training"),
      ("c.counts", "a file of counts"), ("c.json", "a configuration of lmctl"),
    ] {
      for command in [
        "eval a.json test.txt \(file)", "train --model ngram \(file) -o x.json", "tokenize \(file)",
        "count \(file)", "train --model ngram corp.txt --valid \(file) -o x.json", "tokenize - < \(file)",
        "sample a.json --prompt-file \(file)",
      ] {
        let outcome = try Executable.shell("lmctl \(command)", in: folder)
        #expect(outcome.status == 1, "\(command)")
        #expect(outcome.error.contains("is \(what), not a text"), "\(command): \(outcome.error)")
      }
      #expect(!folder.contents.contains("x.json"))
    }
    for (command, message) in [
      ("plot a.json", "a.json: is a model of lmctl, not a log"),
      ("count --merge a.json c.counts", "a.json: is a model of lmctl, not a file of counts"),
      ("train --model ngram --counts a.json", "a.json: is a model of lmctl, not a file of counts"),
      (
        "train --model ngram --vocab run.jsonl corp.txt",
        "run.jsonl: is a log of a training, not a list of tokens"
      ),
      ("train --config a.json", "a.json: is a model of lmctl, not a configuration"),
      ("eval run.jsonl test.txt", "run.jsonl: is a log of a training, not a model"),
      ("sample c.counts", "c.counts: is a file of counts, not a model"),
    ] {
      let outcome = try Executable.shell("lmctl \(command)", in: folder)
      #expect(outcome.status == 1 && outcome.error.contains(message), "\(command): \(outcome.error)")
    }
  }
}
