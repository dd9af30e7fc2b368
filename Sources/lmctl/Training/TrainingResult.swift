import LanguageModels

/// What `lmctl train --json` says of a training that is done.
struct TrainingResult {
  let job: TrainingJob
  /// How large the model is: `parameters`, or `ngrams` by order.
  let size: JSONValue.Member
  let heldOut: (any ShownResult)?

  /// The object for programs.
  var json: JSONValue {
    let text = job.text
    var sizes: [JSONValue.Member] = [
      .init("sentences", .integer(text.sizes.sentences)), .init("tokens", .integer(text.sizes.tokens)),
      .init("unknown", .integer(text.sizes.unknownTokens)),
    ]
    if let statistics = text.statistics {
      sizes.append(.init("empty_lines", .integer(statistics.emptyLines)))
      sizes.append(.init("bytes", .integer(statistics.bytes)))
    }
    return .object([
      .init("model", .string(job.output)), .init("kind", .string(job.kind.rawValue)),
      .init("trained", .bool(true)), .init("text", .object(sizes)),
      .init("vocabulary_size", .integer(job.vocabulary.count)), size,
      .init("seconds", .number((job.watch.seconds * 1e6).rounded() / 1e6)),
      .init("held_out", heldOut?.forPrograms ?? .null),
      .init("warnings", .array(Terminal.warnings.map { .string($0) })),
      .init("lmctl_version", .string(programVersion)),
    ])
  }

  /// The object of a model that `--auto-resume` found complete.
  static func complete(_ output: String, _ kind: ModelKind) -> JSONValue {
    [
      "model": .string(output), "kind": .string(kind.rawValue), "trained": false,
      "warnings": .array(Terminal.warnings.map { .string($0) }), "lmctl_version": .string(programVersion),
    ]
  }
}
