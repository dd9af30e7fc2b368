import LanguageModels

/// `lmctl inspect`.
enum InspectCommand: Command {
  static let name = "inspect"
  static let summary = "show what is inside a checkpoint or an ARPA file"
  static let operands = "MODEL… [OPTION…] [TEXT]"
  static let discussion = """
    Reads the whole checkpoint, so that every checksum is verified, and shows what it holds: kind, text rules, vocabulary,
    options, sizes, estimated parameters, what it was trained on, tensors.

    With --gradients, it measures on a text how far back the loss of a token reaches in the states of recurrent networks, and
    what that depends on: the recurrent weights, and how often gates are shut or open. Models come first, then the text. With
    --gates, it shows what every gate does while the network reads a sentence, which stands behind the model; with --attention, what of a sentence
    a translator attends to. --error-wall
    needs neither: it shows the error of one unit, which has a wall that throws gradient descent away unless the gradient is
    clipped. -o writes them as SVG pictures; without, they are drawn in the terminal.
    """
  nonisolated(unsafe) static let settings = InspectSettings.table
  static let typed = ["info", "show", "describe", "dump", "check"]
  static let configurationExample = (
    line: "lmctl inspect model.json --config run.json", file: #"{"json": true}"#
  )
  static let examples = [
    "lmctl inspect model.json", "lmctl inspect --json model.json | jq .training",
    "lmctl inspect --check model.json",
    "lmctl inspect --gradients rnn.json lstm.json test.txt -o gradients.svg",
    "lmctl inspect --gradients --untrained --model lstm --hidden 64 test.txt",
    "lmctl inspect --gates lstm.json 'the cat sat on the mat'",
    "lmctl inspect --attention translator.json '猫 が 好き' -o attention.svg",
    "lmctl inspect --error-wall -o wall.svg",
  ]

  static func run(_ settings: InspectSettings, _ operands: [String], given: Arguments) throws {
    switch settings.view {
    case .gradients: return try GradientPicture(settings, operands).show()
    case .gates: return try GatePicture(settings, operands).show()
    case .attention: return try AttentionPicture(settings, operands).show()
    case .errorWall: return try ErrorWallPicture(settings, operands).show()
    case nil: break
    }
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint: lmctl inspect model.json")
    }
    if operands.count > 1 { throw UsageError("'\(operands[1])' is one argument too many") }
    var (stored, checkpoint) = try ModelKind.loadAny(
      path: path, threads: settings.checks ? nil : 1, keepsTensors: true)
    let output = StandardOutput.shared
    guard settings.checks else {
      return output.write(settings.asJSON ? json(checkpoint).text + "\n" : table(checkpoint, path: path))
    }
    checkpoint.tensors = []
    let check = try ModelCheck(stored, isRounded: checkpoint.configuration["quantize"] != nil)
    output.write(settings.asJSON ? check.json.text + "\n" : check.table)
    if let fault = check.fault { throw FileError(path: path, reason: fault) }
  }

  private static func json(_ checkpoint: Checkpoint) -> JSONValue {
    [
      "model": .string(checkpoint.model),
      "format_version": .integer(Checkpoint.formatVersion),
      "lmctl_version": .string(checkpoint.programVersion),
      "tokenizer": checkpoint.tokenizer.json,
      "vocabulary_size": .integer(checkpoint.vocabulary.count),
      "configuration": checkpoint.configuration,
      "training": checkpoint.training,
      "tensors": .array(
        checkpoint.tensors.map { tensor in
          [
            "name": .string(tensor.name), "shape": .array(tensor.shape.map { .integer($0) }),
            "dtype": .string(tensor.dataType.rawValue), "bytes": .integer(tensor.byteCount),
          ]
        }),
    ]
  }

  private static func table(_ checkpoint: Checkpoint, path: String) -> String {
    let tokenizer = checkpoint.tokenizer
    let vocabulary = checkpoint.vocabulary
    let first = (0..<TokenID(min(10, vocabulary.count))).map { vocabulary.displayName(of: $0) }
    var rows = [
      ("file", path),
      ("model", checkpoint.model),
      (
        "written by",
        checkpoint.training["arpa_file"] == nil ? "lmctl \(checkpoint.programVersion)" : "an ARPA file"
      ),
      (
        "text",
        "unit \(tokenizer.unit.rawValue)\(tokenizer.lowercase ? ", lower case" : "")"
          + (tokenizer.invalid == .replace ? ", invalid UTF-8 replaced" : "")
          + (tokenizer.json.members ?? []).dropFirst(3).map {
            ", \($0.name) \(shown($0.value["text"] ?? $0.value))"
          }.joined()
      ),
      (
        "vocabulary",
        "\(vocabulary.count): \(first.joined(separator: " "))\(vocabulary.count > 10 ? " …" : "")"
      ),
    ]
    rows += (checkpoint.configuration.members ?? []).flatMap { rowsOf($0) }
    if let state = checkpoint.training["resume"]?["state"] {
      let (epochs, step) = (state["epoch"]?.integerValue ?? 0, state["step"]?.integerValue ?? 0)
      let text = "after \(Format.count(epochs, "epoch")) and step \(step), with all that --resume needs"
      rows.append((state["finished"] == true ? "finished" : "not finished", text))
    }
    for (name, others) in checkpoint.otherVocabularies where !name.contains("/") {
      let tokens = others.tokens.dropFirst(2)
      rows.append(
        (name, "\(tokens.count): \(tokens.prefix(10).joined(separator: " "))\(tokens.count > 10 ? " …" : "")")
      )
    }
    for member in checkpoint.training.members ?? []
    where !["texts", "previous", "resume"].contains(member.name) {
      rows.append(("trained on \(member.name)", shown(member.value)))
    }
    for text in checkpoint.training["texts"]?.elements ?? [] {
      rows.append(
        ("trained on text", "\(shown(text["name"] ?? .null)), \(shown(text["bytes"] ?? .null)) bytes"))
      rows.append(("  sha256", shown(text["sha256"] ?? .null)))
    }
    for tensor in checkpoint.tensors {
      let shape = tensor.shape.map(String.init).joined(separator: " × ")
      rows.append(
        ("tensor \(tensor.name)", "[\(shape)] \(tensor.dataType.rawValue), \(Format.bytes(tensor.byteCount))")
      )
    }
    return Format.table(rows.map { (String($0.0.map { $0 == "_" ? " " : $0 }), $0.1) })
  }

  /// A member of the configuration; an array of objects takes a row for each.
  private static func rowsOf(_ member: JSONValue.Member) -> [(String, String)] {
    guard let elements = member.value.elements, elements.contains(where: { $0.members != nil }) else {
      return [(member.name, shown(member.value))]
    }
    return elements.map { element in
      let parts = (element.members ?? []).map { "\($0.name) \(shown($0.value))" }
      return (member.name, parts.joined(separator: "  "))
    }
  }

  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .number(let number): Format.significant(number, 6)
    case .bool(let flag): flag ? "yes" : "no"
    case .null: "not recorded"
    case .array(let values):
      values.prefix(12).map(shown).joined(separator: " ") + (values.count > 12 ? " … (\(values.count))" : "")
    default: value.text
    }
  }
}
