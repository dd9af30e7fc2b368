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

  func train(_ job: TrainingJob) throws -> TrainedModel {
    let remedy = "with --memory 2G, n-grams are counted in parts"
    MemoryRefusal.advise(remedy)
    defer { MemoryRefusal.advise() }
    if case .corpus(let corpus) = job.text.content {
      try MemoryBudget.require(
        NGramCounts.memoryFloor(
          tokens: corpus.tokens.count, vocabularySize: job.vocabulary.count, order: options.order),
        for: "--order \(options.order)", remedy)
      noteMemory(corpus, job.vocabulary)
    }
    let model = try train(heldOut: job.heldOut?.tokens, vocabulary: job.vocabulary) {
      try save($0, job)
    } make: {
      try estimate(job.text, $0, tuning: $1, notice: $2, progress: $3)
    }
    let size = JSONValue.Member("ngrams", .array(model.levelCounts.map { .integer($0) }))
    if job.heldOut == nil { return TrainedModel(size: size, result: nil) }
    return TrainedModel(size: size, model: try model.inMemory(), heldOut: job.heldOut)
  }

  /// Writes the model as its name says.
  private func save(_ model: any EstimatedModel, _ job: TrainingJob) throws {
    guard let arpaPath = settings.arpaPath else {
      return try job.write(
        job.checkpoint(configuration: model.configuration, options: [], tensors: model.tensors))
    }
    try Progress.during(Progress.writing(arpaPath)) {
      try model.writeARPA(to: arpaPath, tokenizer: job.tokenizer)
    }
    Terminal.note("wrote \(job.output) in \(Format.fixed(job.watch.seconds, 2)) s")
  }

  /// Estimates a model of `text`, whatever form it has.
  private func estimate(
    _ text: TrainingText, _ options: NGramModel.Options, tuning: [TokenID]?, notice: (String) -> Void,
    progress: (String) -> Void
  ) throws -> any EstimatedModel {
    func model(_ tokens: [TokenID]) throws -> NGramModel {
      try NGramModel(
        counting: tokens, vocabulary: text.vocabulary, options: options, tuning: tuning, notice: notice,
        progress: progress)
    }
    func model(_ counts: NGramCounts) -> NGramModel {
      NGramModel(
        counts: counts, vocabulary: text.vocabulary, options: options, tuning: tuning, notice: notice,
        progress: progress)
    }
    switch text.content {
    case .corpus(let corpus): return try model(corpus.tokens)
    case .counts(let counted): return model(counted.counts)
    case .large(let large):
      if let tokens = try large.tokensInMemory(order: options.order) { return try model(tokens) }
      if tuning == nil { return try large.train(options, notice: notice, progress: progress) }
      notice("--tune holds all counts in memory, whatever --memory says")
      return model(try large.countsInMemory(order: options.order, progress: progress))
    }
  }

  /// Makes a model, with what the user should hear, and makes it as small as was asked.
  private func train(
    heldOut: [TokenID]?, vocabulary: Vocabulary, save: (any EstimatedModel) throws -> Void,
    make: (NGramModel.Options, [TokenID]?, (String) -> Void, (String) -> Void) throws -> any EstimatedModel
  ) throws -> any EstimatedModel {
    let tuning = try settings.tuningPath.map {
      try TextFiles.tokens(of: $0, tokenizer: settings.text.tokenizer, vocabulary: vocabulary)
    }
    func train(_ options: NGramModel.Options) throws -> any EstimatedModel {
      try make(options, tuning) { notice in
        Terminal.warn(notice)
      } _: {
        Progress.begin($0)
      }
    }
    try settings.reduction.check(vocabularySize: vocabulary.count)
    let estimated = try train(options)
    // Nobody hears what reductions cost if remarks are not wanted.
    let measured = Terminal.isQuiet ? nil : heldOut
    if !Terminal.isQuiet, options.cutoffs.contains(where: { $0 > 0 }) {
      try report(cutoffs: estimated, on: measured) {
        // The same without the cut-offs, only to compare.
        var whole = options
        whole.cutoffs = []
        return try train(whole)
      }
    }
    let (model, steps) = try settings.reduction.apply(to: estimated, heldOut: measured) { Progress.begin($0) }
    for step in steps { Terminal.note(step.text) }
    try save(model)
    Progress.end()
    let counts = model.levelCounts.enumerated().map { "\($0 + 1): \($1)" }.joined(separator: ", ")
    Terminal.note("n-grams by order: \(counts)")
    return model
  }

  // MARK: What reductions cost

  /// Says what cut-offs took; `whole` is the model without them.
  private func report(
    cutoffs model: any EstimatedModel, on heldOut: [TokenID]?, whole: () throws -> any EstimatedModel
  ) throws {
    guard heldOut != nil else {
      return Terminal.note("pruned to \(model.levelCounts.reduce(0, +)) n-grams")
    }
    let step = ReductionStep(
      .pruning, from: try whole().inMemory(), to: try model.inMemory(), heldOut: heldOut)
    Terminal.note(step.text)
  }
}
