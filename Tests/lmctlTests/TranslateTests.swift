import Foundation
import LanguageModels
import TestSupport
import Testing

/// `lmctl train --task translate`, `translate`, and `eval` of translators.
@Suite("Translating")
struct TranslateTests {
  /// Words, and the same backward; every tenth sentence has a word that no other has.
  private static func pairs(_ count: Int, seed: UInt64) -> (sources: [String], targets: [String]) {
    var generator = SeededGenerator(seed: seed)
    let all = (0..<count).map { i in
      var words = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        ["a", "b", "c", "d", "e"].randomElement(using: &generator) ?? ""
      }
      if i % 5 == 0 { words[Int.random(in: 0..<words.count, using: &generator)] = "w\(seed)x\(i)" }
      return words
    }
    return (
      all.map { $0.joined(separator: " ") },
      all.map { words in words.reversed().map { $0.uppercased() }.joined(separator: " ") }
    )
  }

  private static let options = "--model lstm --hidden 40 --embed 16 --lr 0.01 --epochs 16 --batch 16 --quiet"

  /// A folder with pairs and a translator of them.
  private func folder(_ options: String = "") throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (part, count, seed) in [("train", 800, 3), ("test", 60, 4)] as [(String, Int, UInt64)] {
      let pairs = Self.pairs(count, seed: seed)
      try folder.write("\(part).src", text: pairs.sources.map { $0 + "\n" }.joined())
      try folder.write("\(part).tgt", text: pairs.targets.map { $0 + "\n" }.joined())
      try folder.write(
        "\(part).tsv", text: zip(pairs.sources, pairs.targets).map { "\($0)\t\($1)\n" }.joined())
    }
    if !options.isEmpty {
      try run("lmctl train --task translate \(Self.options) \(options) -o m.json", folder)
    }
    return folder
  }

  @Test("Sentences are translated, from two texts or one, and measured as sacreBLEU would")
  func translating() throws {
    let folder = try folder("train.src train.tgt --valid test.src,test.tgt")
    let result = try object("lmctl eval m.json test.src test.tgt --json", folder)
    #expect(try #require(result["perplexity"] as? Double) < 1.6)
    // A word that nobody has seen is unknown, and no reference says so: four of five can be right.
    let exact = try #require(result["exact"] as? Double)
    #expect(exact > 0.7 && exact <= 0.8, "\(exact)")
    try run(
      "lmctl translate m.json test.src > hyp.txt; lmctl translate m.json < test.src | cmp - hyp.txt", folder)
    #expect(try run("lmctl inspect --check m.json", folder).hasSuffix("\nall is as it should be\n"))
    let bleu = try object("lmctl bleu test.tgt hyp.txt --json", folder)
    #expect(bleu["bleu"] as? Double == result["bleu"] as? Double)
    #expect(bleu["exact"] as? Double == exact)
    #expect(
      try run(
        "lmctl eval m.json test.tsv --perplexity; lmctl eval m.json test.src test.tgt --perplexity", folder
      )
      .split(separator: "\n").map(String.init).allSatisfy {
        Double($0) == result["perplexity"] as? Double
          || abs((Double($0) ?? 0) - (result["perplexity"] as? Double ?? 1)) < 1e-6
      })
    // One text with tabs makes the same model.
    let two = try run("lmctl eval m.json test.tsv --per sentence", folder)
    try run(
      "lmctl train --task translate \(Self.options) train.tsv --valid test.tsv -o other.json", folder)
    #expect(try run("lmctl eval other.json test.tsv --per sentence", folder) == two)
    // Words of the source that are not known are copied.
    let copied = try run(
      "lmctl translate m.json test.src --replace-unknown | lmctl bleu test.src --json | jq .lines", folder)
    #expect(copied == "60\n")
    let replaced = try run("lmctl translate m.json test.src --replace-unknown", folder)
    #expect(!replaced.contains("<unk>"))
    let sources = Self.pairs(60, seed: 4)
    let right = zip(replaced.split(separator: "\n", omittingEmptySubsequences: false), sources.targets)
      .filter { $0.0.uppercased() == $0.1.uppercased() }.count
    #expect(right >= 50, "\(right) of 60, with copied words")
  }

  @Test("Printed scores are those of eval; lists are Moses', and rescore reads them")
  func scores() throws {
    let folder = try folder("train.src train.tgt --bidirectional --attention additive")
    try run(
      """
      lmctl translate m.json test.src --show-score --no-unk --beam 1 --length-penalty none > scored.txt
      lmctl translate m.json test.src --show-score --beam 4 > scored.txt
      cut -f 1 scored.txt > scores.txt; cut -f 2 scored.txt > hyp.txt; paste test.src hyp.txt | grep -v '\t$' > own.tsv
      """, folder)
    let printed = try run("paste hyp.txt scores.txt | grep -v '^\t' | cut -f 2", folder).split(
      separator: "\n")
    let measured = try run("lmctl eval m.json own.tsv --per sentence | cut -f 3", folder)
      .split(separator: "\n")
    #expect(printed.count == measured.count && printed.count >= 55)
    for (a, b) in zip(printed, measured) {
      #expect(abs((Double(a) ?? 0) - (Double(b) ?? 1)) < 2e-4, "\(a) \(b)")
    }
    try run("lmctl translate m.json test.src --beam 4 --nbest 4 > list.nbest", folder)
    #expect(try number("wc -l < list.nbest", folder) == 240)
    #expect(try number("cut -d ' ' -f 1 list.nbest | uniq | wc -l", folder) == 60)
    try run(
      "lmctl train --model ngram --order 2 --min-count 1 train.tgt --quiet -o lm.json; lmctl rescore lm.json list.nbest > more.nbest",
      folder)
    #expect(try number("grep -c 'translation= .* lm= ' more.nbest", folder) == 240)
    #expect(
      try run("lmctl rescore lm.json list.nbest --best --weight score=1", folder)
        == run("lmctl translate m.json test.src --beam 4", folder))
  }

  @Test("As a service, it answers each line before it asks for another, and an empty one with an empty one")
  func coprocess() throws {
    let folder = try folder("train.src train.tgt")
    let answers = try run(
      """
      coproc ASK { lmctl translate m.json; }
      for line in 'a b c' '' 'e d'; do
        echo "$line" >&${ASK[1]}; read -r answer <&${ASK[0]}; echo "$answer."
      done
      """, folder)
    #expect(
      try run("printf 'a b c\\n\\ne d\\n' | lmctl translate m.json | sed 's/$/./'", folder) == answers)
    #expect(answers == "C B A.\n.\nD E.\n")
    #expect(try run("printf 'a\\n\\n' | lmctl translate m.json --json | wc -l", folder) == "2\n")
    // What is drawn for a line is its number's, whoever is beside it; a list has an entry for each line.
    try run(
      """
      printf 'a b c\\n\\n\\ne d\\nc c\\n' > lines; lmctl translate m.json --draw --temperature 3 --seed 2 lines > drawn
      while read -r line; do echo "$line"; sleep 0.2; done < lines |
        lmctl translate m.json --draw --temperature 3 --seed 2 | cmp - drawn
      lmctl translate m.json --nbest 2 lines > lines.nbest
      """, folder)
    #expect(try run("cut -d ' ' -f 1 lines.nbest | uniq | tr '\\n' ' '", folder) == "0 1 2 3 4 ")
    // The measures of pairs come one by one, too.
    #expect(
      try run(
        """
        coproc ASK { lmctl eval m.json --per sentence; }
        for line in 'a b\tB A' 'c\tC'; do
          echo "$line" >&${ASK[1]}; read -r answer <&${ASK[0]}; echo "$answer"
        done
        """, folder) == run("printf 'a b\\tB A\\nc\\tC\\n' | lmctl eval m.json --per sentence", folder))
    // A translator has two vocabularies.
    #expect(
      try run(
        "echo a A | lmctl tokenize --checkpoint m.json; echo a A | lmctl tokenize --checkpoint m.json --side target",
        folder)
        == "a <unk> </s>\n<unk> A </s>\n")
  }

  @Test(
    "A run that goes on is the same",
    arguments: ["--attention none --bidirectional", "--input-feeding --scheduled-sampling 0.2"])
  func resumption(options: String) throws {
    let folder = try folder()
    let train =
      "lmctl train --task translate --model gru --hidden 12 --embed 6 --quiet --schedule constant \(options) train.src train.tgt --valid test.src,test.tgt"
    try run("\(train) --epochs 3 -o whole.json", folder)
    try run(
      "\(train) --epochs 1 --keep-optimizer -o m.json && lmctl train --resume m.json --epochs 3 --quiet",
      folder)
    #expect(
      try run("lmctl eval m.json test.tsv --per sentence", folder)
        == run("lmctl eval whole.json test.tsv --per sentence", folder))
    // A new run begins with its weights.
    try run("lmctl train --init-from m.json --epochs 1 train.src train.tgt --quiet -o new.json", folder)
    try expect(
      Mistake(
        "lmctl train --resume m.json --epochs 4 test.src train.tgt --valid test.src,test.tgt", 1,
        "line by line, one is the translation of the other"), in: folder, afterRemarks: true)
  }

  @Test("One vocabulary, tied embeddings, an adaptive softmax, and what is held out of the pairs")
  func variants() throws {
    let folder = try folder()
    for options in [
      "--shared-vocab --tie --embed 12", "--softmax adaptive --cutoffs 3",
      "--unit char --label-smoothing 0.1",
      "--layers 2 --dropout 0.3 --attention dot", "--max-vocab 6",
    ] {
      try run(
        "lmctl train --task translate --model lstm --hidden 12 --epochs 1 --quiet \(options) train.src train.tgt --holdout 0.1 -o v.json",
        folder)
      let result = try object("lmctl eval v.json test.tsv --json --beam 2 --length-penalty none", folder)
      #expect(result["sentences"] as? Int == 60 && (result["perplexity"] as? Double ?? 0) > 1, "\(options)")
      #expect(
        try number("lmctl translate v.json test.src --max-tokens 9 --coverage 0.1 | wc -l", folder) == 60)
    }
    #expect(try run("lmctl inspect v.json | grep -c '^source '", folder) == "1\n")
    let drawn = "lmctl translate v.json test.src --max-tokens 9 --draw --seed"
    #expect(try run("\(drawn) 3", folder) == run("\(drawn) 3", folder))
    #expect(try run("\(drawn) 3", folder) != run("\(drawn) 4", folder))
  }

  @Test("What is attended to makes a picture")
  func attention() throws {
    let folder = try folder("train.src train.tgt --bidirectional")
    let found = try object("lmctl inspect --attention m.json 'a b c d' --json", folder)
    #expect(found["source"] as? [String] == ["a", "b", "c", "d", "</s>"])
    #expect(found["target"] as? [String] == ["D", "C", "B", "A", "</s>"])
    let shares = try #require(found["attention"] as? [[Double]])
    #expect(shares.count == 5 && shares.allSatisfy { $0.count == 5 && abs($0.reduce(0, +) - 1) < 1e-4 })
    #expect(
      try run("lmctl inspect --attention m.json 'a b c d' 'D C B A' --json", folder).contains("attention"))
    try run("lmctl inspect --attention m.json 'a b c d' -o a.svg", folder)
    #expect(try number("grep -c '<svg' a.svg", folder) == 1)
    #expect(try run("lmctl inspect --attention m.json 'a b'", folder).contains("attention"))
    for mistake in [
      Mistake("lmctl inspect --attention m.json", 2, "no sentence to translate"),
      Mistake("lmctl inspect --attention m.json ''", 2, "the sentence is empty"),
      Mistake("lmctl inspect --attention m.json a b c", 2, "'c' is one argument too many"),
    ] { try expect(mistake, in: folder) }
  }

  @Test("Mistakes are said in a sentence")
  func mistakes() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", text: "a\nb c\na\n")
    try folder.write("b.txt", text: "a\nb\n")
    try folder.write("gap.txt", text: "a\n\nb\n")
    try folder.write("one.txt", text: "a\n")
    try folder.write("long.txt", text: String(repeating: "a ", count: 100_000) + "\n")
    let small = "--hidden 4 --epochs 1 --quiet --min-count 1"
    try run(
      "lmctl train --task translate --model rnn --attention none \(small) a.txt a.txt -o m.json", folder)
    try run("lmctl train --model lstm \(small) a.txt -o lm.json", folder)
    for mistake in Self.mistakes { try expect(mistake, in: folder) }
  }

  private static let train = "lmctl train --task translate --model lstm --hidden 4 --epochs 1 --quiet"

  private static let mistakes = [
    Mistake("\(train) a.txt b.txt", 1, "b.txt: has 2 lines, and a.txt has 3; line by line"),
    Mistake("\(train) b.txt a.txt", 1, "b.txt: has 2 lines, and a.txt has 3; line by line"),
    Mistake(
      "\(train) a.txt gap.txt", 1, "gap.txt:2: the translation is empty, and the other side is not"),
    Mistake("\(train) gap.txt a.txt", 1, "gap.txt:2: the sentence is empty, and the other side is not"),
    Mistake(
      "\(train) a.txt", 1, "a.txt:1: has no tab; a line is a sentence, a tab and its translation"),
    Mistake("\(train) a.txt a.txt a.txt", 2, "'a.txt' is one text too many; --task translate takes"),
    Mistake("\(train) long.txt one.txt", 1, "has 100000 tokens, more than the 1000 that --max-length allows"),
    Mistake(
      "\(train) --min-count 1 a.txt a.txt --valid a.txt,b.txt", 1, "b.txt: has 2 lines, and a.txt has 3"),
    Mistake("\(train) a.txt a.txt --attention dot --bidirectional", 2, "--attention dot does not go with"),
    Mistake("\(train) a.txt a.txt --bptt 20", 2, "--bptt does not go with --task translate"),
    Mistake(
      "lmctl train --task translate --model ngram a.txt a.txt", 2,
      "--model ngram does not go with --task translate"),
    Mistake(
      "lmctl train --model lstm --attention dot a.txt", 2, "--attention does not go with --task language"),
    Mistake("\(train) --init-from lm.json a.txt a.txt", 2, "--task translate does not go with lm.json"),
    Mistake("lmctl translate", 2, "no model; give the checkpoint, then the texts"),
    Mistake("lmctl translate lm.json a.txt", 1, "lm.json: is no translator"),
    Mistake("lmctl sample m.json", 1, "m.json: is a translator, which writes translations"),
    Mistake("lmctl translate m.json long.txt", 1, "long.txt:1: has 100000 tokens, more than the 10000"),
    Mistake("lmctl translate m.json a.txt --beam 2 --nbest 3", 2, "3 cannot be found by --beam 2"),
    Mistake("lmctl translate m.json a.txt --replace-unknown", 2, "needs attention, which m.json has none of"),
    Mistake("lmctl translate m.json a.txt --temperature 2", 2, "goes with --draw"),
    Mistake("lmctl eval m.json a.txt b.txt", 1, "b.txt: has 2 lines, and a.txt has 3"),
    Mistake("lmctl eval m.json a.txt b.txt --dynamic", 2, "--dynamic does not go with translators"),
    Mistake("lmctl eval lm.json a.txt --beam 2", 2, "--beam goes with translators"),
  ]
}
