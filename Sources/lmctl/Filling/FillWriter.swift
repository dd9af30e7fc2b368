import Glibc
import LanguageModels

/// Writes the likeliest fillings of each line of a text, one line for each.
struct FillWriter {
  private let settings: FillSettings
  private let model: FillingModel
  private var output: StandardOutput { .shared }

  init(_ settings: FillSettings, _ model: FillingModel) { (self.settings, self.model) = (settings, model) }

  /// Reads lines to the end of the texts; each answer is out before the reader waits for another.
  func write(_ input: TextInput) throws {
    for path in input.paths {
      let lines = LineReader(try input.open(path), dropsByteOrderMark: model.tokenizer.unit != .byte)
      while true {
        if lines.wouldBlock { try output.flush() }
        guard let text = try lines.next() else { break }
        let line = GapLine(text, unit: model.tokenizer.unit)
        if line.gaps.isEmpty, line.parts[0].contains(where: { $0 > 0x20 }) {
          Terminal.warn("a line without a gap (___, or [one|other]) has nothing to fill in")
        }
        let sentence = try line.sentence(model, file: lines.source.name, line: lines.lineNumber)
        let fillings = model.fill(sentence, settings.search)
        let unknown = line.unknownChoices(sentence)
        for word in unknown {
          Terminal.warn("\(model.path) does not know the choice '\(word)', and takes it for <unk>")
        }
        try output.writeBytes(answer(fillings, line, unknown) + [UInt8(ascii: "\n")])
      }
    }
  }

  private func answer(_ fillings: GapFillings, _ line: GapLine, _ unknown: [String]) -> [UInt8] {
    let vocabulary = model.vocabulary
    if settings.writesSentences {
      return line.completed(fillings.best.first.map { line.words($0) { vocabulary[$0] } } ?? [])
    }
    if settings.asJSON { return Array(object(fillings, line, unknown).text.utf8) }
    let columns = fillings.best.map { filling in
      let words = line.words(filling) { vocabulary.displayName(of: $0) }.joined(separator: " ")
      return "\(words)\t\(Format.significant(exp(filling.logProbability), 7))"
    }
    return Array(columns.joined(separator: "\t").utf8)
  }

  private func object(_ fillings: GapFillings, _ line: GapLine, _ unknown: [String]) -> JSONValue {
    let predictions = fillings.best.map { filling -> JSONValue in
      let words = line.words(filling) { model.vocabulary[$0] }
      let tokens = filling.tokens.map { tokens -> JSONValue in
        tokens.count == 1 ? .integer(Int(tokens[0])) : .array(tokens.map { .integer(Int($0)) })
      }
      let isSingle = tokens.count == 1
      return [
        "score": .number(exp(filling.logProbability)), "token": isSingle ? tokens[0] : .array(tokens),
        "token_str": isSingle ? .string(words[0]) : .array(words.map { .string($0) }),
        "sequence": .string(String(decoding: line.completed(words), as: UTF8.self)),
      ]
    }
    return [
      "gaps": .integer(line.gaps.count), "compared": .integer(fillings.compared),
      "complete": .bool(fillings.isComplete), "unknown": .array(unknown.map { .string($0) }),
      "predictions": .array(predictions),
    ]
  }
}
