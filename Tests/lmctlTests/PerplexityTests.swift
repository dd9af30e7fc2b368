import Foundation
import TestSupport
import Testing

/// What a perplexity counts, what it is worth, and the text that it is of.
@Suite("Perplexity")
struct PerplexityTests {
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
    let folder = try fixtureFolder()
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
    let folder = try fixtureFolder()
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
    let folder = try fixtureFolder()
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
    let folder = try fixtureFolder()
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
    let folder = try fixtureFolder()
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
    // Line ends that are not scored are no bytes of the text.
    let ends = try json("--no-eos", ".cross_entropy_bits * .tokens / .bits_per_byte")[0]
    #expect(abs(ends - Double(try fixtureFolder().read("test.txt").count) + sentences) < 1e-6)
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
    let folder = try fixtureFolder()
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
    let folder = try fixtureFolder()
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
}
