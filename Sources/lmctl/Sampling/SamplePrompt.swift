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

  /// The prompts, as something that reads the next one, so that they can come through a pipe one by one.
  static func reader(_ settings: SampleSettings, _ checkpoint: Checkpoint) throws -> () throws ->
    SamplePrompt?
  {
    let (vocabulary, tokenizer) = (checkpoint.vocabulary, checkpoint.tokenizer)
    if let path = settings.promptPath {
      let reader = try TextFiles.reader([path], tokenizer: tokenizer)
      return {
        if reader.wouldBlock { try StandardOutput.shared.flush() }
        guard try reader.next() != nil else { return nil }
        var prompt = SamplePrompt()
        reader.tokens.forEach { prompt.append($0, vocabulary, tokenizer.separator) }
        return prompt
      }
    }
    var prompt = SamplePrompt()
    if let path = settings.wholePromptPath {
      let reader = try TextFiles.reader([path], tokenizer: tokenizer)
      while let line = try reader.next() {
        if case .empty = line { continue }
        reader.tokens.forEach { prompt.append($0, vocabulary, tokenizer.separator) }
        // A line without its end is for the model to end.
        if reader.endsWithLineEnd { prompt.appendEndOfSentence() }
      }
    } else {
      try tokenizer.forEachToken(of: (settings.prompt ?? "").systemBytes) {
        prompt.append($0, vocabulary, tokenizer.separator)
      }
    }
    let unknown = prompt.tokens.filter { $0 == Vocabulary.unknown }.count
    if unknown > 0 {
      Terminal.warn("\(Format.count(unknown, "token")) of the prompt not in the model's vocabulary")
    }
    var isTaken = false
    return {
      defer { isTaken = true }
      return isTaken ? nil : prompt
    }
  }
}
