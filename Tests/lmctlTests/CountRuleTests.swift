import Foundation
import TestSupport
import Testing

/// Files of counts say what their tokens are.
@Suite("Text rules of counts")
struct CountRuleTests {
  private static let rules = [
    "--unit mixed", "--unit char", "--unit byte --lowercase", "--separator '|'",
    "--digits zero --punctuation split",
  ]

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", text: "東京 is|big 1.\n#1 大|きい\n")
    try folder.write("b.txt", text: "Is 東|23\n\n")
    return folder
  }

  @Test("Counts that are not of such a text, or of different orders, get a sentence")
  func mistakes() throws {
    let folder = try folder()
    try run(
      "lmctl count --context stream --quiet a.txt -o stream; lmctl count --order 3 --quiet a.txt -o lines",
      folder)
    try run("lmctl count --order 2 --quiet a.txt -o two; lmctl count --quiet b.txt -o five", folder)
    try run(
      "printf 'One\n' | lmctl count --quiet -o short -; lmctl count --merge --quiet five short -o all", folder
    )
    for mistake in [
      Mistake("lmctl train --model ngram --counts stream", 1, "run on across lines; give --context stream"),
      Mistake("lmctl train --model ngram --counts lines --context stream", 1, "leave out --context stream"),
      Mistake("lmctl train --model ngram --counts five --lowercase", 1, "'Is' is a word that no text has"),
      Mistake("lmctl count --merge lines two -o sum", 1, "two: was counted up to order 2, and lines up to 3"),
    ] {
      try expect(mistake, in: folder)
    }
    try run(
      "lmctl train --model ngram --counts stream --context stream --quiet -o counts.arpa; "
        + "lmctl train --model ngram --context stream a.txt --quiet -o text.arpa; cmp counts.arpa text.arpa",
      folder)
  }

  @Test(
    "A model of counts has the text rules of the text, and is the same, whoever sorted or merged them",
    arguments: rules)
  func training(rules: String) throws {
    let folder = try folder()
    try run("lmctl train --model ngram \(rules) a.txt b.txt -o text.json --quiet", folder)
    try run("for p in a b; do lmctl count \(rules) $p.txt -o $p.counts --quiet; done", folder)
    try run(
      "lmctl count \(rules) a.txt b.txt --quiet > whole; lmctl count --merge a.counts b.counts | cmp - whole",
      folder)
    try run(
      "LC_ALL=C sort whole | cmp - whole; shuf whole | LC_ALL=C sort | cmp - whole; gzip -k whole", folder)
    let model = "jq -c 'del(.training, .header_crc32)'"
    for options in ["whole", "whole.gz", "whole --memory 50M", "whole \(rules)"] {
      try run(
        "lmctl train --model ngram --counts \(options) -o counts.json --quiet --force; cmp <(\(model) text.json) <(\(model) counts.json)",
        folder)
    }
    // From standard input, the rules must be given, and wrong ones are told.
    try run("lmctl train --model ngram --counts - \(rules) -o counts.json --quiet --force < whole", folder)
    let wrong = try Executable.shell(
      "lmctl train --model ngram --counts - -o counts.json < whole", in: folder)
    #expect(
      wrong.status == 1
        && wrong.error.contains("standard input:2: these counts were made by other text rules"),
      "\(wrong.error)")
    // The environment speaks of texts.
    try run(
      "LMCTL_LOWERCASE=1 LMCTL_UNIT=word lmctl train --model ngram --counts whole -o e.json --quiet", folder)
    try run("cmp <(\(model) text.json) <(\(model) e.json)", folder)
    // The line is no n-gram.
    #expect(
      try run("LC_ALL=C sort -t \"$(printf '\\t')\" -k2,2nr whole | tail -1", folder).hasPrefix(
        " lmctl text rules: "))
    #expect(
      try Executable.shell("lmctl eval text.json whole", in: folder).error.contains(
        "is a file of counts, not a text"))
    try run("lmctl train --model ngram \(rules) --vocab whole a.txt b.txt -o v.json --quiet", folder)
    #expect(
      try run("jq '.vocabulary | length' v.json", folder)
        == run(
          "jq '.vocabulary | length' <(lmctl train --model ngram --min-count 1 \(rules) a.txt b.txt -o - --quiet)",
          folder))
  }

  @Test("Plain words need no rules, and counts of different tokens are not mixed")
  func mixing() throws {
    let folder = try folder()
    try run("lmctl count a.txt -o word --quiet; lmctl count --unit char a.txt -o char --quiet", folder)
    #expect(try run("grep -c 'text rules' word || true", folder) == "0\n")
    let merged = try Executable.shell("lmctl count --merge word char", in: folder)
    #expect(merged.status == 1 && merged.output == "")
    #expect(
      merged.error.hasPrefix("lmctl: char: was counted by other text rules ({\"unit\":\"char\""),
      "\(merged.error)")
    let contradiction = try Executable.shell(
      "lmctl train --model ngram --counts char --unit word", in: folder)
    #expect(
      contradiction.status == 2
        && contradiction.error.contains(
          "--unit does not go with char, which was counted with other text rules (unit: char)")
    )
    try run("sed '1s/char/syllable/' char > future", folder)
    let future = try Executable.shell("lmctl train --model ngram --counts future", in: folder)
    #expect(
      future.status == 1 && future.error.contains("future:1: text rules that this lmctl does not know"),
      "\(future.error)")
  }

  @Test("Counts that are taken several times are those of a text that is there several times")
  func times() throws {
    let folder = try proseFolder()
    try run("for t in train test; do lmctl count --order 3 $t.txt --quiet > $t.counts; done", folder)
    try run("lmctl count --order 3 train.txt train.txt train.txt test.txt --quiet > whole", folder)
    try run("lmctl count --merge --times 3,1 train.counts test.counts | cmp - whole", folder)
    try run("lmctl train --model ngram --counts whole -o counts.json -q", folder)
    for (line, message) in [
      ("lmctl count --merge --times 3 train.counts test.counts", "--times has 1 for 2 files"),
      ("lmctl count --times 3 train.txt", "--merge"),
      ("lmctl count --merge --times 0,1 train.counts test.counts", "as many as files"),
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 2 && outcome.error.contains(message), "\(outcome.error)")
    }
  }
}
