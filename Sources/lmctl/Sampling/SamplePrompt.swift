import LanguageModels

/// What a sample begins with: its tokens, and their text as it was given, which may hold words that the model does not know.
struct SamplePrompt {
  private(set) var tokens: [TokenID] = []
  private(set) var text: [UInt8] = []

  private mutating func append(
    _ token: UnsafeRawBufferPointer, _ vocabulary: Vocabulary, _ separator: Separator
  ) {
    let isFirst = tokens.isEmpty || tokens.last == Vocabulary.endOfSentence
    tokens.append(vocabulary.id(of: token))
    vocabulary.append(bytes: token, to: &text, isFirst: isFirst, separator: separator)
  }

  private mutating func appendEndOfSentence() {
    tokens.append(Vocabulary.endOfSentence)
    text.append(UInt8(ascii: "\n"))
  }

  /// The prompts of a file, which can come through a pipe one by one; of no file, the only one.
  static func prompts(_ settings: SampleSettings, _ checkpoint: Checkpoint) throws -> SamplePrompts {
    if let path = settings.promptPath {
      let reader = try TextFiles.reader([path], tokenizer: checkpoint.tokenizer)
      return SamplePrompts(
        wouldBlock: { reader.wouldBlock },
        next: {
          guard try reader.next() != nil else { return nil }
          var prompt = SamplePrompt()
          reader.tokens.forEach { prompt.append($0, checkpoint.vocabulary, checkpoint.tokenizer.separator) }
          return prompt
        })
    }
    let prompt = try only(settings, checkpoint)
    var isTaken = false
    return SamplePrompts(
      wouldBlock: { false },
      next: {
        defer { isTaken = true }
        return isTaken ? nil : prompt
      })
  }

  private static func only(_ settings: SampleSettings, _ checkpoint: Checkpoint) throws -> SamplePrompt {
    let (vocabulary, tokenizer) = (checkpoint.vocabulary, checkpoint.tokenizer)
    var prompt = SamplePrompt()
    if let path = settings.wholePromptPath {
      let reader = try TextFiles.reader([path], tokenizer: tokenizer)
      while let line = try reader.next() {
        if case .empty = line { continue }
        reader.tokens.forEach { prompt.append($0, vocabulary, tokenizer.separator) }
        // A line without its end is for the model to end.
        if reader.endsWithLineEnd { prompt.appendEndOfSentence() }
      }
      TextFiles.report(reader.statistics)
    } else {
      let dropped = try tokenizer.forEachToken(of: (settings.prompt ?? "").systemBytes) {
        prompt.append($0, vocabulary, tokenizer.separator)
      }
      TextFiles.report(droppedMarkers: dropped)
    }
    let unknown = prompt.tokens.filter { $0 == Vocabulary.unknown }.count
    if unknown > 0 {
      Terminal.warn("\(Format.count(unknown, "token")) of the prompt not in the model's vocabulary")
    }
    return prompt
  }
}

/// The prompts, one after the other.
struct SamplePrompts {
  /// Whether the next one is not there yet.
  let wouldBlock: () -> Bool
  /// The next one; `nil` if there are no more.
  let next: () throws -> SamplePrompt?
}
