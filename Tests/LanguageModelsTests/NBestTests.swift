import LanguageModels
import Testing

@Suite("N-best lists")
struct NBestTests {
  private func read(
    _ text: String, _ layout: NBestLayout = NBestLayout(), _ archives: [ScoreArchive] = []
  ) throws -> (lists: [NBestList], reader: NBestReader) {
    let reader = NBestReader(ByteSource(Array(text.utf8), name: "n"), layout, archives: archives)
    var lists: [NBestList] = []
    while let list = try reader.next() { lists.append(list) }
    return (lists, reader)
  }

  private func string(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Array(bytes), as: UTF8.self)
  }

  private static let moses =
    "0 ||| a b c ||| LM0= -10.5 TM0= -1 -2.5 WP= -3 ||| -4.25 ||| 0-0 1-1\r\n0 |||  ||| LM0= -9 TM0= 0 0 WP= 0 ||| -5\n"
    + "7 ||| é|||b ||| LM0= 1 TM0= 2 3 WP= 4 ||| 9"
  private static let srilm1 = "NBestList1.0\n(-42) a b\n(-43) \nNBestList1.0\n(-44)  c\n\n"
  private static let srilm2 =
    "NBestList2.0\n(-42) a ( st: 0.1 et: 0.5 g: -3 a: -4 ) b ( st: 0.5 et: 1 g: 0 a: -9 )\n(-43) c ( st: 0 et: 1 g: 0 a: 1 )\n"
  private static let srilm3 = "-10.5 -3.25 2 a b\n-11 -3 0\n\n-1e1 -2 1\tc\n"
  private static let kaldi = "\u{FEFF}s1-u-1 a b\ns1-u-2\ns1-v-1 c  d\n"
  private static let columns = "x\t-1.5\ta b\tnote\nx\t-2\t\tnote\ny\t-3\tc\t-7\r\n"

  /// A text, its layout, and the lines that are hypotheses.
  private static let all: [(String, NBestLayout, Int)] = [
    (moses, NBestLayout(), 3), (srilm1, NBestLayout(), 3), (srilm2, NBestLayout(), 2),
    (srilm3, NBestLayout(), 3), (kaldi, NBestLayout(), 3), (columns, NBestLayout(textColumn: 3), 3),
    ("a b\nc\n\nd\n", NBestLayout(format: .tsv, textColumn: 1, idColumn: 0), 3),
  ]

  @Test("Files come back byte for byte, and what is added is read again", arguments: 0..<7)
  func roundTrip(number: Int) throws {
    let (text, layout, count) = Self.all[number]
    func write(_ lists: [NBestList], _ rest: [UInt8], _ added: [(name: String, value: String)]) -> String {
      var bytes: [UInt8] = []
      for list in lists {
        bytes += list.before
        for hypothesis in list.hypotheses { bytes += hypothesis.line(adding: added) }
      }
      return string(bytes + rest)
    }
    let (lists, reader) = try read(text, layout)
    #expect(lists.reduce(0) { $0 + $1.hypotheses.count } == count)
    #expect(write(lists, reader.rest, []) == text)
    let more = write(lists, reader.rest, [("lm", "-1.5"), ("x.y", "2e-07")])
    var fixed = layout
    fixed.format = reader.layout.format
    let again = try read(more, layout)
    #expect(again.reader.layout.format == fixed.format)
    #expect(again.lists.map(\.hypotheses.count) == lists.map(\.hypotheses.count))
    for (before, after) in zip(lists.flatMap(\.hypotheses), again.lists.flatMap(\.hypotheses)) {
      #expect(before.text == after.text && before.id == after.id && before.key == after.key)
      #expect(before.total == after.total && before.line == after.line)
      #expect(after.features.count == before.features.count + 2)
      for feature in before.features { #expect(after[feature.name] == feature.value) }
      if fixed.format != .tsv { #expect(after["lm"] == -1.5 && after["x.y"] == 2e-7) }
    }
  }

  @Test("Moses: features have names, vectors numbers; the score is written anew only when it is given")
  func moses() throws {
    let (lists, reader) = try read(Self.moses)
    #expect(reader.layout.format == .moses && lists.map(\.hypotheses.count) == [2, 1])
    let first = lists[0].hypotheses[0]
    #expect(first.features.map(\.name) == ["LM0", "TM0.0", "TM0.1", "WP", "score"])
    #expect(first.features.map(\.value) == [-10.5, -1, -2.5, -3, -4.25] && first.total == -4.25)
    #expect(string(first.text) == "a b c" && string(first.id) == "0" && lists[0].hypotheses[1].text.isEmpty)
    #expect(
      string(first.line(adding: [("lm", "-7")], total: "-1.5"))
        == "0 ||| a b c ||| LM0= -10.5 TM0= -1 -2.5 WP= -3 lm= -7 ||| -1.5 ||| 0-0 1-1\r\n")
    #expect(lists[0].best == 0)
    // Bars without spaces are words.
    #expect(string(lists[1].hypotheses[0].text) == "é|||b")
    for (line, names, added) in [
      ("0 ||| a ||| -1 -2", ["0", "1"], "0 ||| a ||| -1 -2 lm= 5 ||| 6"),
      (
        "0 ||| ||| d: 1 lm: -2 3 ||| 4", ["d", "lm.0", "lm.1", "score"], "0 ||| ||| d: 1 lm: -2 3 lm= 5 ||| 6"
      ),
      ("0 ||| a |||  ||| 4", ["score"], "0 ||| a ||| lm= 5  ||| 6"),
      ("0 ||| a |||", [], "0 ||| a ||| lm= 5 ||| 6"),
    ] as [(String, [String], String)] {
      let hypothesis = try #require(try read(line).lists.first?.hypotheses.first)
      #expect(hypothesis.features.map(\.name) == names, "\(line)")
      #expect(string(hypothesis.line(adding: [("lm", "5")], total: "6")) == added)
    }
  }

  @Test("SRILM: scores become natural logarithms, and what stands in parentheses is no word")
  func srilm() throws {
    let one = try read(Self.srilm1).lists
    #expect(one.map(\.hypotheses.count) == [2, 1])
    // A bytelog is 1024 ln 1.0001.
    #expect(abs((one[0].hypotheses[0]["score"] ?? 0) + 42 * 0.1023948802) < 1e-6)
    #expect(one.flatMap { $0.hypotheses.map { string($0.text) } } == ["a b", "", "c"])
    let two = try read(Self.srilm2).lists
    #expect(two.flatMap { $0.hypotheses.map { string($0.text) } } == ["a b", "c"])
    let three = try read(Self.srilm3).lists
    #expect(three.map(\.hypotheses.count) == [2, 1])
    #expect(three.flatMap { $0.hypotheses.map { string($0.text) } } == ["a b", "", "c"])
    #expect(abs((three[0].hypotheses[0]["ascore"] ?? 0) + 10.5 * 2.302585093) < 1e-8)
    #expect(abs((three[1].hypotheses[0]["lscore"] ?? 0) + 2 * 2.302585093) < 1e-8)
    #expect(
      string(three[0].hypotheses[0].line(adding: [("lm", "-7")], total: "-8"))
        == "-10.5 -3.25 2 a b\tlm=-7\ttotal=-8\n")
  }

  @Test("Kaldi: the number ends the key of a list, and costs of other files are features")
  func kaldi() throws {
    let archive = try ScoreArchive(
      ByteSource(Array("s1-u-1 3.5\ns1-u-2 0\r\ns1-v-1 -1\n".utf8), name: "a.txt"), name: "ac")
    let lists = try read(Self.kaldi, NBestLayout(), [archive]).lists
    #expect(lists.map { string($0.id) } == ["s1-u", "s1-v"])
    #expect(lists.flatMap(\.hypotheses).map { $0["ac"] } == [-3.5, 0, 1])
    #expect(lists.flatMap(\.hypotheses).map { string($0.text) } == ["a b", "", "c  d"])
    #expect(lists[0].before == [0xEF, 0xBB, 0xBF] && lists[0].best == 0)
    let tab = try read("u-1\ta b\nu-2\tc\n", NBestLayout(format: .kaldi)).lists
    #expect(tab.map(\.hypotheses.count) == [2] && string(tab[0].hypotheses[0].text) == "a b")
  }

  @Test("Columns: those that are numbers are features, called by their numbers")
  func columns() throws {
    let lists = try read(Self.columns, NBestLayout(textColumn: 3)).lists
    #expect(lists.map { string($0.id) } == ["x", "y"])
    #expect(lists.flatMap(\.hypotheses).map { $0.features.map(\.name) } == [["2"], ["2"], ["2", "4"]])
    #expect(lists[0].hypotheses[1]["2"] == -2 && lists[0].hypotheses[1].text.isEmpty)
    #expect(string(lists[1].hypotheses[0].line(adding: [("lm", "-7")])) == "y\t-3\tc\t-7\t-7\r\n")
  }

  @Test(
    "A line that is no hypothesis is named",
    arguments: [
      ("The lamp was lit .\n", nil, "n:1: no n-best list of Moses"),
      ("0 ||| a ||| f= 1 ||| 2\n0 a\n", nil, "n:2: has 1 field;"),
      ("0 ||| a\n", nil, "n:1: has 2 fields;"),
      ("0 ||| a ||| f= 1 ||| x\n", nil, "n:1: its score, the fourth field"),
      ("0 ||| a ||| f= 1 ||| 2\n\n", nil, "n:2: is empty"),
      ("NBestList1.0\na b\n", nil, "n:2: does not begin with '(score)'"),
      ("NBestList3.0\na b\n", nil, "n:1: a list of SRILM in another format"),
      ("-1 -2 1 a\nb c\n", nil, "n:2: does not begin with three numbers"),
      ("a\tb\nc\n", nil, "n:2: has 1 column and needs 2"),
      (" a b\n", .kaldi, "n:1: has no key"),
    ] as [(String, NBestFormat?, String)])
  func mistakes(text: String, format: NBestFormat?, message: String) {
    var shown = ""
    do {
      _ = try read(text, NBestLayout(format: format))
    } catch {
      shown = "\(error)"
    }
    #expect(shown.hasPrefix(message), "\(shown)")
  }
}
