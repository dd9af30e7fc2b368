import LanguageModels

extension NGramModel {
  /// How to train.
  public struct Options: Sendable {
    /// n, from 1 to 16.
    public var order = 3
    /// What becomes of unseen n-grams.
    public var smoothing = Smoothing.modifiedKneserNey
    /// The form of the smoothing; its usual one if `nil`. It must exist.
    public var form: SmoothingForm?
    /// δ of additive smoothing.
    public var delta = 1.0
    /// The largest count that Good–Turing smoothing discounts: Katz's k.
    public var katzLimit = 5
    /// Discounts that are fixed rather than estimated, for each order from 1; the last serve all higher orders.
    public var discounts: [[Double]]?
    /// N-grams of order k that the text has no more than `cutoffs[k - 1]` times are left out; the last serves all higher orders.
    public var cutoffs: [UInt32] = []
    /// Whether n-grams reach across sentences.
    public var context = ContextMode.sentence
    /// Whether the vocabulary is closed: UNK, which the text must not have, gets no probability.
    public var isClosed = false

    /// Order 3, modified Kneser–Ney.
    public init() {}
  }

  /// Trains on `tokens`, in which every sentence ends with the end of sentence.
  ///
  /// - Parameters:
  ///   - tuning: a held-out text; what the smoothing can be tuned by, is tuned to make it likely.
  ///   - notice: called with a sentence for the user where the text is too small for what was asked.
  ///   - progress: called with what is being done.
  /// - Throws: `FileError` when the text has more n-grams than can be numbered.
  public init(
    counting tokens: [TokenID], vocabulary: Vocabulary, options: Options, tuning: [TokenID]? = nil,
    notice: (String) -> Void = { _ in }, progress: (String) -> Void = { _ in }
  ) throws {
    var method: (any SmoothingMethod)?
    if options.smoothing == .jelinekMercer, tuning == nil {
      // The weights come from the last tenth of the text, as if the rest were all there is.
      let end = Self.splitPoint(tokens)
      if end > 0 {
        let part = try NGramCounts(
          tokens: Array(tokens[..<end]), vocabularySize: vocabulary.count, order: options.order,
          context: options.context)
        let heldOut = HeldOutStatistics(
          tokens: Array(tokens[end...]), model: part, counts: part.counts(adjusted: false),
          context: options.context)
        method = JelinekMercer(heldOut: heldOut)
      }
    }
    progress("sorting n-grams")
    let counts = try NGramCounts(
      tokens: tokens, vocabularySize: vocabulary.count, order: options.order, context: options.context
    ) { progress("counting n-grams of order \($0)") }
    self.init(
      counts: counts, vocabulary: vocabulary, options: options, method: method, tuning: tuning,
      notice: notice, progress: progress)
  }

  /// The same for a text that must have fewer n-grams than can be numbered, 2³².
  public init(
    tokens: [TokenID], vocabulary: Vocabulary, options: Options, tuning: [TokenID]? = nil,
    notice: (String) -> Void = { _ in }, progress: (String) -> Void = { _ in }
  ) {
    do {
      try self.init(
        counting: tokens, vocabulary: vocabulary, options: options, tuning: tuning, notice: notice,
        progress: progress)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// Where the last tenth of the sentences begins; 0 if there is only one sentence.
  private static func splitPoint(_ tokens: [TokenID]) -> Int {
    let ends = tokens.indices.filter { tokens[$0] == Vocabulary.endOfSentence }
    return ends.count < 2 ? 0 : ends[ends.count - 1 - max(1, ends.count / 10)] + 1
  }

  /// Trains on counts.
  ///
  /// - Parameters:
  ///   - method: the smoothing with its parameters, if they are known.
  ///   - tuning: a held-out text; what the smoothing can be tuned by, is tuned to make it likely.
  ///   - notice: called with a sentence for the user where the text is too small for what was asked.
  ///   - progress: called with what is being done.
  public init(
    counts model: NGramCounts, vocabulary: Vocabulary, options: Options,
    method known: (any SmoothingMethod)? = nil, tuning: [TokenID]? = nil,
    notice: (String) -> Void = { _ in }, progress: (String) -> Void = { _ in }
  ) {
    if let remark = options.remark(order: model.order) { notice(remark) }
    progress("estimating")
    let counts = model.counts(adjusted: options.smoothing.usesContinuationCounts)
    let trainer = NGramModelTrainer(
      model: model, counts: counts, vocabulary: vocabulary, options: options)
    let method = trainer.method(known: known, tuning: tuning, progress: progress)
    if let warning = method.warning { notice(warning) }
    // What is called by its own type is compiled for it: the usual method must be fast.
    self = (method as? ModifiedKneserNey).map { trainer.estimate($0) } ?? trainer.estimate(method)
  }
}

/// The steps from counts to a trie.
private struct NGramModelTrainer {
  let model: NGramCounts
  /// Of every node, the counts that the method works on.
  let counts: [UInt32]
  let vocabulary: Vocabulary
  let options: NGramModel.Options

  /// The smoothing method with its parameters.
  func method(
    known: (any SmoothingMethod)?, tuning: [TokenID]?, progress: (String) -> Void
  ) -> any SmoothingMethod {
    if let known { return known }
    let estimated = options.smoothing.method(
      statistics: (1...model.order).map { CountStatistics(of: counts[model.nodes(level: $0)]) },
      options: options)
    guard let tuning, !tuning.isEmpty else { return estimated }
    if estimated is JelinekMercer { return JelinekMercer(heldOut: statistics(of: tuning)) }
    guard !estimated.parameters.isEmpty else { return estimated }
    return tuned(estimated, on: tuning, progress)
  }

  private func statistics(of tokens: [TokenID]) -> HeldOutStatistics {
    HeldOutStatistics(tokens: tokens, model: model, counts: counts, context: options.context)
  }

  /// `method` with the parameters that make `tokens` likeliest, or as it is if none do better.
  private func tuned<Method: SmoothingMethod>(
    _ method: Method, on tokens: [TokenID], _ progress: (String) -> Void
  ) -> Method {
    // An interpolated probability depends on the counts along its own path only.
    let isLocal = options.formInEffect == .interpolated && options.cutoffs.allSatisfy { $0 == 0 }
    let crossEntropy: (Method) -> Double
    if isLocal {
      let heldOut = statistics(of: tokens)
      crossEntropy = { heldOut.crossEntropy($0) }
    } else {
      let paths = HeldOutPaths(tokens, in: estimate(method))
      crossEntropy = { paths.crossEntropy(estimate($0).trie) }
    }
    let start = crossEntropy(method)
    let (values, lowest) = ParameterSearch.minimize(method.parameters) { count in
      progress("tuning: \(count) settings tried")
    } objective: {
      crossEntropy(method.tuned($0))
    }
    // What rounding alone could bring is no gain.
    return start - lowest > 1e-6 ? method.tuned(values) : method
  }

  /// The model of the counts under `method`.
  func estimate<Method: SmoothingMethod>(_ method: Method) -> NGramModel {
    let smoother = options.smoother(method, order: model.order, vocabularySize: model.vocabularySize)
    let estimator = NGramEstimator(smoother: smoother, model: model, counts: counts)
    return NGramModel(
      vocabulary: vocabulary, context: options.context, trie: estimator.estimate(),
      smoothing: options.smoothing, record: options.record(smoother), requestedOrder: options.order)
  }
}

extension NGramModel.Options {
  /// What the user should know if n-grams came out no longer than `order`.
  func remark(order actual: Int) -> String? {
    guard actual < order else { return nil }
    return
      "there are no n-grams of order \(order): no sentence is long enough, or counts do not reach so far; the model has order \(actual)"
  }

  /// The form of the smoothing.
  var formInEffect: SmoothingForm { form ?? smoothing.forms[0] }

  /// What estimates a model of `order` with `method`.
  func smoother<Method: SmoothingMethod>(
    _ method: Method, order: Int, vocabularySize: Int
  ) -> ContextSmoother<Method> {
    ContextSmoother(
      method: method,
      form: !smoothing.isNormalized ? .scores : formInEffect == .backedOff ? .backedOff : .interpolated,
      vocabularySize: isClosed ? vocabularySize - 1 : vocabularySize, isClosed: isClosed,
      cutoffs: (0..<order).map { k in k < cutoffs.count ? cutoffs[k] : cutoffs.last ?? 0 })
  }

  /// What the checkpoint says of the training, besides order and smoothing.
  func record(_ smoother: ContextSmoother<some SmoothingMethod>) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if formInEffect != smoothing.forms[0] {
      members.append(.init("form", .string(formInEffect.rawValue)))
    }
    if isClosed { members.append(.init("closed", .bool(true))) }
    if smoother.cutoffs.contains(where: { $0 > 0 }) {
      members.append(.init("cutoffs", .array(smoother.cutoffs.map { .integer(Int($0)) })))
    }
    return members + smoother.method.record
  }
}
