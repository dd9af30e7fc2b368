import LanguageModels
import TestSupport
import Testing

@Suite("Pairs of sentences")
struct MinimalPairTests {
  private func read(_ text: String, _ member: String? = nil) throws -> [MinimalPair] {
    try MinimalPair.read(from: ByteSource(Array(text.utf8), name: "p"), groupedBy: member)
  }

  @Test("Ties count half, and a standard error is that of what the pairs count")
  func accuracy() {
    var accuracy = PairAccuracy()
    for (good, bad) in [(-1.0, -2.0), (-2, -1), (-3, -3), (-4, -5)] { accuracy.add(good: good, bad: bad) }
    #expect(accuracy.pairs == 4 && accuracy.correct == 2 && accuracy.ties == 1 && accuracy.share == 0.625)
    // 1, 0, ½, 1: the squares of the deviations from 0.625 sum to 0.6875.
    #expect(abs(accuracy.standardError - (0.6875 / 4 / 4).squareRoot()) < 1e-12)
    // The order of additions makes no difference; what is of single precision does.
    accuracy.add(good: -0.1 - 0.2 - 0.3, bad: -0.3 - 0.2 - 0.1)
    accuracy.add(good: -.infinity, bad: -.infinity)
    #expect(accuracy.ties == 3)
    accuracy.add(good: Double(Float(-50).nextUp), bad: -50)
    #expect(accuracy.correct == 3)
  }

  @Test("Columns and objects are read, with groups")
  func reading() throws {
    let columns = try read("\u{FEFF}a b\tb a\tx\r\n\nc\td\n")
    #expect(columns.map { String(decoding: $0.good, as: UTF8.self) } == ["a b", "c"])
    #expect(columns.map { String(decoding: $0.bad, as: UTF8.self) } == ["b a", "d"])
    #expect(columns.map(\.group) == ["x", ""] && columns.map(\.line) == [1, 3])
    let text =
      #"{"sentence_good": "é a", "sentence_bad": "b", "field": "f", "linguistics_term": "t", "UID": "u", "n": 3}"#
    let objects = try read(text + "\n")
    #expect(objects.map { String(decoding: $0.good, as: UTF8.self) } == ["é a"])
    for (member, group) in [(nil, "u"), ("linguistics_term", "t"), ("field", "f"), ("n", "3")] {
      #expect(try read(text, member)[0].group == group)
    }
    #expect(try read(#"{"sentence_good":"a","sentence_bad":"b","field":"f"}"#)[0].group == "f")
    #expect(try read(#"{"sentence_good":"a","sentence_bad":"b"}"#)[0].group == "")
  }

  @Test(
    "What is no pair is named",
    arguments: [
      ("a\tb\nc d\n", nil, "p:2: has 1 column;"), ("a\tb\tc\td\n", nil, "p:1: has 4 columns;"),
      ("a\t\tg\n", nil, "p:1: one of the two sentences is empty"), ("\n\n", nil, "p: has no pairs"),
      ("{\"sentence_good\":\"a\"}\n", nil, "p:1: has no text 'sentence_bad'"),
      ("{\"sentence_good\":1,\"sentence_bad\":\"b\"}\n", nil, "p:1: has no text 'sentence_good'"),
      ("{\"sentence_good\":\"\",\"sentence_bad\":\"b\"}\n", nil, "p:1: 'sentence_good' is empty"),
      ("{\"sentence_good\":\"a\",\"sentence_bad\":\"b\"}\n{\"sentence\n", nil, "p:2: is not valid JSON"),
      ("{\"sentence_good\":\"a\",\"sentence_bad\":\"b\"}\n", "UID", "p:1: has no 'UID'"),
      ("a\tb\tc\n", "UID", "p: has columns, the third of which is the group"),
    ] as [(String, String?, String)])
  func mistakes(text: String, member: String?, message: String) {
    var shown = ""
    do {
      _ = try read(text, member)
    } catch {
      shown = "\(error)"
    }
    #expect(shown.hasPrefix(message), "\(shown)")
  }
}
