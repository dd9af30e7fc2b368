import Glibc
import LanguageModels

/// Writes lists with their new features, or the best lines of each.
struct RescoreWriter {
  let settings: RescoreSettings
  let names: [String]
  let total: RescoringTotal
  private var output: StandardOutput { .shared }

  init(_ settings: RescoreSettings, _ names: [String]) {
    (self.settings, self.names) = (settings, names)
    total = RescoringTotal(settings.weights, added: names)
  }

  /// Whether totals are of use.
  private var hasTotals: Bool {
    settings.weights != nil || settings.onlyBest || settings.top != nil || settings.asJSON
  }

  /// Writes what is wanted of one list, the number of which is `number`.
  func write(_ scored: Rescorer.ScoredList, number: Int) throws {
    let (list, file) = (scored.list, scored.list.file)
    if number == 1 { try total.check(list.hypotheses[0], file: file) }
    if settings.onlyScores { return try writeScores(scored) }
    var lines = Array(list.hypotheses.indices)
    var totals: [Double] = []
    if hasTotals {
      totals = try lines.map { try total.total(list.hypotheses[$0], scored.scores[$0], file: file) }
    }
    if let count = settings.onlyBest ? 1 : settings.top {
      // Of equal ones, the first comes first.
      lines.sort { totals[$0] != totals[$1] ? totals[$0] > totals[$1] : $0 < $1 }
      lines = Array(lines.prefix(count))
    }
    if !settings.asJSON, !settings.onlyBest { try output.writeBytes(list.before) }
    for i in lines {
      let hypothesis = list.hypotheses[i]
      if settings.asJSON {
        try writeObject(hypothesis, scored.scores[i], totals[i], number: number)
      } else if settings.onlyBest {
        try writeWords(hypothesis, scored.format)
      } else {
        let added = zip(names, scored.scores[i]).map { (name: $0, value: Format.significant($1, 9)) }
        let total = settings.weights.map { _ in Format.significant(totals[i], 9) }
        var line = hypothesis.line(adding: added, total: total)
        if settings.top != nil, hypothesis.lineEnd.isEmpty { line.append(UInt8(ascii: "\n")) }
        try output.writeBytes(line)
      }
    }
  }

  /// The words of a hypothesis, with Kaldi behind the name of the utterance.
  private func writeWords(_ hypothesis: NBestLine, _ format: NBestFormat) throws {
    var line = format == .kaldi ? hypothesis.id : []
    if !line.isEmpty, !hypothesis.text.isEmpty { line.append(UInt8(ascii: " ")) }
    try output.writeBytes(line + hypothesis.text + [UInt8(ascii: "\n")])
  }

  private func writeScores(_ scored: Rescorer.ScoredList) throws {
    for (hypothesis, scores) in zip(scored.list.hypotheses, scored.scores) {
      let scale: Double =
        switch scored.format {
        case .kaldi: -1
        case .srilm: 1 / log(10)
        case .moses, .tsv: 1
        }
      let key = scored.format == .kaldi ? [String(systemBytes: hypothesis.key)] : []
      let columns = key + scores.map { Format.significant($0 * scale, 9) }
      try output.writeBytes((columns.joined(separator: " ") + "\n").systemBytes)
    }
  }

  private func writeObject(
    _ hypothesis: NBestLine, _ scores: [Double], _ total: Double, number: Int
  ) throws {
    let features =
      hypothesis.features.map { JSONValue.Member($0.name, .number($0.value)) }
      + zip(names, scores).map { .init($0, .number($1)) }
    let object: JSONValue = [
      "list": .integer(number), "line": .integer(hypothesis.line),
      "id": .string(String(decoding: hypothesis.id, as: UTF8.self)),
      "text": .string(String(decoding: hypothesis.text, as: UTF8.self)), "features": .object(features),
      "total": .number(total),
    ]
    try output.writeBytes((object.text + "\n").utf8)
  }
}
