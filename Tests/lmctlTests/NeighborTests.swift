import Foundation
import TestSupport
import Testing

/// `lmctl neighbors`.
@Suite("Nearest tokens")
struct NeighborTests {
  private static let (singular, plural) = (
    ["cat", "dog", "king", "bird"], ["cats", "dogs", "kings", "birds"]
  )
  private static let (sings, sing) = (["sings", "sleeps", "waits"], ["sing", "sleep", "wait"])

  /// A folder with a network of a text whose nouns of one number have the same contexts, and other models.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var generator = SystemLike(state: 7)
    let lines = (0..<1500).map { i in
      let (nouns, verbs, start) =
        i % 2 == 0 ? (Self.singular, Self.sings, "a") : (Self.plural, Self.sing, "two")
      return "\(start) \(generator.pick(nouns)) \(generator.pick(verbs))\n"
    }
    try folder.write("t.txt", text: lines.joined())
    let train = "lmctl train --model gru --context sentence --seed 3 t.txt --quiet --threads 1 --embed 8"
    try run("\(train) --hidden 16 --epochs 4 --lr 0.01 --batch 8 --lowercase -o m.json", folder)
    try run("\(train) --hidden 8 --epochs 1 --softmax adaptive -o adaptive.json", folder)
    try run("lmctl train --model ngram t.txt --quiet -o ngram.json 2> remarks", folder)
    return folder
  }

  /// Numbers that are the same every time.
  private struct SystemLike {
    var state: UInt64
    mutating func pick(_ words: [String]) -> String {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return words[Int(state >> 33) % words.count]
    }
  }

  private func rows(_ line: String, _ folder: TemporaryFolder) throws -> [[String]] {
    try run(line, folder).split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
  }

  @Test("Words that stand in the same places are the nearest")
  func sameContexts() throws {
    let folder = try folder()
    for group in [Self.singular, Self.plural, Self.sings, Self.sing] {
      let rows = try rows("lmctl neighbors m.json \(group.joined(separator: " ")) --top 2", folder)
      #expect(rows.count == 2 * group.count)
      for row in rows {
        #expect(row.count == 3 && row[0] != row[1] && group.contains(row[1]), "\(row)")
        #expect((-1...1).contains(try #require(Double(row[2]))))
      }
    }
    let rows = try rows("lmctl neighbors m.json CAT", folder)
    #expect(rows.count == 10 && rows.allSatisfy { $0[0] == "cat" && $0[1] != "<unk>" })
    let cosines = rows.compactMap { Double($0[2]) }
    #expect(cosines == cosines.sorted(by: >))
    // Where weights in clusters cannot be compared, those of the input are.
    let (plain, input) = (try run("lmctl neighbors adaptive.json cat", folder), "--of input")
    #expect(try run("lmctl neighbors adaptive.json cat \(input)", folder) == plain)
    #expect(
      try run("lmctl neighbors m.json cat \(input)", folder) != run("lmctl neighbors m.json cat", folder))
  }

  @Test("The noun most like another has its number and its kind")
  func agreement() throws {
    let folder = try TemporaryFolder()
    let corpus = "\(projectFolder)/corpora/agreement/train.txt"
    try run(
      "lmctl train --model gru --hidden 16 --epochs 1 --lr 0.01 --batch 16 --context sentence \(corpus) --quiet -o m.json",
      folder)
    for nouns in [
      "dog cat boy girl farmer teacher child king man woman sailor bird doctor horse mouse",
      "dogs cats boys girls farmers teachers children kings men women sailors birds doctors horses mice",
      "house door key table garden river box tree letter window wall ship bridge tower knife",
      "houses doors keys tables gardens rivers boxes trees letters windows walls ships bridges towers knives",
    ] {
      let group = nouns.split(separator: " ").map(String.init)
      for row in try rows("lmctl neighbors m.json \(nouns) --top 1", folder) {
        #expect(group.contains(row[1]), "\(row)")
      }
    }
  }

  @Test("An analogy leaves out its three words")
  func analogy() throws {
    let folder = try folder()
    let rows = try rows("lmctl neighbors m.json --analogy cats cat dog --top 3", folder)
    #expect(rows.count == 3 && rows[0][0] == "cats - cat + dog")
    #expect(Self.plural.contains(rows[0][1]) && rows.allSatisfy { !["cats", "cat", "dog"].contains($0[1]) })
    let json = try run("echo 'cats cat dog' | lmctl neighbors m.json --analogy --json --top 1", folder)
    #expect(
      json.hasPrefix(#"{"analogy":["cats","cat","dog"],"neighbors":[{"token":"\#(rows[0][1])","cosine":"#))
  }

  @Test("A program can ask for one word after the other")
  func coprocess() throws {
    let folder = try folder()
    let answers = try run(
      """
      coproc ASK { lmctl neighbors m.json --top 2; }
      for w in cat zebra kings; do
        echo "$w" >&"${ASK[1]}"
        while read -r -t 20 -u "${ASK[0]}" line && [ -n "$line" ]; do echo "$line"; done
        echo end
      done
      """, folder)
    let expected = try ["cat", "kings"].map { try run("lmctl neighbors m.json \($0) --top 2", folder) }
    #expect(answers == expected[0] + "end\nend\n" + expected[1] + "end\n")
    let outcome = try Executable.shell(
      "printf 'cat\\nkingz\\n\\n' | lmctl neighbors m.json --json --top 1", in: folder)
    #expect(outcome.status == 0 && outcome.error.contains("m.json: has no token 'kingz'; did you mean 'king"))
    #expect(outcome.output.hasSuffix("{\"word\":\"kingz\",\"neighbors\":null}\n"))
  }

  @Test("The table has the vectors that the checkpoint holds")
  func table() throws {
    let folder = try folder()
    try run("lmctl neighbors m.json --of input --tsv v.tsv --quiet", folder)
    let table = String(decoding: try folder.read("v.tsv"), as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: "\t").map(String.init) }
    try run("lmctl convert m.json decimal.json --tensors decimal", folder)
    let vocabulary = try run("jq -r '.vocabulary[]' decimal.json", folder).split(separator: "\n").map(
      String.init)
    let numbers = try run(
      "jq -r '.tensors[] | select(.name == \"embedding\") | .data[]' decimal.json", folder
    ).split(separator: "\n").compactMap { Float($0) }
    #expect(table.map { $0[0] } == vocabulary)
    #expect(
      table.allSatisfy { $0.count == 9 }
        && table.flatMap { $0.dropFirst().compactMap { Float($0) } } == numbers)
    // A table may take the place of a table, and goes to standard output too.
    try run(
      "lmctl neighbors m.json --tsv v.tsv; lmctl neighbors m.json --tsv - | cmp - v.tsv",
      folder)
    #expect(try run("cut -f2- v.tsv | head -n 1 | wc -w", folder) == "16\n")
  }

  @Test("The map is well-formed, has its words, and none lies on another")
  func map() throws {
    let folder = try folder()
    try run("lmctl neighbors m.json --map map.svg --quiet", folder)
    try run("python3 -c 'import xml.dom.minidom as m; m.parse(\"map.svg\")'", folder)
    let svg = String(decoding: try folder.read("map.svg"), as: UTF8.self)
    #expect(svg.contains("prefers-color-scheme:dark") && svg.contains("first principal component, "))
    let words = Self.singular + Self.plural + Self.sings + Self.sing + ["a", "two"]
    for word in words { #expect(svg.contains(">\(word)</text>"), "\(word)") }
    let labels = svg.matches(
      of: #/<text class="small" x="([^"]*)" y="([^"]*)" text-anchor="(\w+)">(.*?)</text>/#
    ).compactMap { match -> (left: Double, right: Double, y: Double)? in
      guard let x = Double(match.1), let y = Double(match.2) else { return nil }
      let width = 6 * Double(match.4.count)
      let left = match.3 == "end" ? x - width : match.3 == "middle" ? x - width / 2 : x
      return (left, left + width, y)
    }
    #expect(labels.count == words.count)
    for (i, a) in labels.enumerated() {
      for b in labels[..<i] { #expect(a.right <= b.left || b.right <= a.left || abs(a.y - b.y) > 12) }
    }
    let few = try run("lmctl neighbors m.json --map - cat dogs cat king", folder)
    #expect(few.contains("of 3 tokens") && few.contains(">dogs</text>") && !few.contains(">sings</text>"))
    #expect(try run("lmctl neighbors m.json --map - --words 5", folder).contains("of 5 tokens"))
  }

  @Test(
    "One sentence says what is wrong",
    arguments: [
      Mistake("lmctl neighbors", 2, "no model; give the checkpoint of a network"),
      Mistake("lmctl neighbors ngram.json cat", 1, "holds a model of kind 'ngram', which has no embeddings"),
      Mistake("lmctl neighbors m.json kat", 1, "m.json: has no token 'kat'; did you mean 'cat'?"),
      Mistake("lmctl neighbors m.json 'a cat'", 1, "takes 'a cat' for 2 tokens; give one at a time"),
      Mistake("lmctl neighbors m.json ''", 1, "has no token ''"),
      Mistake("lmctl neighbors adaptive.json cat --of output", 1, "softmax in clusters"),
      Mistake("lmctl neighbors m.json --analogy cat dog", 2, "--analogy takes three words, not 2"),
      Mistake(
        "lmctl neighbors m.json --tsv v.tsv cat", 2, "'cat' is one argument too many: --tsv writes all"),
      Mistake("lmctl neighbors m.json --tsv t.txt", 1, "t.txt: is not a table of vectors; name another"),
      Mistake("lmctl neighbors m.json --map t.txt", 1, "t.txt: is not a picture of lmctl; name another"),
      Mistake("lmctl neighbors m.json --map m.png", 2, "--map writes SVG"),
      Mistake("lmctl neighbors m.json --map x.svg cat dog", 2, "a map takes at least 3 words, not 2"),
      Mistake("lmctl neighbors m.json --map x.svg --words 9 cat", 2, "leave out 'cat'"),
      Mistake("lmctl neighbors m.json --map x --tsv x", 2, "both to be written to 'x'"),
      Mistake("lmctl neighbors m.json cat --words 9", 2, "goes with --map"),
      Mistake("lmctl neighbors m.json cat --json --map x.svg", 2, "--json and --map exclude each other"),
      Mistake("lmctl neighbors m.json cat --of hidden", 2, "--of takes one of input, output"),
      Mistake("lmctl neighbors - < m.json", 2, "standard input ('-') can be read only once"),
      Mistake("lmctl neighbors t.txt cat", 1, "t.txt"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try folder()
    let before = folder.contents
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status, "\(outcome.error)")
    #expect(outcome.error.contains(mistake.message) && outcome.output == "", "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1, "\(outcome.error)")
    #expect(folder.contents == before)
  }
}
