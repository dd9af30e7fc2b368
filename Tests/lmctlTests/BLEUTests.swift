import Foundation
import TestSupport
import Testing

/// `lmctl bleu`.
@Suite("BLEU")
struct BLEUTests {
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    // Ten odd pairs: the same, nothing of it, single words, empty lines, white space of all kinds.
    try folder.write(
      "hyp.txt",
      text: "the cat sat on the mat\nx y\n\nword\n\nthe the the the the the the\n a\u{3000}b\tc \n"
        + "größe 猫 です\nA b\none two three four five\n")
    try folder.write(
      "ref.txt",
      text: "the cat sat on the mat\np q r\nnot empty\n\n\nthe cat is on the mat\na b d c\n"
        + "größe 犬 です\na b\none two three four six five\n")
    return folder
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  // sacrebleu 2.6.0 hyp.txt against ref.txt with tokenize="none": BLEU, chrF2 and the precisions.
  @Test("Numbers are sacreBLEU's")
  func numbers() throws {
    let folder = try folder()
    let json = try object(try run("lmctl bleu ref.txt hyp.txt --json", folder))
    #expect(abs(try #require(json["bleu"] as? Double) - 43.36385) < 0.005)
    #expect(abs(try #require(json["chrf"] as? Double) - 55.98111) < 0.005)
    #expect(json["lines"] as? Int == 10)
    #expect(
      (json["signature"] as? String)?.hasPrefix("nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|") == true)
    let table = try run("lmctl bleu ref.txt < hyp.txt", folder)
    #expect(table.contains("43.36") && table.contains("55.98"))
    #expect(try run("lmctl bleu ref.txt - < hyp.txt", folder) == table)
    #expect(try run("gzip -k hyp.txt && lmctl bleu ref.txt hyp.txt.gz", folder) == table)
  }

  @Test("The measure of lectures has its own name")
  func halving() throws {
    let folder = try TemporaryFolder()
    try folder.write("ref.txt", text: "A B C D E F\n")
    try folder.write("hyp.txt", text: "A B B C D\n")
    func value(_ order: Int) throws -> Double? {
      try object(try run("lmctl bleu ref.txt hyp.txt --json --order \(order)", folder))["bleu_halving"]
        as? Double
    }
    #expect(try value(4) == 0)
    let expected = exp(-0.2) * pow(0.8, 0.5) * pow(0.75, 0.25)
    #expect(abs(try #require(try value(2)) - expected) < 1e-9)
  }

  @Test(
    "Mistakes",
    arguments: [
      Mistake("lmctl bleu", 2, "no texts; give what should have been written, then what was"),
      Mistake("lmctl bleu a.txt a.txt a.txt", 2, "'a.txt' is one text too many"),
      Mistake("lmctl bleu - - < a.txt", 2, "standard input ('-') can be read only once"),
      Mistake("lmctl bleu a.txt b.txt", 1, "b.txt: has 2 lines, and a.txt has 3; line by line"),
      Mistake("lmctl bleu b.txt a.txt", 1, "b.txt: has 2 lines, and a.txt has 3; line by line"),
      Mistake("lmctl bleu empty.txt empty.txt", 1, "empty.txt: the text is empty"),
      Mistake("lmctl bleu none.txt a.txt", 1, "none.txt"),
      Mistake("lmctl bleu a.txt a.txt --order 5", 2, "--order"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", text: "a\nb\nc\n")
    try folder.write("b.txt", text: "a\nb\n")
    try folder.write("empty.txt", text: "")
    try expect(mistake, in: folder)
  }
}
