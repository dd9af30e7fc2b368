import Glibc
import LanguageModels
import NGramModels

/// How `lmctl train --model ngram` trains.
struct NGramTraining: ModelTraining {
  static let options: [(heading: String, options: [Option])] = [
    (
      "n-grams (--model ngram)",
      [
        Option("smoothing", Smoothing.self, "what unseen n-grams get\n(default: modified-kneser-ney)"),
        Option(flag: "backoff", "lower orders only for words that do not follow a context"),
        Option("delta", "X", "what additive smoothing adds to each count (default: 1)"),
        Option(
          "discounts", "D,…",
          "fixed discounts, for each order from 1; the last serve all\nhigher orders. absolute and kneser-ney: 0.7,0.8\n"
            + "modified-kneser-ney: 0.5/1/1.5,0.7/1.2/1.6"),
        Option("katz-limit", "K", "good-turing: the largest count that is discounted (default: 5)"),
        Option(
          "tune", "FILE", "held-out text to choose the discounts, the delta or the\ninterpolation weights on"),
        Option(
          "prune", "N,…",
          "leave out n-grams seen no more than N times, for each order\nfrom 1; the last serves all higher orders, the first is 0"
        ),
        Option(
          "prune-entropy", "X",
          "leave out n-grams that raise the perplexity by less than this\nfraction, such as 1e-8 (Stolcke)"),
        Option("prune-to", "N", "keep only the N best n-grams, words included"),
        Option("quantize", "BITS", "round probabilities to 2^BITS values an order, 2 to 8 bits"),
        CountsTraining.option,
      ] + CountingOptions.all
    )
  ]
  static let optionNames = options.flatMap(\.options).map(\.name)

  private var options = NGramModel.Options()
  private let tokenizer: Tokenizer
  private let tuningPath: String?
  /// Where the model goes if it is to be an ARPA file.
  private let arpaPath: String?
  private var pruningThreshold: Double?
  private var pruningSize: Int?
  private var quantizationBits: Int?
  private let countingSettings: [JSONValue.Member]

  /// Takes the options from the command line.
  init(_ arguments: Arguments, tokenizer: Tokenizer) throws {
    self.tokenizer = tokenizer
    countingSettings = ([CountsTraining.option.name] + CountingOptions.names).map {
      .setting($0, arguments.string($0))
    }
    tuningPath = arguments.string("tune")
    arpaPath = arguments.string("output").flatMap { ConvertCommand.Format(path: $0) == .arpa ? $0 : nil }
    if arpaPath != nil, arguments.has("tensors") {
      throw UsageError("--tensors goes with checkpoints, and --output names an ARPA file")
    }
    options.order = try arguments.integer("order", in: 1...16) ?? options.order
    options.smoothing = try arguments.choice("smoothing") ?? options.smoothing
    options.context = try arguments.choice("context") ?? options.context
    let smoothing = options.smoothing
    func require(_ isApplicable: Bool, _ option: String, _ takers: (Smoothing) -> Bool) throws {
      if arguments.has(option), !isApplicable {
        let names = Smoothing.allCases.filter(takers).map(\.rawValue).joined(separator: ", ")
        throw UsageError("--\(option) goes with --smoothing \(names), not with '\(smoothing.rawValue)'")
      }
    }
    try require(smoothing.takesDelta, "delta") { $0.takesDelta }
    try require(smoothing.discountCount > 0, "discounts") { $0.discountCount > 0 }
    try require(smoothing == .goodTuring, "katz-limit") { $0 == .goodTuring }
    try require(smoothing.isTunable, "tune") { $0.isTunable }
    if arguments.has("backoff") {
      guard smoothing.forms.contains(.backedOff) else {
        throw UsageError(
          "--backoff does not go with --smoothing \(smoothing.rawValue), which has no backed-off form")
      }
      options.form = .backedOff
    }
    options.delta =
      try arguments.number("delta", "from 1e-9 to 1e9", { (1e-9...1e9).contains($0) }) ?? options.delta
    options.katzLimit =
      try arguments.integer("katz-limit", in: 1...GoodTuring.maximumLimit) ?? options.katzLimit
    for (option, reason) in [("discounts", "which fixes them"), ("delta", "which fixes it")]
    where arguments.has(option) && tuningPath != nil {
      throw UsageError("--tune does not go with --\(option), \(reason)")
    }
    options.discounts = try arguments.string("discounts").map { try Self.discounts($0, smoothing) }
    options.cutoffs = try arguments.string("prune").map { try Self.cutoffs($0, order: options.order) } ?? []
    pruningThreshold = try arguments.number("prune-entropy", "above 0", { $0 > 0 })
    pruningSize = try arguments.integer("prune-to", in: 1...Int.max)
    quantizationBits = try arguments.integer("quantize", in: 2...8)
    if pruningThreshold != nil, pruningSize != nil {
      throw UsageError("--prune-entropy and --prune-to exclude each other")
    }
    if !smoothing.isNormalized, let option = ["prune-entropy", "prune-to"].first(where: arguments.has) {
      throw UsageError(
        "--\(option) does not go with --smoothing \(smoothing.rawValue), whose scores have no entropy; use --prune"
      )
    }
    if let tuningPath, tuningPath != "-" { _ = try ByteSource(path: tuningPath) }
    if !smoothing.isNormalized, let option = ["valid", "holdout"].first(where: arguments.has) {
      throw UsageError(
        "--\(option) does not go with --smoothing \(smoothing.rawValue): its numbers are scores that do not sum to one, "
          + "so they have no perplexity")
    }
  }

  /// n.
  var order: Int { options.order }

  /// Whether a held-out part of the text itself is needed.
  var splitsText: Bool { options.smoothing == .jelinekMercer && tuningPath == nil }

  /// Whether n-grams reach across sentences.
  var context: ContextMode { options.context }

  /// `0.5/1/1.5,0.7/1.2/1.6`: by commas the orders, by strokes the discounts of one.
  private static func discounts(_ text: String, _ smoothing: Smoothing) throws -> [[Double]] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { order in
      let values = order.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
      guard values.count == smoothing.discountCount,
        zip(values, 1...).allSatisfy({ $0 > 0 && $0 < Double($1) })
      else {
        let form =
          smoothing.discountCount == 1
          ? "a number above 0 and below 1 for each order, as 0.7,0.8"
          : "three numbers for each order, above 0 and below 1, 2 and 3, as 0.5/1/1.5,0.7/1.2/1.6"
        throw UsageError("--discounts takes \(form), not '\(text)'")
      }
      return values
    }
  }

  /// `0,0,1`: one cut-off for each order.
  private static func cutoffs(_ text: String, order: Int) throws -> [UInt32] {
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) }
    let cutoffs = values.compactMap { $0 }
    guard cutoffs.count == values.count, zip(cutoffs, cutoffs.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      throw UsageError("--prune takes whole numbers that do not fall, as 0,0,1, not '\(text)'")
    }
    guard cutoffs[0] == 0 else {
      throw UsageError("--prune \(text) would leave out words; begin with 0, and use --min-count for words")
    }
    guard cutoffs.count <= order else {
      throw UsageError("--prune \(text) is for more orders than the \(order) of --order")
    }
    return cutoffs
  }

  func settings(for corpus: Corpus) -> [JSONValue.Member] { settings }

  /// The values in effect of the options for n-grams.
  var settings: [JSONValue.Member] {
    let smoothing = options.smoothing
    let discounts = options.discounts?.map { order in order.map { "\($0)" }.joined(separator: "/") }
    let cutoffs = options.cutoffs.map { "\($0)" }
    return [
      .setting("order", options.order), .setting("smoothing", smoothing),
      .setting("context", options.context), .setting("backoff", options.form == .backedOff),
      .setting("delta", smoothing.takesDelta && tuningPath == nil ? options.delta : nil),
      .setting("discounts", discounts?.joined(separator: ",")),
      .setting("katz-limit", smoothing == .goodTuring ? options.katzLimit : nil),
      .setting("tune", tuningPath),
      .setting("prune", cutoffs.isEmpty ? nil : cutoffs.joined(separator: ",")),
      .setting("prune-entropy", pruningThreshold), .setting("prune-to", pruningSize),
      .setting("quantize", quantizationBits),
    ] + countingSettings
  }

  /// Says how much memory the text may take, and what to do where that is too much.
  private func noteMemory(_ corpus: Corpus, _ vocabulary: Vocabulary) {
    let needed = NGramCounts.memoryBound(
      tokens: corpus.tokens.count, vocabularySize: vocabulary.count, order: options.order)
    let advice = needed > Machine.memory ? "; with --memory 2G it is counted in parts" : ""
    Terminal.note(
      "counting n-grams up to order \(options.order), in at most about \(Format.bytes(needed)) of memory\(advice)"
    )
  }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    if !job.isQuiet { noteMemory(job.corpus, job.vocabulary) }
    let model = try train(heldOut: job.heldOut?.tokens, vocabulary: job.vocabulary, isQuiet: job.isQuiet) {
      try job.write(job.checkpoint(configuration: $0, options: [], tensors: $1))
    } make: {
      NGramModel(
        tokens: job.corpus.tokens, vocabulary: job.vocabulary, options: $0, tuning: $1, notice: $2,
        progress: $3)
    }
    if arpaPath != nil, !job.isQuiet {
      Terminal.note("wrote \(job.output) in \(Format.fixed(job.watch.seconds, 2)) s")
    }
    return TrainedModel(model: try model.inMemory())
  }

  /// Trains on counts.
  func train(
    _ text: CountedText, heldOut: Corpus?, isQuiet: Bool, save: (JSONValue, [Tensor]) throws -> Void
  ) throws -> any EstimatedModel {
    try train(heldOut: heldOut?.tokens, vocabulary: text.vocabulary, isQuiet: isQuiet, save: save) {
      NGramModel(
        counts: text.counts, vocabulary: text.vocabulary, options: $0, tuning: $1, notice: $2, progress: $3)
    }
  }

  /// Trains on a text that need not fit into memory.
  func train(
    _ text: LargeText, heldOut: Corpus?, isQuiet: Bool, save: (JSONValue, [Tensor]) throws -> Void
  ) throws -> any EstimatedModel {
    try train(heldOut: heldOut?.tokens, vocabulary: text.vocabulary, isQuiet: isQuiet, save: save) {
      options, tuning, notice, progress in
      if let tokens = try text.tokensInMemory(order: options.order) {
        return NGramModel(
          tokens: tokens, vocabulary: text.vocabulary, options: options, tuning: tuning,
          notice: notice, progress: progress)
      }
      guard let tuning else { return try text.train(options, notice: notice, progress: progress) }
      notice("--tune holds all counts in memory, whatever --memory says")
      return NGramModel(
        counts: try text.countsInMemory(order: options.order, progress: progress),
        vocabulary: text.vocabulary, options: options, tuning: tuning, notice: notice, progress: progress)
    }
  }

  /// Makes a model, with what the user should hear, and makes it as small as was asked.
  private func train(
    heldOut: [TokenID]?, vocabulary: Vocabulary, isQuiet: Bool, save: (JSONValue, [Tensor]) throws -> Void,
    make: (NGramModel.Options, [TokenID]?, (String) -> Void, (String) -> Void) throws -> any EstimatedModel
  ) throws -> any EstimatedModel {
    var progress = ProgressLine(isQuiet: isQuiet)
    var tuning: [TokenID]?
    if let tuningPath {
      let reader = try TextOptions.reader([tuningPath], tokenizer: tokenizer)
      tuning = try Corpus(from: reader, vocabulary: vocabulary).tokens
      try TextOptions.requireText(reader.statistics, [tuningPath])
    }
    func train(_ options: NGramModel.Options) throws -> any EstimatedModel {
      try make(options, tuning) { notice in
        progress.clear()
        if !isQuiet { Terminal.note("warning: \(notice)") }
      } _: { step in
        progress.show(step)
      }
    }
    var model = try train(options)
    let report = ReductionReport(heldOut: isQuiet ? nil : heldOut, isQuiet: isQuiet)
    if !options.cutoffs.allSatisfy({ $0 == 0 }) {
      try report.pruned(model) {
        // The same without the cut-offs, only to compare.
        var whole = options
        whole.cutoffs = []
        return try train(whole)
      }
    }
    if let pruningSize {
      guard pruningSize > vocabulary.count else {
        throw FileError(
          path: "--prune-to \(pruningSize)",
          reason:
            "the \(vocabulary.count) words and <s> alone are more; give at least \(vocabulary.count + 1)")
      }
    }
    if pruningThreshold != nil || pruningSize != nil {
      progress.show("pruning")
      let whole = try model.inMemory()
      if let pruningThreshold { model = whole.pruned(threshold: pruningThreshold) }
      if let pruningSize { model = whole.pruned(to: pruningSize) }
      try report.pruned(model) { whole }
    }
    if let quantizationBits {
      let whole = try model.inMemory()
      let quantized = whole.quantized(bits: quantizationBits)
      report.quantized(quantized, whole)
      model = quantized
    }
    progress.clear()
    try finish(model, isQuiet: isQuiet, save: save)
    return model
  }

  private func finish(
    _ model: any EstimatedModel, isQuiet: Bool, save: (JSONValue, [Tensor]) throws -> Void
  ) throws {
    if let arpaPath {
      try model.writeARPA(to: arpaPath)
    } else {
      try save(model.configuration, model.tensors)
    }
    if isQuiet { return }
    let counts = model.levelCounts.enumerated().map { "\($0 + 1): \($1)" }.joined(separator: ", ")
    Terminal.note("n-grams by order: \(counts)")
  }
}

/// Says what making a model smaller did to it.
private struct ReductionReport {
  /// The text to compare on; `nil` if there is none.
  let heldOut: [TokenID]?
  let isQuiet: Bool

  /// What `model` lost by pruning; `whole` is what it was before.
  func pruned(_ model: any EstimatedModel, from whole: () throws -> any EstimatedModel) throws {
    if isQuiet { return }
    guard heldOut != nil else { return Terminal.note("pruned to \(size(model)) n-grams") }
    let (whole, model) = (try whole().inMemory(), try model.inMemory())
    Terminal.note("pruned \(size(whole)) n-grams to \(size(model))\(change(whole, model))")
  }

  /// What `model` lost by quantization; `whole` is what it was before.
  func quantized(_ model: NGramModel, _ whole: NGramModel) {
    if isQuiet { return }
    let (mean, largest) = model.distance(from: whole)
    Terminal.note(
      "quantized: ln p changed by \(Format.significant(mean, 2)) on average, \(Format.significant(largest, 2)) at most"
        + change(whole, model))
  }

  private func size(_ model: any EstimatedModel) -> Int { model.levelCounts.reduce(0, +) }

  private func change(_ before: NGramModel, _ after: NGramModel) -> String {
    guard let heldOut, !heldOut.isEmpty, before.isNormalized else { return "" }
    let (old, new) = (before.crossEntropy(of: heldOut), after.crossEntropy(of: heldOut))
    let percent = 100 * (exp(new - old) - 1)
    return "; perplexity on the held-out text \(Format.fixed(exp(old), 2)) to \(Format.fixed(exp(new), 2)), "
      + "\(percent < 0 ? "" : "+")\(Format.fixed(percent, 2)) %"
  }
}

/// A model that has been estimated, wherever its numbers are.
protocol EstimatedModel {
  /// How many n-grams there are of each order.
  var levelCounts: [Int] { get }
  /// The model's options and sizes, for the checkpoint.
  var configuration: JSONValue { get }
  /// The model's numbers, for the checkpoint.
  var tensors: [Tensor] { get }
  /// Writes the model as an ARPA file.
  func writeARPA(to path: String) throws
  /// The model with its numbers in memory.
  func inMemory() throws -> NGramModel
}

extension NGramModel: EstimatedModel {
  var levelCounts: [Int] { trie.levelCounts }
  func inMemory() -> NGramModel { self }
}

extension StoredModel: EstimatedModel {
  func inMemory() throws -> NGramModel { try load() }
}
