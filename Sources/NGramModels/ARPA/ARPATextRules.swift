import LanguageModels

/// The text rules of a model, as they stand in an ARPA file before `\data\`:
///
///     # lmctl text rules: {"unit":"char","lowercase":false,"invalid":"error"}
///
/// SRILM and IRSTLM pass over all text there, KenLM over lines that begin with `#`. The member `context` says how the model's context goes on,
/// if it does not restart with each sentence.
struct ARPATextRules: Equatable {
  var tokenizer: Tokenizer
  var context: ContextMode

  /// What is assumed of files without such a line: words as KenLM and SRILM tell them apart, U+00A0 and U+3000 being parts of them.
  static let foreign: Tokenizer = {
    var tokenizer = Tokenizer()
    tokenizer.separator = .ascii
    return tokenizer
  }()

  private static let mark = "# lmctl text rules:"
  private static let contextName = "context"

  init(tokenizer: Tokenizer, context: ContextMode) {
    (self.tokenizer, self.context) = (tokenizer, context)
  }

  /// The rules in a line before `\data\`; `nil` if it is another text.
  ///
  /// - Throws: `UserError` when the line cannot be understood.
  init?(line: UnsafeRawBufferPointer, file: String, number: Int) throws {
    guard line.starts(with: Self.mark.utf8) else { return nil }
    let text = UnsafeRawBufferPointer(rebasing: line.dropFirst(Self.mark.utf8.count))
    let json = try JSONValue(parsing: text, file: file, line: number)
    func problem(_ reason: String) -> TextError {
      TextError(file: file, line: number, reason: "text rules that this lmctl does not know: \(reason)")
    }
    guard let members = json.members else { throw problem("they are no JSON object") }
    do {
      tokenizer = try Tokenizer(json: .object(members.filter { $0.name != Self.contextName }))
    } catch let error as CheckpointError {
      throw problem(error.reason)
    }
    guard let name = json[Self.contextName] else {
      context = .sentence
      return
    }
    guard let context = name.stringValue.flatMap(ContextMode.init) else {
      throw problem("'context' is neither stream nor sentence")
    }
    self.context = context
  }

  /// The line, with its end; `nil` for the rules that are assumed without it.
  ///
  /// Plain words of lmctl need the line: they end at U+00A0, and those of other programs do not.
  var line: String? {
    if context == .sentence, tokenizer == Self.foreign { return nil }
    var members = tokenizer.json.members ?? []
    if context != .sentence { members.append(.init(Self.contextName, .string(context.rawValue))) }
    return "\(Self.mark) \(JSONValue.object(members).text)\n"
  }
}
