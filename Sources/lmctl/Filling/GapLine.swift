import LanguageModels

/// A line with gaps, as it was written.
struct GapLine {
  /// What stands before, between and behind the gaps.
  private(set) var parts: [[UInt8]] = [[]]
  /// The choices of each gap; `nil` for one that any token can fill.
  private(set) var gaps: [[[UInt8]]?] = []

  private static let (line, open, close, bar) = (
    UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "|")
  )

  /// Finds the gaps of a line: `___`, and `[a|b|c]` with two choices or more. Of words, a longer line is a gap too; of characters and bytes, each
  /// three underscores are one.
  init(_ text: UnsafeRawBufferPointer, unit: TextUnit) {
    var rest = text[...]
    if unit != .byte, rest.last == UInt8(ascii: "\r") { rest.removeLast() }
    while let byte = rest.first {
      let run = byte == Self.line ? rest.prefix { $0 == Self.line }.count : 0
      if run >= 3 {
        add(nil)
        rest = rest.dropFirst(unit.hasWords ? run : 3)
      } else if byte == Self.open, let choices = Self.choices(rest) {
        add(choices)
        rest = rest.dropFirst(choices.reduce(choices.count + 1) { $0 + $1.count })
      } else {
        parts[parts.count - 1].append(byte)
        rest.removeFirst()
      }
    }
  }

  private mutating func add(_ choices: [[UInt8]]?) {
    gaps.append(choices)
    parts.append([])
  }

  /// The choices that stand at the beginning of `text`, if some do.
  private static func choices(_ text: Slice<UnsafeRawBufferPointer>) -> [[UInt8]]? {
    let inner = text.dropFirst().prefix { $0 != close && $0 != open }
    guard inner.endIndex < text.endIndex, text[inner.endIndex] == close, inner.contains(bar) else {
      return nil
    }
    return inner.split(separator: bar, omittingEmptySubsequences: false).map(Array.init)
  }

  /// The sentence in the numbers of a model.
  ///
  /// - Throws: `TextError` for a text that is none, and for choices that the model cannot take.
  func sentence(_ model: FillingModel, file: String, line: Int) throws -> GappedSentence {
    func problem(_ reason: String) -> TextError { TextError(file: file, line: line, reason: reason) }
    func tokens(_ text: [UInt8]) throws -> [TokenID] {
      var tokens: [TokenID] = []
      do {
        try model.tokenizer.forEachToken(of: text) { tokens.append(model.vocabulary.id(of: $0)) }
      } catch let error as TextError {
        throw problem(error.reason)
      }
      return tokens
    }
    let gaps = try gaps.map { choices -> GappedSentence.Gap in
      guard let choices else { return .anyToken }
      return .choices(
        try choices.map { choice in
          let tokens = try tokens(choice)
          if model.takesSingleTokens, tokens.count != 1 {
            throw problem(
              "the choice '\(String(decoding: choice, as: UTF8.self))' is \(Format.count(tokens.count, "token")), and a filler fills "
                + "each gap with one; a language model takes choices of any length")
          }
          return tokens
        })
    }
    return GappedSentence(parts: try parts.map(tokens), gaps: gaps)
  }

  /// The choices that a model does not know, given their tokens.
  func unknownChoices(_ sentence: GappedSentence) -> [String] {
    zip(gaps, sentence.gaps).flatMap { written, gap -> [String] in
      guard let written, case .choices(let tokens) = gap else { return [] }
      return zip(written, tokens).filter { $1.contains(Vocabulary.unknown) }
        .map { String(decoding: $0.0, as: UTF8.self) }.filter { $0 != Vocabulary.unknownToken }
    }
  }

  /// What a filling has in each gap, as text.
  func words(_ filling: GapFilling, _ name: (TokenID) -> String) -> [String] {
    filling.tokens.indices.map { gap in
      if let choice = filling.choices[gap], let choices = gaps[gap] {
        return String(decoding: choices[choice], as: UTF8.self)
      }
      return filling.tokens[gap].map(name).joined(separator: " ")
    }
  }

  /// The line with `words` in its gaps.
  func completed(_ words: [String]) -> [UInt8] {
    zip(parts, words + [""]).flatMap { $0 + $1.utf8 }
  }
}
