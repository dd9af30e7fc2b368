import Charts
import LanguageModels
import NeuralModels

/// `lmctl inspect --gradients`: how far back losses reach, of several networks side by side.
struct GradientPicture {
  private let settings: InspectSettings
  private let models: [String]
  private let input: TextInput

  init(_ settings: InspectSettings, _ operands: [String]) throws {
    self.settings = settings
    var models: [String] = []
    for path in operands {
      if path == "-" { break }
      let source = try ByteSource(path: path)
      guard !source.isInteractive, try FileKind(source).isModel else { break }
      models.append(path)
    }
    let texts = Array(operands.dropFirst(models.count))
    if models.isEmpty, !settings.isUntrained {
      throw UsageError(
        "no model; give recurrent networks, then a text: lmctl inspect --gradients model.json test.txt, or describe one "
          + "with --untrained --model lstm")
    }
    if texts.isEmpty {
      throw UsageError("no text to measure gradients on; give one behind the models, or - for standard input")
    }
    self.models = models
    input = try TextInput(texts, isReadAgain: true)
    if let output = settings.output {
      try PictureFile.check(output, inputs: operands, isForced: settings.common.isForced)
    }
  }

  /// Measures, and shows what came out.
  func show() throws {
    var results: [(name: String, reach: GradientReach)] = []
    if settings.isUntrained {
      results.append(try measure(InspectedNetwork(settings.network, text: input)))
    }
    for (path, name) in zip(models, ChartText.names(ofFiles: models)) {
      results.append(try measure(InspectedNetwork(path: path, name: name)))
    }
    Progress.end()
    let output = StandardOutput.shared
    if let path = settings.output {
      let chart = SVGChart(chart(results), width: 800, height: 520)
      let bars = bars(results)
      try PictureFile.write(
        bars.bars.isEmpty ? chart : SVGPage([chart, SVGBars(bars)], title: Self.title), to: path)
      if OutputTarget.isStandardOutput(path) { return }
    }
    if settings.asJSON { return output.write(json(results).text + "\n") }
    output.write(table(results))
    if settings.output == nil {
      let isColoured = Terminal.isColoured
      output.write("\n" + TextChart(chart(results), width: 80, height: 24, isColoured: isColoured).text)
      let bars = bars(results)
      if !bars.bars.isEmpty {
        output.write("\n" + TextBars(bars, width: 80, isColoured: isColoured).text)
      }
    }
  }

  private func measure(_ network: InspectedNetwork) throws -> (String, GradientReach) {
    let reader = input.reader(tokenizer: network.tokenizer)
    let tokens = try Corpus(from: reader, vocabulary: network.model.vocabulary).tokens
    try TextFiles.requireText(reader.statistics, input.paths)
    Progress.begin("measuring gradients of \(network.name)")
    do {
      let reach = try network.model.gradientReach(
        in: tokens, steps: settings.steps, places: settings.places, engine: Engine())
      return (network.name, reach)
    } catch let error as ShortTextError {
      let most = error.longest
      let place =
        network.model.configuration.context == .sentence ? "no sentence has a token with" : "no token has"
      throw FileError(
        path: input.name,
        reason: "\(place) \(settings.steps) tokens before it, which --steps \(settings.steps) needs; "
          + (most > 0 ? "the most is \(most): lower --steps, or give another text" : "give another text"))
    }
  }

  // MARK: Picture

  private static let title = "How far back the loss reaches"

  /// What is drawn: the median over all places, and the middle half of them.
  private func chart(_ results: [(name: String, reach: GradientReach)]) -> Chart {
    var curves: [Chart.Curve] = []
    for (name, reach) in results {
      for layer in reach.layers {
        let isOnly = reach.layers.count == 1
        let title = isOnly ? name : "\(name) \(layer.name)"
        let states = [("h", layer.hidden)] + (layer.cell.map { [("c", $0)] } ?? [])
        for (state, spreads) in states {
          var curve = Chart.Curve(
            name: "\(title) \(state)",
            line: spreads.enumerated().map {
              ChartPoint(x: Double($0), y: $1.median > 0 ? $1.median : .nan)
            })
          curve.band = spreads.enumerated().filter { $1.lowerQuartile > 0 }.map {
            (Double($0), $1.lowerQuartile, $1.upperQuartile)
          }
          curve.figures = "k=\(reach.steps) " + ChartText.figure(spreads[reach.steps].median)
          curve.colour = curves.count { !$0.isDashed }
          curves.append(curve)
        }
        if let factor = layer.boundFactor, let first = layer.hidden.first?.median {
          var bound = Chart.Curve(
            name: "\(title) bound",
            line: layer.hidden.indices.map { k in
              let value = first * Self.power(factor, k)
              return ChartPoint(x: Double(k), y: value.isFinite && value > 0 ? value : .nan)
            })
          bound.isDashed = true
          bound.colour = curves.last?.colour
          bound.figures = "\(ChartText.figure(factor)) to the kth"
          curves.append(bound)
        }
      }
    }
    let measured = curves.filter { !$0.isDashed }.flatMap(\.line).map(\.y).filter(\.isFinite)
    let highest = measured.max() ?? 1
    // Far below, single precision has no numbers; and bounds may rise without bound.
    let lowest = max(measured.min() ?? highest, highest * 1e-16)
    return Chart(
      title: Self.title, curves: curves,
      x: Axis("tokens back: k", .linear, from: 0, to: Double(settings.steps), isWhole: true),
      y: Axis(
        "‖∂loss(t)/∂state(t − k)‖ (logarithmic)", .log, from: lowest / 2, to: highest * 4))
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }

  private func bars(_ results: [(name: String, reach: GradientReach)]) -> Bars {
    let bars = results.flatMap { name, reach in
      reach.layers.flatMap { layer in
        layer.gates.map { gate in
          Bars.Bar(
            label: "\(name)\(reach.layers.count == 1 ? "" : " \(layer.name)") \(gate.gate)",
            parts: [gate.shut, gate.open])
        }
      }
    }
    return Bars(
      title: "Saturated gates", partNames: ["shut (below 0.1)", "open (above 0.9)"], bars: bars, limit: 1)
  }

  // MARK: Numbers

  private func table(_ results: [(name: String, reach: GradientReach)]) -> String {
    var text = ""
    for (name, reach) in results {
      text += Format.table([
        ("model", name), ("text", input.name), ("places", "\(reach.places)"),
        ("mean loss there", Format.fixed(reach.loss, 4) + " nats"),
      ])
      var rows = [["layer", "state", "k", "mean norm", "25 %", "median", "75 %"]]
      for layer in reach.layers {
        let states = [("h", layer.hidden)] + (layer.cell.map { [("c", $0)] } ?? [])
        for (state, spreads) in states {
          for k in Self.shownDistances(reach.steps) {
            let spread = spreads[k]
            rows.append(
              [layer.name, state, "\(k)"]
                + [spread.mean, spread.lowerQuartile, spread.median, spread.upperQuartile].map {
                  Format.significant($0, 4)
                })
          }
        }
      }
      text += "\n" + Format.columns(rows, leftAligned: 2)
      let hasBound = reach.layers.contains { $0.boundFactor != nil }
      rows = [["layer", "weights of", "spectral radius", "norm"] + (hasBound ? ["bound of a step"] : [])]
      for layer in reach.layers {
        for matrix in layer.matrices {
          let radius = matrix.spectralRadius.map { Format.significant($0, 4) } ?? "not square"
          let bound = layer.boundFactor.map { Format.significant($0, 4) } ?? ""
          rows.append(
            [layer.name, matrix.gate, radius, Format.significant(matrix.norm, 4)] + (hasBound ? [bound] : []))
        }
      }
      if rows.count > 1 { text += "\n" + Format.columns(rows, leftAligned: 2) }
      rows = [["layer", "gate", "shut (< 0.1)", "open (> 0.9)"]]
      for layer in reach.layers {
        for gate in layer.gates {
          rows.append([
            layer.name, gate.gate, Format.fixed(100 * gate.shut, 1) + " %",
            Format.fixed(100 * gate.open, 1) + " %",
          ])
        }
      }
      if rows.count > 1 { text += "\n" + Format.columns(rows, leftAligned: 2) }
      text += "\n"
    }
    return String(text.dropLast())
  }

  /// The distances in the table: 0, 1, 2, 5, 10, 20, 50 … and the last.
  private static func shownDistances(_ steps: Int) -> [Int] {
    let round = [1, 10, 100, 1000, 10_000].flatMap { [$0, 2 * $0, 5 * $0] }
    return [0] + round.filter { $0 < steps } + [steps]
  }

  private func json(_ results: [(name: String, reach: GradientReach)]) -> JSONValue {
    func spreads(_ spreads: [GradientReach.Spread]) -> JSONValue {
      .array(
        spreads.enumerated().map { k, spread in
          [
            "k": .integer(k), "mean": .number(spread.mean), "lower_quartile": .number(spread.lowerQuartile),
            "median": .number(spread.median), "upper_quartile": .number(spread.upperQuartile),
          ]
        })
    }
    let models = results.map { name, reach -> JSONValue in
      [
        "model": .string(name), "places": .integer(reach.places), "loss_nats": .number(reach.loss),
        "layers": .array(
          reach.layers.map { layer in
            [
              "layer": .string(layer.name), "hidden": spreads(layer.hidden),
              "cell": layer.cell.map(spreads) ?? .null,
              "recurrent_weights": .array(
                layer.matrices.map {
                  [
                    "gate": .string($0.gate),
                    "spectral_radius": $0.spectralRadius.map { .number($0) } ?? .null,
                    "norm": .number($0.norm),
                  ]
                }),
              "bound_factor": layer.boundFactor.map { .number($0) } ?? .null,
              "gates": .array(
                layer.gates.map {
                  ["gate": .string($0.gate), "shut": .number($0.shut), "open": .number($0.open)]
                }),
            ]
          }),
      ]
    }
    return ["text": .string(input.name), "steps": .integer(settings.steps), "models": .array(models)]
  }
}
