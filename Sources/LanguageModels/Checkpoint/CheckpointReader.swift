extension Checkpoint {
  /// Reads the checkpoint at `path` (`-`: standard input; compressed files by extension).
  ///
  /// Memory: the model's numbers and a block of the file.
  ///
  /// - Parameter progress: hears from time to time how many bytes have been read.
  /// - Throws: `FileError` when the file cannot be read, `CheckpointError` when it is damaged, cut short, of a later version
  ///   or something else altogether.
  public init(path: String, progress: (Int) -> Void = { _ in }) throws {
    try self.init(ByteSource(path: path), progress: progress)
  }

  /// Reads the checkpoint that `source` holds.
  public init(_ source: ByteSource, progress: (Int) -> Void = { _ in }) throws {
    do {
      self = try CheckpointReader.read(source, progress)
    } catch let problem as JSONProblem {
      throw CheckpointError(
        "damaged, or not an lmctl checkpoint: \(problem.reason) (at byte \(problem.offset))",
        path: source.name)
    } catch var problem as CheckpointError {
      problem.path = source.name
      throw problem
    }
  }
}

/// Builds a checkpoint from the members of its document as they come.
private struct CheckpointReader {
  /// Bytes of the document, against which declared shapes are held; `nil` if a pipe or a decompressor delivers it.
  let documentSize: Int?
  private var members: [(name: String, value: JSONValue)] = []
  private var vocabulary: WordTable?
  private var otherVocabularies: [(name: String, words: WordTable)] = []
  private var tensors: [Tensor]?
  /// Bytes of memory that have been taken for words and tensors.
  private var bytesHeld = 0

  static func read(_ source: ByteSource, _ progress: (Int) -> Void) throws -> Checkpoint {
    var reader = CheckpointReader(documentSize: source.size)
    // The parser keeps the closure no longer than this call takes.
    return try withoutActuallyEscaping(progress) { progress in
      var bytes = 0
      return try reader.parse(
        JSONParser { buffer in
          let count = try source.read(into: buffer)
          bytes += count
          progress(bytes)
          return count
        })
    }
  }

  init(documentSize: Int?) { self.documentSize = documentSize }

  mutating func parse(_ stream: JSONParser) throws -> Checkpoint {
    var stream = stream
    guard let first = try stream.peek() else { throw CheckpointError("the file is empty") }
    guard first == UInt8(ascii: "{") else {
      throw CheckpointError("not an lmctl checkpoint: it does not begin with '{'")
    }
    var names: Set<String> = []
    try stream.object { stream, name in
      guard names.insert(name).inserted else { throw CheckpointError("'\(name)' stands there twice") }
      switch name {
      case "vocabulary":
        vocabulary = try words(from: &stream, name)
      case "vocabularies":
        try stream.object { stream, name in
          try hold(64, stream)
          guard !otherVocabularies.contains(where: { $0.name == name }) else {
            throw CheckpointError("damaged: it has two vocabularies '\(name)'")
          }
          otherVocabularies.append((name, try words(from: &stream, name)))
        }
      case "tensors":
        // Whether the file is ours is settled before its tensors are believed.
        try checkFormat()
        var read: [Tensor] = []
        var readNames: Set<String> = []
        try stream.array { stream in
          let next = try tensor(from: &stream)
          try hold(256, stream)
          guard readNames.insert(next.name).inserted else {
            throw CheckpointError("damaged: it has two tensors '\(next.name)'")
          }
          read.append(next)
        }
        tensors = read
      default: members.append((name, try stream.value()))
      }
    }
    try stream.expectEnd()
    try checkFormat()
    return try checkpoint()
  }

  private mutating func words(from stream: inout JSONParser, _ name: String) throws -> WordTable {
    var words = WordTable()
    var place = 0
    try stream.array { stream in
      var token = try stream.string()
      try hold(token.utf8.count + 32, stream)
      let id = token.withUTF8 { words.insert(UnsafeRawBufferPointer($0)) }
      guard Int(id) == place else { throw Self.badVocabulary(name) }
      place += 1
    }
    return words
  }

  private func member(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

  private func checkFormat() throws {
    guard let format = member("format") else {
      throw CheckpointError("not an lmctl checkpoint: it has no member 'format' (before 'tensors')")
    }
    guard format == "lmctl" else {
      throw CheckpointError("not an lmctl checkpoint: its format is \(format.text), not \"lmctl\"")
    }
    guard let version = member("format_version")?.integerValue, version >= 1 else {
      throw CheckpointError("damaged: 'format_version' is missing or not a whole number from 1")
    }
    guard version <= Checkpoint.formatVersion else {
      throw CheckpointError(
        "written in format version \(version), and this lmctl reads up to \(Checkpoint.formatVersion); "
          + "use a newer lmctl")
    }
  }

  private func checkpoint() throws -> Checkpoint {
    func required(_ name: String) throws -> JSONValue {
      guard let value = member(name) else { throw CheckpointError("damaged: '\(name)' is missing") }
      return value
    }
    guard let model = try required("model").stringValue else {
      throw CheckpointError("damaged: 'model' is not a name")
    }
    let tokenizer = try Tokenizer(json: try required("tokenizer"))
    guard let words = vocabulary else { throw CheckpointError("damaged: 'vocabulary' is missing") }
    guard let tensors else { throw CheckpointError("damaged: 'tensors' is missing") }
    let checkpoint = Checkpoint(
      model: model, programVersion: member("lmctl_version")?.stringValue ?? "unknown", tokenizer: tokenizer,
      vocabulary: try Self.vocabulary(words, "vocabulary", tokenizer),
      otherVocabularies: try otherVocabularies.map {
        // Labels are names, to which the rules of the text do not apply.
        let rules = $0.name == ClassifierCheckpoint.labelVocabulary ? nil : tokenizer
        return ($0.name, try Self.vocabulary($0.words, $0.name, rules))
      },
      configuration: try required("configuration"),
      training: member("training") ?? .object([]), tensors: tensors)
    if let expected = member("header_crc32") {
      let found = Checkpoint.hexadecimal(Checkpoint.headerChecksum(checkpoint.headerMembers))
      guard expected == .string(found) else {
        throw CheckpointError(
          "damaged or edited: the header's checksum is \(found) where \(expected.text) is recorded; "
            + "to accept an edit, remove the member 'header_crc32'")
      }
    }
    return checkpoint
  }

  /// The vocabulary of `words`, if each of them is a token by the text rules, as far as there are any.
  private static func vocabulary(_ words: WordTable, _ name: String, _ tokenizer: Tokenizer?) throws
    -> Vocabulary
  {
    let unit = tokenizer?.unit ?? .word
    let known = Vocabulary(unit: unit, table: words)
    guard known.count >= 2, known[Vocabulary.unknown] == Vocabulary.unknownToken,
      known[Vocabulary.endOfSentence] == unit.endOfSentence
    else { throw badVocabulary(name) }
    for id in 2..<max(2, TokenID(known.count)) where tokenizer?.isToken(known[id]) == false {
      throw CheckpointError(
        "damaged: \(JSONValue.string(known[id]).text) in '\(name)' is not one \(unit.rawValue)")
    }
    return known
  }

  private static func badVocabulary(_ name: String) -> CheckpointError {
    CheckpointError(
      "damaged: '\(name)' does not begin with <unk> and the end of sentence, or repeats a token")
  }

  /// Notes that `bytes` of memory are taken.
  ///
  /// - Throws: `CheckpointError` when the machine does not have as much.
  private mutating func hold(_ bytes: Int, _ stream: JSONParser) throws {
    bytesHeld = bytesHeld.addingReportingOverflow(bytes).overflow ? .max : bytesHeld + bytes
    guard bytesHeld <= PhysicalMemory.bytes else {
      throw CheckpointError(
        "takes more memory than this machine has (\(PhysicalMemory.bytes >> 20) MB), or is damaged "
          + "(at byte \(stream.offset))")
    }
  }

  // MARK: Tensors

  private mutating func tensor(from stream: inout JSONParser) throws -> Tensor {
    var (name, shape, type, checksum): (String?, [Int]?, Tensor.DataType?, String?)
    var elements: Tensor.Elements?
    var crc = CRC32()
    var seen: Set<String> = []
    try stream.object { stream, member in
      // A shape behind the data would not be theirs.
      guard seen.insert(member).inserted else { throw stream.problem("a tensor has '\(member)' twice") }
      switch member {
      case "name": name = try stream.string()
      case "shape":
        shape = []
        try stream.array { stream in
          guard let extent = try stream.value().integerValue, extent >= 0 else {
            throw stream.problem("a tensor's shape is not made of whole numbers")
          }
          shape?.append(extent)
        }
      case "dtype":
        let text = try stream.string()
        type = Tensor.DataType(rawValue: text)
        if type == nil { throw stream.problem("'\(text)' is not a type of tensor that this lmctl knows") }
      case "crc32": checksum = try stream.string()
      case "data":
        guard let name, let shape, let type else {
          throw stream.problem("a tensor's data come before its name, shape and dtype")
        }
        let count = try self.count(of: shape, type, name: name)
        try MemoryBudget.require(
          count * type.size, for: "tensor '\(name)'", "raise the limit, free some, or load a smaller model")
        try hold(count * type.size, stream)
        let isSized = documentSize != nil
        switch type {
        case .float32: elements = .float32(try Self.read(count, isSized, name, &crc, &stream) { Float($0) })
        case .uint32: elements = .uint32(try Self.read(count, isSized, name, &crc, &stream) { UInt32($0) })
        case .uint8: elements = .uint8(try Self.read(count, isSized, name, &crc, &stream) { UInt8($0) })
        }
      default: _ = try stream.value()
      }
    }
    guard let name, let shape, let elements else {
      throw stream.problem("a tensor lacks its name, shape, dtype or data")
    }
    if let checksum {
      guard checksum == Checkpoint.hexadecimal(crc.value) else {
        throw CheckpointError("damaged: the checksum of tensor '\(name)' does not match its data")
      }
    }
    return Tensor(name: name, shape: shape, elements: elements)
  }

  /// The number of elements of `shape`, which the document must be large enough to hold.
  private func count(of shape: [Int], _ type: Tensor.DataType, name: String) throws -> Int {
    var count = 1
    var isHuge = false
    for extent in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      isHuge = isHuge || overflows
      count = product
    }
    // An element takes at least two characters, as a digit and a comma; in base64, over five, and over one if it is a byte.
    let most = documentSize.map { $0 / (type.size == 1 ? 1 : 2) + 1 } ?? Int.max / 8
    guard !isHuge, count <= most else {
      let text = JSONValue.array(shape.map { .integer($0) }).text
      throw CheckpointError(
        "damaged: tensor '\(name)' declares the shape \(text), more than the file can hold")
    }
    return count
  }

  /// Reads `count` elements, from base64 or from plain numbers, and adds their bytes to `crc`.
  ///
  /// Unless the document `isSized`, so that it is known to hold about as many, memory is taken as they come.
  private static func read<Element: BitwiseCopyable>(
    _ count: Int, _ isSized: Bool, _ name: String, _ crc: inout CRC32, _ stream: inout JSONParser,
    parse: (String) -> Element?
  ) throws -> [Element] {
    let mismatch = CheckpointError(
      "damaged: tensor '\(name)' does not have the \(count) elements of its shape")
    if try stream.peek() == UInt8(ascii: "[") {
      var values: [Element] = []
      try stream.array { stream in
        let text = try stream.peek() == UInt8(ascii: "\"") ? stream.string() : stream.numberText()
        guard let value = parse(text) else {
          throw stream.problem("'\(text)' is not a number of the tensor's type")
        }
        guard values.count < count else { throw mismatch }
        values.append(value)
      }
      guard values.count == count else { throw mismatch }
      values.withUnsafeBytes { crc.update($0) }
      return values
    }
    var decoder = Base64Stream<Element>(count: count, grows: !isSized)
    try stream.plainString { characters in
      guard decoder.append(characters) else { throw mismatch }
    }
    guard decoder.finish() else { throw mismatch }
    crc = decoder.crc
    return decoder.takeElements()
  }
}
