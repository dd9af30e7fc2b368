import Glibc

/// SRILM's lists (nbest-format(5)). `NBestList1.0` has lines `(score) words`, `NBestList2.0` lines `(score) word ( st: … et: … g: … a: … ) …`,
/// both with scores in bytelogs; format 3 has no header and lines `ascore lscore nwords words` with logarithms to the base 10.
extension NBestLine {
  /// What a header begins with.
  static let srilmHeader = "NBestList"

  /// The number of the format that a header names.
  static func srilmVersion(_ header: [UInt8]) throws(Problem) -> Int {
    for version in 1...2 where header.starts(with: "\(srilmHeader)\(version).".utf8) { return version }
    throw Problem(
      "a list of SRILM in another format than NBestList1.0, NBestList2.0, and format 3, which has no header")
  }

  init(srilm line: NBestLine, version: Int) throws(Problem) {
    self = line
    let rest = takeNamedFeatures()
    let own = features
    features = []
    if version == 3 {
      text = Array(try takeScores(rest))
    } else {
      text = try takeTotal(rest, hasTimes: version == 2)
    }
    features += own
  }

  /// `ascore lscore nwords words`: reads the scores, and returns the words.
  private mutating func takeScores(_ bytes: ArraySlice<UInt8>) throws(Problem) -> ArraySlice<UInt8> {
    var rest = bytes
    var numbers: [Double] = []
    while numbers.count < 3 {
      rest = rest.drop(while: Self.isSpace)
      let field = rest.prefix { !Self.isSpace($0) }
      guard let value = Self.number(field) else {
        throw Problem("does not begin with three numbers; a line is 'ascore lscore nwords words'")
      }
      numbers.append(value)
      rest = rest[field.endIndex...]
    }
    for (name, value) in zip(["ascore", "lscore"], numbers) {
      features.append(Feature(name: name, value: value * log(10)))
    }
    return rest.drop(while: Self.isSpace)
  }

  /// One bytelog: 1024 times the logarithm of 1.0001.
  private static let bytelog = 1024 * log(1.0001)

  /// `(score) words`: reads the score, and returns the words without what stands in parentheses behind them.
  private mutating func takeTotal(
    _ bytes: ArraySlice<UInt8>, hasTimes: Bool
  ) throws(Problem) -> [UInt8] {
    let fields = bytes.drop(while: Self.isSpace)
    guard fields.first == UInt8(ascii: "("), let end = fields.firstIndex(of: UInt8(ascii: ")")),
      let value = Self.number(fields[(fields.startIndex + 1)..<end].filter { !Self.isSpace($0) })
    else { throw Problem("does not begin with '(score)'") }
    total = value * Self.bytelog
    features.append(Feature(name: Self.scoreName, value: value * Self.bytelog))
    let words = fields[(end + 1)...]
    guard hasTimes else { return Array(words.drop(while: Self.isSpace)) }
    var text: [UInt8] = []
    var depth = 0
    for word in words.split(whereSeparator: Self.isSpace) {
      switch (word.count, word.first) {
      case (1, UInt8(ascii: "(")): depth += 1
      case (1, UInt8(ascii: ")")): depth -= 1
      default:
        if depth > 0 { continue }
        if !text.isEmpty { text.append(UInt8(ascii: " ")) }
        text += word
      }
    }
    return text
  }
}
