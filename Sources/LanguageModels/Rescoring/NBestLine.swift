/// A line of an n-best list, of which no byte is lost.
public struct NBestLine: Sendable {
  /// A number that a line has under a name.
  public struct Feature: Sendable, Equatable {
    public let name: String
    public let value: Double
  }

  /// The line without its end, which stands by itself: the last line of a file may have none.
  public let bytes: [UInt8]
  public internal(set) var lineEnd: [UInt8] = []
  /// Where it stands in its file.
  public let line: Int
  /// What its list is called; empty where lists have no names.
  public internal(set) var id: [UInt8] = []
  /// What the line itself is called, where lines have names.
  public internal(set) var key: [UInt8] = []
  /// The words.
  public internal(set) var text: [UInt8] = []
  /// What the line says of it, as natural logarithms where it says which logarithms they are.
  public internal(set) var features: [Feature] = []
  /// What the line gives as the sum of all, which is also the feature `score`.
  public internal(set) var total: Double?

  /// Where features are added.
  var insertion = 0
  /// Where the sum of all stands; `nil` if the format has no place for it that others may write to.
  var totalPlace: Range<Int>?
  /// How a feature is written that is added.
  var style = Style.columns

  enum Style {
    /// ` name= value` among the other features.
    case moses
    /// A tab and `name=value` behind the line.
    case named
    /// A tab and the value behind the line.
    case columns
  }

  init(_ bytes: [UInt8], line: Int) {
    (self.bytes, self.line) = (bytes, line)
    insertion = bytes.count
  }

  /// The feature called `name`.
  public subscript(name: String) -> Double? { features.first { $0.name == name }?.value }

  /// The line with more features, its end included.
  ///
  /// - Parameters:
  ///   - added: names and values.
  ///   - total: the sum of all, if it is to be written: in its place or, if it has none, as one more feature.
  public func line(adding added: [(name: String, value: String)], total: String? = nil) -> [UInt8] {
    var added = added
    if let total, totalPlace == nil, style != .moses { added.append((Self.totalName, total)) }
    let text = added.map { name, value in
      switch style {
      case .moses: " \(name)= \(value)"
      case .named: "\t\(name)=\(value)"
      case .columns: "\t\(value)"
      }
    }.joined()
    var line = Array(bytes[..<insertion])
    line += text.utf8
    if let total, style == .moses {
      let place = totalPlace ?? bytes.count..<bytes.count
      line += bytes[insertion..<place.lowerBound]
      line += ((totalPlace == nil ? " ||| " : "") + total).utf8
      line += bytes[place.upperBound...]
    } else {
      line += bytes[insertion...]
    }
    return line + lineEnd
  }

  /// The feature that holds the sum of all.
  public static let scoreName = "score"
  /// What that sum is called where it is added.
  static let totalName = "total"

  /// What is wrong with the line.
  struct Problem: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  // MARK: Fields

  static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  /// The number that a field is; `nil` if it is none.
  static func number(_ field: some Sequence<UInt8>) -> Double? {
    guard let value = Double(String(decoding: Array(field), as: UTF8.self)), !value.isNaN else { return nil }
    return value
  }

  /// Takes the features that were added behind the line (`Style.named`), and returns what stands before them.
  mutating func takeNamedFeatures() -> ArraySlice<UInt8> {
    var rest = bytes[...]
    var taken: [Feature] = []
    while let tab = rest.lastIndex(of: UInt8(ascii: "\t")), let feature = Self.named(rest[(tab + 1)...]) {
      taken.append(feature)
      rest = rest[..<tab]
    }
    style = .named
    features += taken.reversed()
    return rest
  }

  /// The feature that `name=value` is.
  static func named(_ field: ArraySlice<UInt8>) -> Feature? {
    guard let equals = field.lastIndex(of: UInt8(ascii: "=")), equals > field.startIndex,
      let value = number(field[(equals + 1)...]), !field.contains(UInt8(ascii: " "))
    else { return nil }
    return Feature(name: String(decoding: field[..<equals], as: UTF8.self), value: value)
  }
}
