import Charts
import LanguageModels
import NeuralModels

/// `lmctl inspect --gates`: what every gate and state of a network does while it reads a sentence.
struct GatePicture {
  private let settings: InspectSettings
  private let path: String
  private let sentence: String

  init(_ settings: InspectSettings, _ operands: [String]) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give it, then a sentence: lmctl inspect --gates model.json 'the cat sat'")
    }
    if operands.count > 2 {
      throw UsageError("'\(operands[2])' is one argument too many; put the sentence in quotation marks")
    }
    guard operands.count == 2 else {
      throw UsageError(
        "no sentence for the network to read; give it behind the model: lmctl inspect --gates \(Shell.quoted(path)) 'the cat sat'"
      )
    }
    (self.settings, self.path, sentence) = (settings, path, operands[1])
    if let output = settings.output {
      try PictureFile.check(output, inputs: [path], isForced: settings.common.isForced)
    }
  }

  /// Reads the sentence, and shows what came out.
  func show() throws {
    let network = try InspectedNetwork(path: path, name: ChartText.names(ofFiles: [path])[0])
    let vocabulary = network.model.vocabulary
    // What a sentence is read after.
    var tokens = [Vocabulary.endOfSentence]
    var labels = [vocabulary.displayName(of: Vocabulary.endOfSentence)]
    try network.tokenizer.forEachToken(of: sentence.systemBytes) { token in
      tokens.append(vocabulary.id(of: token))
      labels.append(String(decoding: token, as: UTF8.self))
    }
    if tokens.count == 1 {
      throw UsageError("the sentence is empty; give the network something to read")
    }
    for i in tokens.indices where labels[i].allSatisfy(\.isWhitespace) {
      labels[i] = vocabulary.displayName(of: tokens[i])
    }
    let unknown = tokens.count { $0 == Vocabulary.unknown }
    if unknown > 0 {
      Terminal.warn("\(Format.count(unknown, "token")) of the sentence not in the model's vocabulary")
    }
    let trace = network.model.gateTrace(reading: tokens)
    Progress.end()
    let output = StandardOutput.shared
    if let path = settings.output {
      let maps = maps(trace, labels: labels, name: network.name)
      try PictureFile.write(SVGHeatMap(maps), to: path)
      if OutputTarget.isStandardOutput(path) || !settings.asJSON { return }
    }
    if settings.asJSON { return output.write(json(trace, tokens: labels).text + "\n") }
    output.write(
      TextHeatMap(
        maps(trace, labels: labels, name: network.name), width: max(40, Terminal.columns),
        isColoured: Terminal.isColoured
      ).text)
  }

  private func maps(_ trace: GateTrace, labels: [String], name: String) -> HeatMaps {
    var most = 0
    let groups = trace.layers.map { layer -> [HeatMap] in
      let units = shownUnits(of: layer)
      most = max(most, layer.series.first?.values.first?.count ?? 0)
      return layer.series.map { series in
        // A hidden state that is projected has fewer numbers than there are units.
        let units = units.filter { unit in series.values.allSatisfy { unit < $0.count } }
        let rows = units.map { unit in series.values.map { Double($0[unit]) } }
        let largest = rows.joined().reduce(0) { max($0, abs($1)) }
        // A cell state has no limits: its colours end at its largest value.
        let divisor = !series.isGate && largest > 1 ? largest : 1
        let scaled = divisor == 1 ? "" : " ÷ \(ChartText.figure(divisor))"
        return HeatMap(
          name: (trace.layers.count == 1 ? "" : "\(layer.name) ") + series.name + scaled,
          rowLabels: units.map { "\($0 + 1)" }, rows: rows.map { $0.map { $0 / divisor } },
          scale: series.isGate ? .sequential : .diverging)
      }
    }
    let choice = most > settings.units ? ": the \(settings.units) of \(most) units that vary most" : ""
    return HeatMaps(title: name + choice, columnLabels: labels, rowTitle: "units", groups: groups)
  }

  /// The units whose cell state, or hidden state if there is none, varies most over the sentence, by number.
  private func shownUnits(of layer: GateTrace.Layer) -> [Int] {
    guard let units = layer.series.first?.values.first?.count else { return [] }
    guard units > settings.units,
      let state = layer.series.first(where: { $0.name == "cell" }) ?? layer.series.last
    else { return Array(0..<units) }
    let variances = (0..<units).map { unit -> Double in
      let values = state.values.map { unit < $0.count ? Double($0[unit]) : 0 }
      let mean = values.reduce(0, +) / Double(values.count)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    return (0..<units).sorted { (variances[$0], $1) > (variances[$1], $0) }.prefix(settings.units).sorted()
  }

  private func json(_ trace: GateTrace, tokens: [String]) -> JSONValue {
    let layers = trace.layers.map { layer -> JSONValue in
      [
        "layer": .string(layer.name),
        "series": .array(
          layer.series.map { series in
            [
              "name": .string(series.name),
              "values": .array(series.values.map { .array($0.map { .number(Double($0)) }) }),
            ]
          }),
      ]
    }
    return [
      "tokens": .array(tokens.map { .string($0) }), "layers": .array(layers),
      "losses_nats": .array(trace.losses.map { .number($0) }),
    ]
  }
}
