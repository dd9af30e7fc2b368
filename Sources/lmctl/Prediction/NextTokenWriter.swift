import Glibc
import LanguageModels

/// Writes the likeliest next tokens after each line of a text, one line for each.
struct NextTokenWriter {
  private let settings: PredictSettings
  private let vocabulary: Vocabulary
  private var output: StandardOutput { .shared }

  init(_ settings: PredictSettings, vocabulary: Vocabulary) {
    (self.settings, self.vocabulary) = (settings, vocabulary)
  }

  /// Reads lines to the end of the text; each answer is out before the reader waits for another.
  func write<Model: LanguageModel>(_ model: Model, _ reader: SentenceReader) throws {
    var state = model.initialState
    var tokens: [TokenID] = []
    var scores: [Float] = []
    while true {
      if reader.wouldBlock { try output.flush() }
      guard let line = try reader.next() else { return }
      if settings.context == .sentence { state = model.initialState }
      tokens.removeAll(keepingCapacity: true)
      vocabulary.append(idsOf: reader.tokens, to: &tokens)
      let begun = settings.completesWords ? wordBegun(in: reader) : nil
      let before = begun == nil ? tokens[...] : tokens.dropLast()
      scores.removeAll(keepingCapacity: true)
      model.score(before, context: settings.context, after: &state, into: &scores)
      var isWanted: ((TokenID) -> Bool)?
      if let begun { isWanted = { begins($0, with: begun) } }
      let likeliest = model.likeliestTokens(
        settings.count, after: state, includesUnknown: settings.includesUnknown, where: isWanted
      ).filter { exp(Double($0.logProbability)) >= settings.threshold }
      try write(likeliest, after: before)
      if settings.context == .stream, line == .sentence {
        let rest = tokens.suffix(tokens.count - before.count) + [Vocabulary.endOfSentence]
        model.score(rest[...], context: .stream, after: &state, into: &scores)
      }
    }
  }

  // MARK: Words that are begun

  /// The bytes of the last word of a line; `nil` if that is whole.
  private func wordBegun(in reader: SentenceReader) -> [UInt8]? {
    if reader.endsWithSeparator { return nil }
    var last: [UInt8]?
    reader.tokens.forEach { last = Array($0) }
    return last
  }

  private func begins(_ token: TokenID, with prefix: [UInt8]) -> Bool {
    token != Vocabulary.unknown && token != Vocabulary.endOfSentence
      && vocabulary.withBytes(of: token) { $0.starts(with: prefix) }
  }

  // MARK: Lines

  private func write(_ likeliest: [LikelyToken], after tokens: ArraySlice<TokenID>) throws {
    var text = ""
    if settings.asJSON {
      let unknown = tokens.reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) }
      let predictions = likeliest.map { likely -> JSONValue in
        let logProbability = Double(likely.logProbability)
        return [
          "token": .string(vocabulary[likely.token]), "probability": .number(exp(logProbability)),
          "log_probability": .number(logProbability),
        ]
      }
      let object: JSONValue = [
        "tokens": .integer(tokens.count), "unknown": .integer(unknown), "predictions": .array(predictions),
      ]
      text = object.text
    } else {
      text = likeliest.map {
        "\(vocabulary.displayName(of: $0.token))\t\(Format.significant(exp(Double($0.logProbability)), 7))"
      }.joined(separator: "\t")
    }
    try output.writeBytes((text + "\n").utf8)
  }
}
