import Glibc
import LanguageModels
import NeuralModels

/// How networks adapt to the text that is evaluated.
struct AdaptationSettings: SettingValues {
  var isDynamic = false
  var rate: Double?
  var decay: Double?
  var segment = DynamicEvaluation().segment
  var statisticsPath: String?
  var cacheSize: Int?
  var cacheWeight: Double?
  var cacheFlatness: Double?

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    let dynamic = "--dynamic"
    Setting(
      flag: "dynamic", \.isDynamic,
      "dynamic evaluation: the weights of networks follow the text, each segment once it is scored (Krause)"
    ).typed("dynamic-evaluation", "dyneval")
    Setting(
      "dynamic-rate", \.rate, .atLeastZero(), "how far a segment moves them",
      default: .rule(
        "\(Self.usualRate) for each token of a segment; without statistics \(Self.usualPlainRate)"
      ) { $0.rate }
    ).needs("dynamic", as: dynamic)
    Setting(
      "dynamic-decay", \.decay, .number("X", "from 0 to 1") { (0...1).contains($0) },
      "how far each step takes them back to what they were",
      default: .rule("\(DynamicEvaluation().decay)") { $0.decay }
    ).needs("dynamic", as: dynamic)
    Setting("dynamic-segment", \.segment, .whole(1...10_000), "tokens of a segment").needs(
      "dynamic", as: dynamic)
    Setting(
      "statistics", \.statisticsPath, .file,
      "scale steps by the gradients on this text, best the training text, in place of the model's own statistics"
    ).needs("dynamic", as: dynamic)
    Setting(
      "neural-cache", \.cacheSize, .whole(1...1_000_000),
      "networks: what came after the last N contexts is likelier after those like them (Grave)"
    ).typed("pointer", "continuous-cache")
    Setting(
      "neural-cache-weight", \.cacheWeight, .number("X", "from 0 and below 1") { $0 >= 0 && $0 < 1 },
      "its share", default: .rule("\(NeuralCache().weight)") { $0.cacheWeight }
    ).needs("neural-cache", as: "--neural-cache 500")
    Setting(
      "neural-cache-flatness", \.cacheFlatness, .atLeastZero(),
      "how much likeness counts: contexts weigh exp(X h·h′)",
      default: .rule("\(NeuralCache().flatness)") { $0.cacheFlatness }
    ).needs("neural-cache", as: "--neural-cache 500")
  }

  /// η for each token of a segment …
  static let usualRate = 1e-5
  /// … and that of stochastic gradient descent, whose steps no statistics scale.
  static let usualPlainRate = 0.01
  /// Tokens of a text by which constants are chosen.
  private static let tuningSize = 30_000
  /// Tokens of a text that statistics are taken from.
  static let statisticsSize = 1_000_000

  /// Whether nothing is adapted.
  var isEmpty: Bool { !isDynamic && cacheSize == nil }

  /// Whether a constant of what is adapted is not given.
  var hasChoice: Bool {
    isDynamic && (rate == nil || decay == nil)
      || cacheSize != nil && (cacheWeight == nil || cacheFlatness == nil)
  }

  // MARK: What they come to

  /// A model that is to adapt, and how.
  struct Prepared {
    var model: any LanguageModel
    var adaptation = Adaptation()
  }

  /// Makes `model` ready to adapt: with statistics, and with constants and the weights of a mixture chosen by the text `tuning`.
  func prepare(
    _ model: any LanguageModel, path: String, tokenizer: Tokenizer, context: ContextMode,
    statistics: TextInput?, tuning: TextInput?
  ) throws -> Prepared {
    if isEmpty { return Prepared(model: model) }
    let networks = model.networks
    guard let adaptable = model as? any AdaptableModel, !networks.isEmpty else {
      let option = isDynamic ? "--dynamic" : "--neural-cache"
      throw FileError(
        path: path, reason: "has no network, which \(option) adapts; for n-grams, there is --cache 500")
    }
    if isDynamic {
      for network in networks { try takeStatistics(network, tokenizer, statistics, tuning) }
    }
    var adaptation = adaptation(hasStatistics: networks.allSatisfy { $0.statistics != nil })
    guard let tuning else { return Prepared(model: model, adaptation: adaptation) }
    let tokens = try tuning.tokens(tokenizer: tokenizer, vocabulary: model.vocabulary)
    if hasChoice { adaptation = try search(adaptable, adaptation, tokens, context, tuning.name) }
    guard let mixture = model as? Mixture else { return Prepared(model: model, adaptation: adaptation) }
    Progress.begin("choosing weights")
    let evidence = try mixture.evidence(of: tokens, context: context, adaptation) {
      Progress.show("\($0) tokens")
    }
    let choice = evidence.bestWeights(byOrder: mixture.weights.dependOnOrder)
    Progress.end()
    let weights = choice.weights.sets.map { $0.map { Format.fixed($0, 4) }.joined(separator: " ") }
    Terminal.note("on \(tuning.name), the best weights are \(weights.joined(separator: ", "))")
    return Prepared(model: mixture.with(choice.weights), adaptation: adaptation)
  }

  private func adaptation(hasStatistics: Bool) -> Adaptation {
    var adaptation = Adaptation()
    if isDynamic {
      var dynamic = DynamicEvaluation()
      dynamic.segment = segment
      let usual = (hasStatistics ? Self.usualRate : Self.usualPlainRate) * Double(segment)
      dynamic.rate = rate ?? usual
      dynamic.decay = decay ?? dynamic.decay
      adaptation.dynamic = dynamic
    }
    if let cacheSize {
      var cache = NeuralCache()
      cache.size = cacheSize
      cache.weight = cacheWeight ?? cache.weight
      cache.flatness = cacheFlatness ?? cache.flatness
      adaptation.cache = cache
    }
    return adaptation
  }

  private func takeStatistics(
    _ network: NeuralModel, _ tokenizer: Tokenizer, _ text: TextInput?, _ tuning: TextInput?
  ) throws {
    guard let text = text ?? (network.statistics == nil ? tuning : nil) else {
      if network.statistics == nil {
        Terminal.note(
          "the model has no statistics of gradients, so --dynamic takes plain steps; train --keep-statistics stores them, "
            + "--statistics TEXT takes them from a text")
      }
      return
    }
    let tokens = try text.tokens(tokenizer: tokenizer, vocabulary: network.vocabulary)
    Progress.begin("measuring gradients")
    var done = 0
    network.measureStatistics(on: Array(tokens.prefix(Self.statisticsSize)), steps: segment) { count in
      done += count
      Progress.show("\(done) tokens")
    }
    Progress.end()
  }

  private func search(
    _ model: any AdaptableModel, _ adaptation: Adaptation, _ tokens: [TokenID], _ context: ContextMode,
    _ name: String
  ) throws -> Adaptation {
    var search = AdaptationSearch()
    (search.choosesRate, search.choosesDecay) = (rate == nil, decay == nil)
    (search.choosesWeight, search.choosesFlatness) = (cacheWeight == nil, cacheFlatness == nil)
    Progress.begin("tuning")
    let best = try search.run(
      model, from: adaptation, on: Array(tokens.prefix(Self.tuningSize)), context: context
    ) { adaptation, loss in
      Progress.show("\(adaptation.shown): perplexity \(Format.large(exp(loss), 2))")
    }
    Progress.end()
    Terminal.note("on \(name), the best is \(best.adaptation.shown)")
    return best.adaptation
  }
}

extension LanguageModel {
  /// The networks in it: itself, or those of a mixture.
  var networks: [NeuralModel] {
    if let network = self as? NeuralModel { return [network] }
    return (self as? Mixture)?.models.flatMap(\.networks) ?? []
  }
}

extension Adaptation {
  /// What is adapted and with which constants, for people.
  var shown: String {
    var parts: [String] = []
    if let dynamic {
      parts.append(
        "dynamic, rate \(Format.significant(dynamic.rate, 3)), decay \(Format.significant(dynamic.decay, 3)), "
          + "segments of \(dynamic.segment)")
    }
    if let cache {
      parts.append(
        "neural cache of \(cache.size), share \(Format.significant(cache.weight, 3)), "
          + "flatness \(Format.significant(cache.flatness, 3))")
    }
    return parts.joined(separator: "; ")
  }

  /// The same, for programs.
  var members: [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if let dynamic {
      members.append(
        .init(
          "dynamic",
          [
            "rate": .number(dynamic.rate), "decay": .number(dynamic.decay),
            "segment": .integer(dynamic.segment),
          ]))
    }
    if let cache {
      members.append(
        .init(
          "neural_cache",
          [
            "size": .integer(cache.size), "weight": .number(cache.weight),
            "flatness": .number(cache.flatness),
          ]))
    }
    return members
  }
}
