import Foundation
import TestSupport
import Testing

/// Numbers that came out wrong, or misled, in silence; each with the right value.
@Suite("Numbers")
struct NumberTests {
  /// A folder with all small inputs.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let fixtures = "\(projectFolder)/Tests/lmctlTests/Fixtures"
    for name in try FileManager.default.contentsOfDirectory(atPath: fixtures) {
      try folder.write(name, [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name)"))))
    }
    return folder
  }

  private func number(_ line: String, _ folder: TemporaryFolder) throws -> Double {
    try #require(Double(try run(line, folder).trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  // MARK: Models that do not sum to one

  @Test(
    "A rounded model is sampled from as it is scored, and says by how much it misses", arguments: [2, 4, 8])
  func quantized(bits: Int) throws {
    let folder = try folder()
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
    let folder = try folder()
    #expect(abs(try number("lmctl eval --perplexity --quiet vtff.arpa vtff.txt", folder) - 6.3197) < 1e-4)
  }

  @Test("Zero is -99 in ARPA files both ways, and numbers that did not change keep their digits")
  func zero() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --smoothing none --min-count 1 --quiet voc_src.txt -o v.json", folder)
    try run("lmctl convert v.json v.arpa; lmctl convert v.arpa w.json; lmctl convert w.json w.arpa", folder)
    for model in ["v.json", "v.arpa", "w.json"] {
      #expect(try run("lmctl eval --perplexity --quiet \(model) t.txt", folder) == "inf\n")
    }
    try run("cmp v.arpa w.arpa; lmctl convert vtff.arpa x.json; lmctl convert x.json x.arpa", folder)
    #expect(try run("grep -c -- '-99' v.arpa", folder) != "0\n")
    #expect(try run("grep -c -- '-98.9' v.arpa; true", folder) == "0\n")
    let digits = "grep -o -- '-[0-9.]*' | sort -u"
    #expect(try run("\(digits) < x.arpa", folder) == run("\(digits) < vtff.arpa", folder))
    #expect(
      try run("lmctl eval --json v.json t.txt | jq -c '[.perplexity, .cross_entropy_nats]'", folder)
        == #"["inf","inf"]"# + "\n")
  }

  @Test("A weight beyond single precision is an error with its line")
  func overflow() throws {
    let outcome = try Executable.shell("lmctl eval arpa-inf.arpa t.txt", in: try folder())
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.error.hasPrefix("lmctl: arpa-inf.arpa:8: '1e39'"))
  }

  @Test("Text rules come back from ARPA files, and can be given for those of others")
  func textRules() throws {
    let folder = try folder()
    for (options, text) in [
      ("--unit char", "test.txt"), ("--unit byte --context stream", "test.txt"),
      ("--lowercase", "captest.txt"),
      ("--unit mixed --punctuation split --digits zero --normalize nfc --fold-width", "test.txt"),
    ] {
      try run(
        "lmctl train --model ngram --quiet \(options) corp.txt -o m.json; lmctl convert m.json m.arpa", folder
      )
      try run(
        "lmctl train --model ngram --quiet \(options) corp.txt -o direct.arpa; cmp m.arpa direct.arpa", folder
      )
      let perplexity = try run("lmctl eval --perplexity m.json \(text)", folder)
      #expect(try run("lmctl eval --perplexity m.arpa \(text)", folder) == perplexity)
      try run("lmctl convert m.arpa n.json", folder)
      #expect(try run("lmctl eval --perplexity n.json \(text)", folder) == perplexity)
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

  @Test("Words of foreign models hold no-break and ideographic spaces; a file without <s> gets a remark")
  func foreignWords() throws {
    let folder = try folder()
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
    let folder = try folder()
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
    #expect(try run("lmctl eval b.json model.txt test.txt | grep -c compared; true", folder) == "0\n")
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

  // MARK: What a perplexity means

  private static let chinese = "今天天气很好我们去公园散步。\n他在图书馆里看了一整天的书。\n这个城市的交通非常方便。\n"
  private static let japanese = "今日は天気がいいので公園を散歩しました。\n彼は図書館で一日中本を読んでいました。\nこの町の交通はとても便利です。\n"
  private static let thai =
    "วันนี้อากาศดีมากเราจึงไปเดินเล่นที่สวนสาธารณะ\nเขานั่งอ่านหนังสืออยู่ในห้องสมุดทั้งวัน\nการเดินทางในเมืองนี้สะดวกมาก\n"

  @Test(
    "Text without spaces is warned about in words, and only there",
    arguments: [("chinese", chinese), ("japanese", japanese), ("thai", thai)],
    ["word", "mixed", "char", "byte"])
  func unsegmented(language: (name: String, text: String), unit: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("text.txt", text: language.text)
    let train = "lmctl train --model ngram --min-count 1 --unit \(unit) text.txt -o m.json"
    let training = try Executable.shell(train, in: folder)
    #expect(training.status == 0)
    let isWarned = unit == "word" || (unit == "mixed" && language.name == "thai")
    let sign = "look like sentences of a language that writes no spaces"
    #expect(training.error.contains(sign) == isWarned, "\(training.error)")
    #expect(try run("lmctl eval m.json text.txt", folder).contains(sign) == isWarned)
    #expect(
      try run("lmctl eval m.json text.txt --json | jq '.warnings | length'", folder)
        == (isWarned ? "1\n" : "0\n"))
    let bare = try Executable.shell("lmctl eval m.json text.txt --perplexity", in: folder)
    #expect(bare.error.contains(sign) == isWarned)
  }

  @Test("Many unknown words are said with the result, and with old words for a new text")
  func unknown() throws {
    let folder = try folder()
    try folder.write("english.txt", text: String(repeating: "the cat sat on the mat\n", count: 20))
    try run("lmctl train --model rnn --hidden 4 --epochs 1 --quiet corp.txt -o m.json", folder)
    let result = try run("lmctl eval m.json english.txt", folder)
    #expect(
      result.contains("warning")
        && result.contains("share little vocabulary: 85.7 % of the tokens are unknown"))
    let tuned = try Executable.shell(
      "lmctl train --init-from m.json --epochs 1 english.txt -o n.json", in: folder)
    #expect(tuned.error.contains("share little vocabulary"), "\(tuned.error)")
    #expect(try run("lmctl eval m.json test.txt --json | jq -c .warnings", folder) == "[]\n")
  }

  // MARK: Vocabularies, bytes, temperatures

  @Test("Vocabularies come back, whatever their tokens")
  func vocabularies() throws {
    let folder = try folder()
    try run("lmctl tokenize --unit byte --vocab-out v crlf_big.txt --quiet > ids; grep -c '' v", folder)
    try run("lmctl train --model ngram --unit byte --vocab v --quiet crlf_big.txt -o m.json", folder)
    #expect(
      try run("jq '.vocabulary | length' m.json; wc -l < v; jq .training.unknown m.json", folder)
        == "12\n12\n0\n")
    try folder.write("all", (0...255).map { UInt8($0) })
    for unit in ["byte", "char"] {
      let text = unit == "byte" ? "all" : "corp.txt"
      let options = "--unit \(unit) --min-count 1 \(text) --quiet"
      try run("lmctl tokenize \(options) --vocab-out v > a", folder)
      try run("lmctl tokenize --unit \(unit) --vocab v \(text) --quiet | cmp - a", folder)
      try run(
        "lmctl tokenize --unit \(unit) --reverse a > back; head -c $(wc -c < \(text)) back | cmp - \(text)",
        folder)
      try run("lmctl tokenize --unit \(unit) --vocab v --ids \(text) --quiet > i", folder)
      try run("lmctl tokenize --unit \(unit) --vocab v --ids --reverse i | cmp - back", folder)
    }
    // Lists separated by blanks, and SRILM's counts.
    try folder.write("blanks", text: "red blue green\n")
    try folder.write("srilm", text: "red\t5\nblue\t4\ngreen\t2\n")
    for list in ["blanks", "srilm"] {
      try run("lmctl train --model ngram --vocab \(list) --quiet voc_src.txt -o m.json", folder)
      #expect(try run("jq -c .vocabulary m.json", folder) == #"["<unk>","</s>","red","blue","green"]"# + "\n")
    }
  }

  @Test("Bits per byte do not depend on line ends or byte order marks", arguments: ["word", "char", "mixed"])
  func bitsPerByte(unit: String) throws {
    let folder = try folder()
    try run(
      "sed 's/$/\\r/' test.txt > crlf.txt; (printf '\\xef\\xbb\\xbf'; cat test.txt) > bom.txt; "
        + "lmctl train --model ngram --min-count 1 --unit \(unit) --quiet corp.txt -o m.json", folder)
    let values = try ["test", "crlf", "bom"].map {
      try run("lmctl eval --json m.json \($0).txt | jq .bits_per_byte", folder)
    }
    #expect(Set(values).count == 1)
    if unit == "word" { #expect(values[0].hasPrefix("1.1773")) }
    // A held-out part has its own bytes.
    let held = try ["test", "crlf", "bom"].map { name in
      try run(
        "lmctl train --model ngram --unit \(unit) --holdout 0.5 \(name).txt -o h.json | grep 'bits per byte'",
        folder)
    }
    #expect(Set(held).count == 1)
  }

  @Test("Temperatures of nearly nothing are nothing; prompts that are not UTF-8 follow --invalid")
  func sampling() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --min-count 1 --quiet corp.txt -o m.json", folder)
    let coldest = try run("lmctl sample m.json --temperature 0 --seed 1", folder)
    #expect(coldest.count > 10)
    for temperature in ["1e-30", "1e-39", "1e-45", "1e-300"] {
      #expect(try run("lmctl sample m.json --temperature \(temperature) --seed 1", folder) == coldest)
    }
    let sample = "lmctl sample m.json --seed 1 --quiet --prompt $(printf 'du\\xff')"
    let refused = try Executable.shell(sample, in: folder)
    #expect(refused.status == 1 && refused.error.hasPrefix("lmctl: prompt:1: invalid UTF-8"))
    #expect(try run("\(sample) --invalid replace", folder).hasPrefix("du\u{FFFD} "))
  }

  // MARK: Numbers that can be compared

  @Test("What counts can be chosen, and is said")
  func counting() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --quiet corp.txt -o m.json", folder)
    func json(_ options: String, _ filter: String) throws -> [Double] {
      try run("lmctl eval m.json test.txt --json \(options) | jq '\(filter)'", folder).split(separator: "\n")
        .compactMap {
          Double($0)
        }
    }
    let plain = try json(
      "", ".cross_entropy_nats, .tokens, .unknown, .sentences, .ppl1, .bits_per_character, .bits_per_byte")
    let (entropy, tokens, unknown, sentences) = (plain[0], plain[1], plain[2], plain[3])
    #expect(abs(log(plain[4]) - entropy * tokens / (tokens - sentences)) < 1e-9)
    #expect(abs(plain[5] - plain[6]) < 1e-12)
    #expect(
      abs(try json("--oov-types 1000", ".cross_entropy_nats")[0] - entropy - log(1000) * unknown / tokens)
        < 1e-5)
    #expect(
      abs(try json("--unk-penalty 2.5", ".cross_entropy_nats")[0] - entropy - 2.5 * unknown / tokens) < 1e-5)
    #expect(try json("--no-eos", ".tokens")[0] == tokens - sentences)
    #expect(abs(try json("--log10", ".log10_probability")[0] + entropy * tokens / log(10)) < 1e-6)
    // Without <s>, the first word of a sentence has its unigram's probability.
    let first = try run("head -1 test.txt | lmctl eval m.json --per token --no-bos | cut -f 3", folder)
    #expect(first == "1\n")
    // The figures of sentences by both rules are those of the whole.
    for options in ["--no-bos", "--no-eos", "--no-bos --no-eos", ""] {
      let sum = try number(
        "lmctl eval m.json --per sentence \(options) test.txt | awk '{ s += $3; n += $1 } END { printf \"%.9f\", -s / n }'",
        folder)
      #expect(abs(sum - (try json(options, ".cross_entropy_nats")[0])) < 1e-6, "\(options)")
    }
    let keys = [
      "text", "unit", "vocabulary_size", "vocabulary_fingerprint", "lmctl_version", "ppl1", "warnings",
    ]
    #expect(
      try run("lmctl eval m.json test.txt --json | jq -r 'keys[]'", folder).split(separator: "\n").map(
        String.init
      )
      .filter(keys.contains).count == keys.count)
  }

  @Test("Files are scored one by one, pooled, and as a macro average; unknown words keep their text")
  func details() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --quiet corp.txt -o m.json; head -9 test.txt > part.txt", folder)
    let rows = try run("lmctl eval m.json --per file test.txt part.txt", folder).split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
    #expect(rows.map { $0[0] } == ["test.txt", "part.txt", "pooled", "macro average"])
    let costs = try rows.map { try #require(Double($0[4])) }
    let counts = try rows[..<3].map { try #require(Double($0[2])) }
    #expect(abs(costs[3] - (costs[0] + costs[1]) / 2) < 1e-7)
    #expect(abs(costs[2] - (costs[0] * counts[0] + costs[1] * counts[1]) / counts[2]) < 1e-7)
    #expect(
      try run("lmctl eval m.json --per file test.txt part.txt --json | jq -r .text", folder)
        == "test.txt\npart.txt\npooled\nmacro average\n")
    let unknown = try run("echo 'du zebra' | lmctl eval m.json --per token", folder)
    #expect(unknown.split(separator: "\t").map(String.init)[3] == "zebra/<unk>")
    #expect(
      try run(
        "echo 'du zebra' | lmctl eval m.json --per token --json | jq -c '[.scores[] | [.token, .unknown]]'",
        folder)
        == #"[["du",null],["zebra",true],["</s>",null]]"# + "\n")
    try run("lmctl train --model rnn --hidden 4 --epochs 1 --quiet corp.txt -o r.json", folder)
    let lines = try Executable.shell("lmctl eval r.json --per sentence test.txt", in: folder)
    #expect(lines.error.components(separatedBy: "--context sentence").count == 2)
    #expect(
      try Executable.shell("lmctl eval r.json --per sentence --context stream test.txt", in: folder).error
        == "")
  }

  @Test(
    "A closed vocabulary gives <unk> nothing",
    arguments: ["modified-kneser-ney", "witten-bell", "additive", "good-turing", "jelinek-mercer"])
  func closed(smoothing: String) throws {
    let folder = try folder()
    try run("lmctl train --model ngram --closed --smoothing \(smoothing) --quiet corp.txt -o m.json", folder)
    try run("lmctl inspect --check m.json", folder)
    #expect(try run("echo zebra | lmctl eval m.json --per token | cut -f 2", folder) == "-inf\n")
    let open = try number(
      "lmctl train --model ngram --min-count 1 --smoothing \(smoothing) --quiet corp.txt -o o.json; lmctl eval --perplexity o.json corp.txt",
      folder)
    #expect(try number("lmctl eval --perplexity m.json corp.txt", folder) <= open)
    let refused = try Executable.shell(
      "lmctl train --model ngram --closed --min-count 3 corp.txt -o x.json", in: folder)
    #expect(refused.status == 1 && refused.error.contains("not in the vocabulary; use --min-count 1"))
  }

  // MARK: Text rules

  @Test("Text rules make the tokens that they say, and are kept in the model")
  func rules() throws {
    let folder = try TemporaryFolder()
    for (options, text, tokens) in [
      ("--punctuation split", "Don't, he said: 3.14!", "Don't , he said : 3.14 ! </s>"),
      ("--punctuation drop", "\"Well,\" he said.", "Well he said </s>"),
      ("--digits zero", "in 1984 on day 7", "in 0000 on day 0 </s>"),
      ("--digits drop", "in 1984 on day 7", "in on day </s>"),
      ("--digits split", "in 1984", "in 1 9 8 4 </s>"),
      ("--normalize nfc", "か\u{3099} が", "が が </s>"),
      ("--fold-width", "ＡＢＣ　１２ ｶﾞ", "ABC 12 ガ </s>"),
      ("--separator '|'", "New York|is|big", "New\\u{20}York is big </s>"),
      ("--separator ascii", "a\u{A0}b c", "a\\u{a0}b c </s>"),
      ("--unit mixed", "東京 is a big 都市 です", "東 京 is a big 都 市 で す </s>"),
      ("--unit mixed --punctuation split --lowercase", "Tokyo, 東京。", "tokyo , 東 京 。 </s>"),
    ] {
      try folder.write("text.txt", text: text + "\n")
      #expect(try run("lmctl tokenize \(options) text.txt", folder) == tokens + "\n", "\(options)")
      try run("lmctl train --model ngram --min-count 1 --quiet \(options) text.txt -o m.json", folder)
      #expect(try run("lmctl tokenize --checkpoint m.json text.txt", folder) == tokens + "\n", "\(options)")
      #expect(try run("lmctl eval m.json text.txt --json | jq .unknown", folder) == "0\n")
      // Networks keep them too, and so does a run that begins with one.
      let train =
        "lmctl train --model rnn --hidden 4 --max-steps 2 --min-count 1 --quiet \(options) text.txt -o r.json"
      try run("\(train); lmctl train --init-from r.json --max-steps 1 --quiet text.txt -o s.json", folder)
      #expect(try run("lmctl tokenize --checkpoint s.json text.txt", folder) == tokens + "\n", "\(options)")
      let changed = try Executable.shell(
        "lmctl train --init-from r.json --unit byte --max-steps 1 text.txt", in: folder)
      #expect(changed.status == 2 && changed.error.contains("--unit cannot change"), "\(changed.error)")
    }
    try folder.write("back", text: "東 京 is a big 都 市 </s>\n")
    #expect(try run("lmctl tokenize --unit mixed --reverse back", folder) == "東京is a big都市\n")
    let conflict = try Executable.shell("lmctl tokenize --unit byte --normalize nfc back", in: folder)
    #expect(conflict.status == 2 && conflict.error.contains("--normalize"), "\(conflict.error)")
  }

  // MARK: Divergence and checks

  @Test("Training that diverged does not end well")
  func divergence() throws {
    let folder = try folder()
    for (options, advice) in [
      ("--model rnn --hidden 8 --optimizer adam --lr 100 --epochs 2", "try a lower --lr, such as 0.001"),
      ("--model rnn --hidden 8 --optimizer adam --lr 100 --epochs 60", "try a lower --lr, such as 0.001"),
      ("--model rnn --optimizer sgd --lr 500 --clip 0", "and clip gradients (--clip 1)"),
    ] {
      let outcome = try Executable.shell("lmctl train \(options) --quiet corp.txt -o m.json", in: folder)
      #expect(outcome.status == 1, "\(options)")
      #expect(
        outcome.error.contains(advice) && !outcome.error.contains("or a lower --clip"), "\(outcome.error)")
      #expect(!folder.contents.contains("m.json"))
    }
    for steps in [1, 2, 5] {
      try run("lmctl train --model lstm --hidden 8 --max-steps \(steps) --quiet corp.txt -o m.json", folder)
    }
  }

  @Test("Models can be checked", arguments: ["nnlm", "rnn", "gru", "lstm"])
  func check(kind: String) throws {
    let folder = try folder()
    try run("lmctl train --model \(kind) --hidden 8 --embed 8 --epochs 1 --quiet corp.txt -o m.json", folder)
    let report = try run("lmctl inspect --check m.json", folder)
    for line in [
      "seen ", "partly seen ", "unseen ", "embedding ", "output.weights ", "all is as it should be",
    ] {
      #expect(report.contains(line), "\(line)")
    }
    #expect(
      try run("lmctl inspect --check --json m.json | jq -c '[.fault, (.gradients | all(.right))]'", folder)
        == "[null,true]\n")
  }

  @Test("A model whose numbers were changed fails the check")
  func checkFails() throws {
    let folder = try folder()
    try run(
      "lmctl train --model ngram --tensors decimal --quiet corp.txt -o m.json; lmctl inspect --check m.json",
      folder)
    // A likely word becomes likelier than all together may be.
    try run(
      "jq -c '(.tensors[] | select(.name == \"log_probabilities\")) |= (.data[1] = -0.1 | del(.crc32))' m.json > n.json",
      folder)
    let outcome = try Executable.shell("lmctl inspect --check n.json", in: folder)
    #expect(outcome.status == 1 && outcome.error.contains("do not sum to one"), "\(outcome.error)")
  }
}
