import LanguageModels
import NeuralModels

/// Translates a text line by line, many lines side by side as long as there are some to read.
final class TranslationWriter {
  private let settings: TranslateSettings
  private let translator: Translator
  private let tokenizer: Tokenizer
  private var output: StandardOutput { .shared }
  /// Lines before those that wait.
  private var written = 0
  private var waiting: [Line] = []

  /// Lines that are translated at once.
  private static let mostWaiting = 1024

  private struct Line {
    var tokens: [TokenID] = []
    /// The tokens as they stand in the line, if they may be copied.
    var words: [[UInt8]] = []
  }

  init(_ settings: TranslateSettings, _ translator: Translator, _ tokenizer: Tokenizer) {
    (self.settings, self.translator, self.tokenizer) = (settings, translator, tokenizer)
  }

  /// Reads lines to the end of the text; each answer is out before the reader waits for another line.
  func write(_ reader: SentenceReader) throws {
    Progress.begin(Progress.writing("-") == nil ? nil : "translating")
    defer { Progress.end() }
    while true {
      if reader.wouldBlock || waiting.count == Self.mostWaiting {
        try translateWaiting()
        try output.flush()
      }
      guard try reader.next() != nil else { return try translateWaiting() }
      var line = Line()
      translator.source.append(idsOf: reader.tokens, to: &line.tokens)
      guard line.tokens.count <= settings.lengthLimit else {
        try translateWaiting()
        throw TextError(
          file: reader.name, line: written + 1,
          reason:
            "has \(line.tokens.count) tokens, more than the \(settings.lengthLimit) that --max-source allows; split the sentence, or allow more"
        )
      }
      if settings.replacesUnknown { reader.tokens.forEach { line.words.append(Array($0)) } }
      waiting.append(line)
    }
  }

  private func translateWaiting() throws {
    defer { Progress.show("\(written) sentences") }
    // What is empty stays so.
    let present = waiting.indices.filter { !waiting[$0].tokens.isEmpty }
    var translations = [[Hypothesis]](repeating: [], count: waiting.count)
    for (i, found) in zip(present, found(present)) { translations[i] = found }
    let replacements = settings.replacesUnknown ? replacements(for: translations) : []
    for (i, line) in waiting.enumerated() {
      try write(
        translations[i], of: line, number: written + i,
        replacements: replacements.isEmpty ? [] : replacements[i])
    }
    written += waiting.count
    waiting.removeAll(keepingCapacity: true)
  }

  /// What is found for some of the lines that wait.
  private func found(_ places: [Int]) -> [[Hypothesis]] {
    let sources = places.map { waiting[$0].tokens }
    guard settings.draws else {
      var search = settings.search
      search.count = settings.list ?? 1
      return search.run(translator, sources)
    }
    var options = settings.sampling
    (options.drawsUnknown, options.maximumTokens) = (
      !settings.search.leavesOutUnknown, settings.search.maximumTokens
    )
    return translator.samples(
      of: sources, numbers: places.map { written + $0 }, options, seed: settings.seed
    ).map { [$0] }
  }

  /// The word of the source that each unknown token attends to most, for each translation of each line.
  private func replacements(for translations: [[Hypothesis]]) -> [[[[UInt8]?]]] {
    var wanted: [(line: Int, place: Int, pair: SentencePair)] = []
    for (i, found) in translations.enumerated() {
      for (place, one) in found.enumerated() where one.tokens.contains(Vocabulary.unknown) {
        let target = one.tokens.filter { $0 != Vocabulary.endOfSentence }
        wanted.append((i, place, SentencePair(source: waiting[i].tokens, target: target)))
      }
    }
    var result = translations.map { $0.map { _ in [[UInt8]?]() } }
    for (one, shares) in zip(wanted, translator.attention(of: wanted.map(\.pair))) {
      let words = waiting[one.line].words
      result[one.line][one.place] = shares.map { shares in
        words.indices.max { shares[$0] < shares[$1] }.map { words[$0] }
      }
    }
    return result
  }

  private func write(_ found: [Hypothesis], of line: Line, number: Int, replacements: [[[UInt8]?]]) throws {
    func text(_ place: Int) -> [UInt8] {
      translator.target.text(
        of: found[place].tokens, tokenizer.separator,
        unknown: place < replacements.count ? replacements[place] : [])
    }
    if settings.asJSON {
      let translations = found.indices.map { place -> JSONValue in
        [
          "text": .string(String(decoding: text(place), as: UTF8.self)),
          "tokens": .array(found[place].tokens.map { .string(translator.target[$0]) }),
          "log_probability": .number(found[place].logProbability), "score": .number(found[place].score),
          "ended": .bool(found[place].isEnded),
        ]
      }
      let object: JSONValue = [
        "translations": .array(translations), "source_tokens": .integer(line.tokens.count),
        "unknown": .integer(line.tokens.count { $0 == Vocabulary.unknown }),
      ]
      return try output.writeBytes((object.text + "\n").utf8)
    }
    if settings.list != nil {
      // The translation of an empty line is empty, and in the list, so that no line is missed.
      for (place, one) in (found.isEmpty ? [Hypothesis()] : found).enumerated() {
        let numbers =
          "translation= \(Format.significant(one.logProbability, 9)) ||| \(Format.significant(one.score, 9))"
        let text = found.isEmpty ? [] : text(place)
        try output.writeBytes("\(number) ||| ".utf8 + text + " ||| \(numbers)\n".utf8)
      }
      return
    }
    if settings.showsScore {
      output.write("\(Format.significant(found.first?.logProbability ?? 0, 9))\t")
    }
    try output.writeBytes((found.isEmpty ? [] : text(0)) + [UInt8(ascii: "\n")])
  }
}
