import LanguageModels
import NeuralModels

/// Turns lines of tokens into vectors, many lines at once, and writes them in their order.
final class LineEncoder {
  private let settings: EncodeSettings
  private let model: NeuralModel
  /// What of the text the network remembers, where the context runs on across lines.
  private var state: NeuralModel.State
  /// The lines that were added and not written.
  private var lines: [[TokenID]] = []
  /// Their tokens as they stand in the text, if each gets a vector.
  private var names: [[String]] = []
  private var tokenCount = 0
  /// How many tokens the model did not know, so far.
  private(set) var unknownCount = 0

  /// Tokens that are read at once.
  private static let blockSize = 1 << 14

  init(_ settings: EncodeSettings, model: NeuralModel) {
    (self.settings, self.model, state) = (settings, model, model.initialState)
  }

  /// Whether the lines are as many as should be read at once.
  var isFull: Bool { tokenCount + lines.count >= Self.blockSize }

  /// Adds a line, which is empty if it has no tokens.
  func add(_ tokens: TokenSpans) {
    var line: [TokenID] = []
    model.vocabulary.append(idsOf: tokens, to: &line)
    tokenCount += line.count
    unknownCount += line.count { $0 == Vocabulary.unknown }
    lines.append(line)
    guard settings.detail == .token, !settings.asJSON else { return }
    var names: [String] = []
    tokens.forEach { token in
      var name: [UInt8] = []
      Vocabulary.append(displayNameOf: token, unit: model.vocabulary.unit, to: &name)
      names.append(String(decoding: name, as: UTF8.self))
    }
    self.names.append(names)
  }

  /// Writes the vectors of the lines that were added.
  func writeLines() throws {
    let pooling = settings.detail == .token ? nil : settings.pooling
    let vectors =
      settings.context == .sentence
      ? model.vectors(ofSentences: lines, pooling)
      : lines.map { $0.isEmpty ? [] : model.vector(of: $0, pooling, after: &state) }
    for (i, vector) in vectors.enumerated() { try write(vector, line: i) }
    lines.removeAll(keepingCapacity: true)
    names.removeAll(keepingCapacity: true)
    tokenCount = 0
  }

  private func write(_ vector: [Float], line: Int) throws {
    var text: [UInt8] = []
    let size = model.featureSize
    let rows = stride(from: 0, to: vector.count, by: size).map { vector[$0..<$0 + size] }
    let isPerToken = settings.detail == .token
    if settings.asJSON {
      text.append(UInt8(ascii: "["))
      for (i, row) in rows.enumerated() {
        if i > 0 { text.append(UInt8(ascii: ",")) }
        if isPerToken { text.append(UInt8(ascii: "[")) }
        append(row, separator: UInt8(ascii: ","), to: &text)
        if isPerToken { text.append(UInt8(ascii: "]")) }
      }
      text.append(UInt8(ascii: "]"))
    } else {
      for (i, row) in rows.enumerated() {
        if isPerToken { text += "\(names[line][i])\t".utf8 }
        append(row, separator: UInt8(ascii: "\t"), to: &text)
        if isPerToken { text.append(UInt8(ascii: "\n")) }
      }
    }
    text.append(UInt8(ascii: "\n"))
    try StandardOutput.shared.writeBytes(text)
  }

  private func append(_ row: ArraySlice<Float>, separator: UInt8, to text: inout [UInt8]) {
    for (i, value) in row.enumerated() {
      if i > 0 { text.append(separator) }
      text += value.description.utf8
    }
  }
}
