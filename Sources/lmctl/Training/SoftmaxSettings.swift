import LanguageModels
import NeuralModels

/// What can be set of the output layer of networks.
extension TrainSettings {
  /// What is fitted to the text.
  static let automatic = "auto"

  static var softmaxes: [Setting<Self>] {
    [
      Setting(
        "softmax", \.softmax, .choice("HOW"),
        "full: one over all tokens; adaptive: rare tokens in clusters, several times as fast; class: two levels; sampled: trained on "
          + "a sample. What is predicted is always exact",
        default: .rule("adaptive from \(Defaults.fewestForAdaptive) tokens, else full") { _ in nil }
      ).changes(.shape).stored(.configuration("softmax")).typed(
        "output-layer", "criterion", "loss", "adaptive-softmax"),
      Setting(
        "cutoffs", \.network.softmax.cutoffs, .cutoffs,
        "adaptive: where clusters begin, in tokens by falling count; auto takes what is cheapest",
        default: .rule(automatic) { _ in [] }
      ).changes(.shape).stored(.configuration("cutoffs")).inEffect { $0.network.softmax.kind == .adaptive }
        .rule(ofSoftmax(.adaptive)).typed("adaptive-softmax-cutoff", "cutoff"),
      Setting(
        "tail-divisor", \.network.softmax.tailDivisor, .whole(1...64),
        "adaptive: cluster i sees the features projected to this many times fewer, i times over; 1, 2 or 4",
        default: .rule("\(Defaults.tailDivisor); with --tie 1") {
          $0.network.tiesEmbeddings ? 1 : Defaults.tailDivisor
        }
      ).changes(.shape).stored(.configuration("tail_divisor")).inEffect {
        $0.network.softmax.kind == .adaptive
      }.rule(ofSoftmax(.adaptive)).rule { values, _ in
        values.network.tiesEmbeddings && values.network.softmax.tailDivisor > 1
          ? "does not go with --tie, whose rows are as long as the features; use --tail-divisor 1" : nil
      }.typed("div-value", "adaptive-softmax-factor"),
      Setting(
        "classes", \.classCount, .whole(2...1_000_000),
        "class: how many; the tokens of a class share a softmax",
        default: .rule("the root of the number of tokens") { _ in nil }
      ).changes(.shape).recorded("classes", .set, rank: 5).inEffect {
        $0.network.softmax.kind == .classes
      }.rule(ofSoftmax(.classes)).typed("num-classes", "n-classes"),
      Setting(
        "class-by", \.classKind, .choice("WHAT"),
        "class: neighbours in frequency, or tokens that stand in like places (exchange)"
      ).changes(.shape).recorded("class_by", .set, rank: 5).inEffect { $0.network.softmax.kind == .classes }
        .rule(ofSoftmax(.classes)).rule { values, _ in
          values.network.tiesEmbeddings && values.classKind == .exchange
            ? "exchange does not go with --tie, whose rows are in the order of frequency" : nil
        },
      Setting(
        "samples", \.network.softmax.sampleCount, .whole(1...100_000_000),
        "sampled: tokens that are drawn for each batch; below 512 quality suffers"
      ).recorded("samples", .set, rank: 5).inEffect { $0.network.softmax.kind == .sampled }
        .rule(ofSoftmax(.sampled)).typed("num-samples", "num-sampled", "nce-samples"),
    ]
  }

  private static func ofSoftmax(_ kind: SoftmaxKind) -> SettingRule<Self> {
    { values, _ in
      values.network.softmax.kind == kind
        ? nil : "goes with --softmax \(kind.rawValue)"
    }
  }

  /// Chooses the softmax, and groups the tokens of the text for it, as far as the command line or a checkpoint does not say.
  ///
  /// - Throws: `FileError` if the vocabulary has no such groups.
  mutating func fitSoftmax(to corpus: Corpus, _ vocabulary: Vocabulary) throws {
    let size = vocabulary.count
    if let predecessor {
      let sampleCount = network.softmax.sampleCount
      network.softmax =
        try NeuralConfiguration(kind: network.kind, json: predecessor.checkpoint.configuration).softmax
      network.softmax.sampleCount = sampleCount
      return
    }
    if !hasSoftmax, network.regularization.labelSmoothing == 0, size >= Defaults.fewestForAdaptive {
      network.softmax.kind = .adaptive
    }
    switch network.softmax.kind {
    case .full, .sampled: break
    case .adaptive: try fitCutoffs(to: corpus, vocabulary.counts(of: corpus.tokens))
    case .classes: fitClasses(to: corpus, vocabulary.counts(of: corpus.tokens))
    }
  }

  private mutating func fitCutoffs(to corpus: Corpus, _ counts: [Int]) throws {
    if network.softmax.cutoffs.isEmpty {
      network.softmax.cutoffs = SoftmaxOptions.cheapestCutoffs(
        counts: counts, featureSize: network.outputSize, rows: training.batchSize * training.sequenceLength,
        divisor: network.softmax.tailDivisor)
    }
    let cutoffs = network.softmax.cutoffs
    guard cutoffs[cutoffs.count - 1] < counts.count else {
      throw FileError(
        path: "--cutoffs \(cutoffs.map(String.init).joined(separator: ","))",
        reason:
          "beyond the vocabulary of \(counts.count), which --min-count and --max-vocab decide; lower them, or use --cutoffs auto"
      )
    }
    let share =
      Double(counts[..<cutoffs[0]].reduce(0, +)) / Double(max(1, corpus.tokens.count)) * 100
    Terminal.note(
      "adaptive softmax: the root has \(Format.count(cutoffs[0], "token")) (\(Format.fixed(share, 1)) % of the text), clusters begin at "
        + cutoffs.map(String.init).joined(separator: ", "))
  }

  private mutating func fitClasses(to corpus: Corpus, _ counts: [Int]) {
    let wanted = classCount ?? Int(Double(counts.count).squareRoot())
    let number = max(1, min(wanted, counts.count))
    switch classKind {
    case .frequency:
      network.softmax.classes = SoftmaxOptions.classes(
        byFrequency: counts, classCount: number, keepsOrder: network.tiesEmbeddings)
    case .exchange:
      Progress.begin("finding classes")
      network.softmax.classes = SoftmaxOptions.classes(
        byExchangeIn: corpus.tokens, vocabularySize: counts.count, classCount: number)
      Progress.end()
    }
    classCount = wanted
  }
}

extension ValueType where Value == [Int] {
  /// Rising whole numbers from 1, or `auto` for none.
  fileprivate static var cutoffs: Self {
    let automatic = TrainSettings.automatic
    return Self(
      placeholder: "auto|N,…", isList: true,
      parse: { text in
        if text == automatic { return [] }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        let isRising = zip([0] + parts, parts).allSatisfy { $0 < $1 }
        return isRising && parts.count <= 100 && (parts.last ?? 0) < 1 << 31 ? parts : nil
      },
      requirement: { _ in "auto, or rising whole numbers from 1 with commas between them, as 2000,10000" },
      json: { $0.isEmpty ? .string(automatic) : .array($0.map { .integer($0) }) },
      examples: ["auto", "2,3"])
  }
}
