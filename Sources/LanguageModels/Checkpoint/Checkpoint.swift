/// A model as it is stored: one JSON document, the same envelope for every kind.
///
///     {"format":"lmctl","format_version":1,"model":"ngram","lmctl_version":"…",
///     "tokenizer":{…},"vocabulary":[…],"configuration":{…},"training":{…},"header_crc32":"…",
///     "tensors":[{"name":"…","shape":[…],"dtype":"float32","crc32":"…","data":"base64, little-endian"}]}
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
  /// The model's options.
  public var configuration: JSONValue
  /// What it was trained on, and how.
  public var training: JSONValue
  /// Its numbers.
  public var tensors: [Tensor]

  /// A checkpoint of these parts.
  public init(
    model: String, programVersion: String, tokenizer: Tokenizer, vocabulary: Vocabulary,
    configuration: JSONValue, training: JSONValue, tensors: [Tensor]
  ) {
    self.model = model
    self.programVersion = programVersion
    self.tokenizer = tokenizer
    self.vocabulary = vocabulary
    self.configuration = configuration
    self.training = training
    self.tensors = tensors
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
      ("configuration", text(configuration)),
      ("training", text(training)),
    ]
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
  /// The text rules as a checkpoint holds them.
  public var json: JSONValue {
    ["unit": .string(unit.rawValue), "lowercase": .bool(lowercase), "invalid": .string(invalid.rawValue)]
  }

  /// The text rules that a checkpoint holds.
  public init(json: JSONValue) throws {
    guard let unit = json["unit"]?.stringValue.flatMap(TextUnit.init),
      let invalid = InvalidText(rawValue: json["invalid"]?.stringValue ?? InvalidText.error.rawValue)
    else { throw CheckpointError("'tokenizer' does not name a unit (word, char, byte)") }
    self.init(unit: unit, lowercase: json["lowercase"]?.boolValue ?? false, invalid: invalid)
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
