/// A model as it is stored: one JSON document, the same envelope for every kind.
///
///     {"format":"lmctl","format_version":1,"model":"ngram","lmctl_version":"…",
///     "tokenizer":{…},"vocabulary":[…],"configuration":{…},"training":{…},"header_crc32":"…",
///     "tensors":[{"name":"…","shape":[…],"dtype":"float32","crc32":"…","data":"base64, little-endian"}]}
///
/// A model of several vocabularies has the others, by name, in `"vocabularies":{"source":[…]}` behind the first.
///
/// `header_crc32` covers the values of all members before it (not their layout), so that a reader notices a changed
/// word or option; a file without it is read all the same.
public struct Checkpoint: Sendable {
  /// The format that this version writes, and the newest that it reads.
  public static let formatVersion = 1

  /// The kind of model.
  public var model: String
  /// The version of the program that wrote it.
  public var programVersion: String
  /// The text rules.
  public var tokenizer: Tokenizer
  /// The tokens.
  public var vocabulary: Vocabulary
  /// The tokens of other sides of the model, by name, such as `source`; the text rules are the same.
  public var otherVocabularies: [(name: String, vocabulary: Vocabulary)]
  /// The model's options.
  public var configuration: JSONValue
  /// What it was trained on, and how.
  public var training: JSONValue
  /// Its numbers.
  public var tensors: [Tensor]

  /// A checkpoint of these parts.
  public init(
    model: String, programVersion: String, tokenizer: Tokenizer, vocabulary: Vocabulary,
    otherVocabularies: [(name: String, vocabulary: Vocabulary)] = [], configuration: JSONValue,
    training: JSONValue, tensors: [Tensor]
  ) {
    self.model = model
    self.programVersion = programVersion
    self.tokenizer = tokenizer
    self.vocabulary = vocabulary
    self.otherVocabularies = otherVocabularies
    self.configuration = configuration
    self.training = training
    self.tensors = tensors
  }

  /// The vocabulary called `name`, other than the first.
  ///
  /// - Throws: `CheckpointError` when there is none.
  public func vocabulary(_ name: String) throws -> Vocabulary {
    guard let found = otherVocabularies.first(where: { $0.name == name }) else {
      throw CheckpointError("vocabulary '\(name)' is missing")
    }
    return found.vocabulary
  }

  /// The tensor called `name`.
  ///
  /// - Throws: `CheckpointError` when there is none, or it has another type or another number of elements.
  public func floats(_ name: String, count: Int? = nil) throws -> [Float] {
    guard case .float32(let values) = try tensor(name, count).elements else {
      throw CheckpointError("tensor '\(name)' is not of type float32")
    }
    return values
  }

  /// The tensor called `name`.
  ///
  /// - Throws: `CheckpointError` when there is none, or it has another type or another number of elements.
  public func integers(_ name: String, count: Int? = nil) throws -> [UInt32] {
    guard case .uint32(let values) = try tensor(name, count).elements else {
      throw CheckpointError("tensor '\(name)' is not of type uint32")
    }
    return values
  }

  /// The tensor called `name`.
  ///
  /// - Throws: `CheckpointError` when there is none, or it has another type or another number of elements.
  public func bytes(_ name: String, count: Int? = nil) throws -> [UInt8] {
    guard case .uint8(let values) = try tensor(name, count).elements else {
      throw CheckpointError("tensor '\(name)' is not of type uint8")
    }
    return values
  }

  /// The tensor called `name`, which must have this shape.
  public func floats(_ name: String, shape: [Int]) throws -> [Float] {
    let found = try tensor(name, nil).shape
    guard found == shape else {
      throw CheckpointError(
        "damaged: tensor '\(name)' has the shape \(found) where its configuration needs \(shape)")
    }
    return try floats(name)
  }

  private func tensor(_ name: String, _ count: Int?) throws -> Tensor {
    guard let tensor = tensors.first(where: { $0.name == name }) else {
      throw CheckpointError("tensor '\(name)' is missing")
    }
    if let count, tensor.elements.count != count {
      throw CheckpointError("tensor '\(name)' has \(tensor.elements.count) elements instead of \(count)")
    }
    return tensor
  }

  // MARK: The header as JSON

  /// The members before the tensors, each as compact JSON text, in the order of the file.
  var headerMembers: [(name: String, text: [UInt8])] {
    func text(_ value: JSONValue) -> [UInt8] {
      var bytes: [UInt8] = []
      value.write(to: &bytes)
      return bytes
    }
    return [
      ("format", text("lmctl")),
      ("format_version", text(.integer(Self.formatVersion))),
      ("model", text(.string(model))),
      ("lmctl_version", text(.string(programVersion))),
      ("tokenizer", text(tokenizer.json)),
      ("vocabulary", vocabulary.jsonText),
    ] + (otherVocabularies.isEmpty ? [] : [("vocabularies", otherVocabulariesText)]) + [
      ("configuration", text(configuration)),
      ("training", text(training)),
    ]
  }

  /// A JSON object of arrays of tokens.
  private var otherVocabulariesText: [UInt8] {
    var bytes = [UInt8(ascii: "{")]
    for (i, (name, vocabulary)) in otherVocabularies.enumerated() {
      if i > 0 { bytes.append(UInt8(ascii: ",")) }
      JSONValue.write(name, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      bytes += vocabulary.jsonText
    }
    return bytes + [UInt8(ascii: "}")]
  }

  /// The checksum of the header's values.
  static func headerChecksum(_ members: [(name: String, text: [UInt8])]) -> UInt32 {
    var crc = CRC32()
    for member in members {
      Array(member.name.utf8).withUnsafeBytes { crc.update($0) }
      member.text.withUnsafeBytes { crc.update($0) }
    }
    return crc.value
  }

  /// How a checksum is written: eight hexadecimal digits.
  static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension Tokenizer {
  /// The text rules as a checkpoint holds them; those that came later only where they are not as without them.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("unit", .string(unit.rawValue)), .init("lowercase", .bool(lowercase)),
      .init("invalid", .string(invalid.rawValue)),
    ]
    if punctuation != .keep { members.append(.init("punctuation", .string(punctuation.rawValue))) }
    if digits != .keep { members.append(.init("digits", .string(digits.rawValue))) }
    if normalization != .none { members.append(.init("normalize", .string(normalization.rawValue))) }
    if foldsWidth { members.append(.init("fold_width", .bool(true))) }
    switch separator {
    case .whiteSpace: break
    case .ascii: members.append(.init("separator", "ascii"))
    case .text(let text): members.append(.init("separator", ["text": .string(text)]))
    }
    return .object(members)
  }

  /// The text rules that a checkpoint holds.
  ///
  /// - Throws: `CheckpointError` if they are not known to this version, or do not go together.
  public init(json: JSONValue) throws {
    guard let unit = json["unit"]?.stringValue.flatMap(TextUnit.init) else {
      let units = TextUnit.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError("'tokenizer' does not name a unit (\(units))")
    }
    // A rule of a later version would be lost in silence.
    let known = [
      "unit", "lowercase", "invalid", "punctuation", "digits", "normalize", "fold_width", "separator",
    ]
    if let odd = json.members?.first(where: { !known.contains($0.name) }) {
      throw CheckpointError(
        "'tokenizer' has the rule '\(odd.name)', which this lmctl does not know; use a newer one")
    }
    self.init(unit: unit)
    lowercase = try Self.flag("lowercase", json)
    invalid = try Self.rule("invalid", json, InvalidText.error)
    punctuation = try Self.rule("punctuation", json, Punctuation.keep)
    digits = try Self.rule("digits", json, Digits.keep)
    normalization = try Self.rule("normalize", json, Normalization.none)
    foldsWidth = try Self.flag("fold_width", json)
    if let value = json["separator"] {
      if value == "ascii" {
        separator = .ascii
      } else if let text = value["text"]?.stringValue {
        separator = .text(text)
      } else {
        throw CheckpointError("'separator' in 'tokenizer' is \(value.text), which this lmctl does not know")
      }
    }
    if let conflict { throw CheckpointError("its text rules do not go together: \(conflict)") }
  }

  private static func flag(_ name: String, _ json: JSONValue) throws -> Bool {
    guard let value = json[name] else { return false }
    guard let flag = value.boolValue else {
      throw CheckpointError("'\(name)' in 'tokenizer' is \(value.text), not true or false")
    }
    return flag
  }

  private static func rule<Rule: RawRepresentable & CaseIterable>(
    _ name: String, _ json: JSONValue, _ standard: Rule
  ) throws -> Rule where Rule.RawValue == String {
    guard let value = json[name] else { return standard }
    guard let rule = value.stringValue.flatMap(Rule.init(rawValue:)) else {
      let known = Rule.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError(
        "'\(name)' in 'tokenizer' is \(value.text), which this lmctl does not know (\(known))")
    }
    return rule
  }
}

extension Vocabulary {
  /// A JSON array of the tokens.
  var jsonText: [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "[")]
    for id in 0..<TokenID(count) {
      if id > 0 { bytes.append(UInt8(ascii: ",")) }
      withBytes(of: id) { JSONValue.write(utf8: $0, to: &bytes) }
    }
    bytes.append(UInt8(ascii: "]"))
    return bytes
  }
}

/// What is wrong with a checkpoint; the file's name is put before it by whoever opened the file.
public struct CheckpointError: UserError {
  /// What is wrong.
  public let reason: String
  /// The file, once known.
  public var path: String?

  /// An error of this reason.
  public init(_ reason: String, path: String? = nil) {
    self.reason = reason
    self.path = path
  }

  /// One sentence: file and reason.
  public var description: String { path.map { "\($0): \(reason)" } ?? reason }
}
