import LanguageModels

/// The options of a command as one JSON object: what `--config` reads, and what `--print-config` writes.
///
/// Each member is an option by its long name: a string or a number, true or false for a flag, `null` for an option that is not
/// given. The operands of some commands are a member too, an array of strings.
struct Configuration {
  /// The name of the option that names the file; every command takes it.
  static let optionName = "config"

  private let file: String
  private let members: [JSONValue.Member]

  /// No configuration is larger, in bytes; a model may be.
  private static let maximumSize = 1 << 24

  /// Reads a file.
  ///
  /// - Throws: `FileError` or `TextError`, which name the file, if it is not a JSON object.
  init(path: String) throws {
    let source = try ByteSource(path: path)
    file = source.name
    guard let bytes = try source.readAll(limit: Self.maximumSize) else {
      throw FileError(path: file, reason: "is too large for a configuration")
    }
    guard let members = try JSONValue(parsing: bytes, file: file).members else {
      throw FileError(path: file, reason: "is not a configuration, which is a JSON object: {\"order\": 5, …}")
    }
    self.members = members
  }

  /// The options that stand in `file`.
  init(members: [JSONValue.Member], file: String) {
    self.members = members
    self.file = file
  }

  /// Adds the options to those of the command line, which win.
  ///
  /// - Throws: `UsageError` for a name that is no option (with the nearest that is one) or a value of the wrong type.
  func add(to arguments: inout Arguments, _ options: [Option], operandsName: String?) throws {
    var values: [String: String] = [:]
    var operands: [String] = []
    var seen: Set<String> = []
    for member in members {
      guard seen.insert(member.name).inserted else { throw error("'\(member.name)' is given twice") }
      if member.name == operandsName {
        operands = try strings(member)
        continue
      }
      guard let option = options.first(where: { $0.name == member.name }), option.name != Self.optionName
      else {
        let others = options.filter { $0.name != Self.optionName }
        let known = others.map(\.name) + [operandsName].compactMap { $0 }
        let typed = others.flatMap { option in option.typed.map { ($0, option.name) } }
        throw error(
          "unknown option '\(member.name.prefix(100))'"
            + Suggestion.text(
              for: member.name, among: known, typed: Dictionary(typed) { first, _ in first }))
      }
      if let text = try text(member, option) { values[option.name] = text }
    }
    arguments.add(values: values, operands: operands, from: file)
  }

  /// What would stand on the command line; `nil` if nothing would.
  private func text(_ member: JSONValue.Member, _ option: Option) throws -> String? {
    if member.value == .null { return nil }
    guard option.value != nil else {
      guard let isGiven = member.value.boolValue else {
        throw error("'\(member.name)' is a flag, which takes true or false, not \(member.value.text)")
      }
      return isGiven ? "" : nil
    }
    if let text = member.value.stringValue { return text }
    if let integer = member.value.integerValue { return "\(integer)" }
    if let number = member.value.doubleValue { return "\(number)" }
    if option.isList, let elements = member.value.elements, elements.allSatisfy({ $0.integerValue != nil }) {
      return elements.map(\.text).joined(separator: ",")
    }
    throw error("'\(member.name)' takes a string or a number, not \(member.value.text)")
  }

  private func strings(_ member: JSONValue.Member) throws -> [String] {
    if member.value == .null { return [] }
    if let text = member.value.stringValue { return [text] }
    let texts = (member.value.elements ?? []).compactMap(\.stringValue)
    guard let elements = member.value.elements, texts.count == elements.count else {
      throw error("'\(member.name)' takes an array of strings, not \(member.value.text)")
    }
    return texts
  }

  private func error(_ reason: String) -> UsageError { UsageError("\(file): \(reason)") }

  /// The options of a run and its operands as text for people: one member a line.
  static func text(_ object: JSONValue) -> String {
    let lines = (object.members ?? []).map { "  \(JSONValue.string($0.name).text): \($0.value.text)" }
    return "{\n\(lines.joined(separator: ",\n"))\n}\n"
  }
}
