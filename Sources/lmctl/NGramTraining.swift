import Glibc
import LanguageModels
import NGramModels

/// How `lmctl train --model ngram` trains.
struct NGramTraining {
  private let settings: TrainSettings
  private var options: NGramModel.Options { settings.ngram }

  init(_ settings: TrainSettings) { self.settings = settings }

  /// Says how much memory the text may take, and what to do where that is too much.
  private func noteMemory(_ corpus: Corpus, _ vocabulary: Vocabulary) {
    let needed = NGramCounts.memoryBound(
      tokens: corpus.tokens.count, vocabularySize: vocabulary.count, order: options.order)
    let advice = needed > Machine.memory ? "; with --memory 2G it is counted in parts" : ""
    Terminal.note(
      "counting n-grams up to order \(options.order), in at most about \(Format.bytes(needed)) of memory\(advice)"
    )
  }

  func train(_ job: TrainingJob) throws -> TrainedModel? {
    if case .corpus(let corpus) = job.text.content, !job.isQuiet { noteMemory(corpus, job.vocabulary) }
    let model = try train(heldOut: job.heldOut?.tokens, vocabulary: job.vocabulary, isQuiet: job.isQuiet) {
      try job.write(job.checkpoint(configuration: $0, options: [], tensors: $1))
    } make: {
      try estimate(job.text, $0, tuning: $1, notice: $2, progress: $3)
    }
    if settings.arpaPath != nil, !job.isQuiet {
      Terminal.note("wrote \(job.output) in \(Format.fixed(job.watch.seconds, 2)) s")
    }
    return try job.heldOut.map { _ in TrainedModel(model: try model.inMemory()) }
  }

  /// Estimates a model of `text`, whatever form it has.
  private func estimate(
    _ text: TrainingText, _ options: NGramModel.Options, tuning: [TokenID]?, notice: (String) -> Void,
    progress: (String) -> Void
  ) throws -> any EstimatedModel {
    func model(_ tokens: [TokenID]) -> NGramModel {
      NGramModel(
        tokens: tokens, vocabulary: text.vocabulary, options: options, tuning: tuning, notice: notice,
        progress: progress)
    }
    func model(_ counts: NGramCounts) -> NGramModel {
      NGramModel(
        counts: counts, vocabulary: text.vocabulary, options: options, tuning: tuning, notice: notice,
        progress: progress)
    }
    switch text.content {
    case .corpus(let corpus): return model(corpus.tokens)
    case .counts(let counted): return model(counted.counts)
    case .large(let large):
      if let tokens = try large.tokensInMemory(order: options.order) { return model(tokens) }
      if tuning == nil { return try large.train(options, notice: notice, progress: progress) }
      notice("--tune holds all counts in memory, whatever --memory says")
      return model(try large.countsInMemory(order: options.order, progress: progress))
    }
  }

  /// Makes a model, with what the user should hear, and makes it as small as was asked.
  private func train(
    heldOut: [TokenID]?, vocabulary: Vocabulary, isQuiet: Bool, save: (JSONValue, [Tensor]) throws -> Void,
    make: (NGramModel.Options, [TokenID]?, (String) -> Void, (String) -> Void) throws -> any EstimatedModel
  ) throws -> any EstimatedModel {
    var progress = ProgressLine(isQuiet: isQuiet)
    var tuning: [TokenID]?
    if let tuningPath = settings.tuningPath {
      let reader = try TextFiles.reader([tuningPath], tokenizer: settings.text.tokenizer)
      tuning = try Corpus(from: reader, vocabulary: vocabulary).tokens
      try TextFiles.requireText(reader.statistics, [tuningPath])
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
    let reduction = settings.reduction
    if let pruningSize = reduction.pruningSize {
      guard pruningSize > vocabulary.count else {
        throw FileError(
          path: "--prune-to \(pruningSize)",
          reason:
            "the \(vocabulary.count) words and <s> alone are more; give at least \(vocabulary.count + 1)")
      }
    }
    if reduction.pruningThreshold != nil || reduction.pruningSize != nil {
      progress.show("pruning")
      let whole = try model.inMemory()
      if let threshold = reduction.pruningThreshold { model = whole.pruned(threshold: threshold) }
      if let size = reduction.pruningSize { model = whole.pruned(to: size) }
      try report.pruned(model) { whole }
    }
    if let quantizationBits = reduction.quantizationBits {
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
    if let arpaPath = settings.arpaPath {
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

/// What makes a model smaller.
struct Reduction {
  var pruningThreshold: Double?
  var pruningSize: Int?
  var quantizationBits: Int?
}
