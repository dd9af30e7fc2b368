import LanguageModels

/// A model that has been estimated, wherever its numbers are.
public protocol EstimatedModel: Sendable {
  /// How many n-grams there are of each order.
  var levelCounts: [Int] { get }
  /// The model's options and sizes, for the checkpoint.
  var configuration: JSONValue { get }
  /// The model's numbers, for the checkpoint.
  var tensors: [Tensor] { get }
  /// Writes the model as an ARPA file, with the text rules that it was made with.
  func writeARPA(to path: String, tokenizer: Tokenizer?) throws
  /// The model with its numbers in memory.
  func inMemory() throws -> NGramModel
}

extension NGramModel: EstimatedModel {
  public var levelCounts: [Int] { trie.levelCounts }
  public func inMemory() -> NGramModel { self }
}

extension StoredModel: EstimatedModel {
  public func inMemory() throws -> NGramModel { try load() }
}

/// What is done to a model after it has been estimated, to make it smaller.
public struct Reduction: Sendable {
  /// N-grams that raise the perplexity, relatively, by less than this are left out.
  public var pruningThreshold: Double?
  /// Only so many of the n-grams are kept, words included.
  public var pruningSize: Int?
  /// Numbers are rounded to 2^bits values for each order, 2 to 8 bits.
  public var quantizationBits: Int?

  /// Nothing.
  public init() {}

  /// Whether there is anything to do.
  public var isEmpty: Bool { pruningThreshold == nil && pruningSize == nil && quantizationBits == nil }

  /// - Throws: `FileError` if more n-grams must stay than `pruningSize` says: all words of the vocabulary and `<s>`.
  public func check(vocabularySize: Int) throws {
    if let pruningSize, pruningSize <= vocabularySize {
      throw FileError(
        path: "--prune-to \(pruningSize)",
        reason: "the \(vocabularySize) words and <s> alone are more; give at least \(vocabularySize + 1)")
    }
  }

  /// What `model` becomes, and what each step did to it.
  ///
  /// Pruning makes new back-off weights, so a model whose numbers are rounded is rounded again, to as many bits unless `quantizationBits` says
  /// otherwise.
  ///
  /// - Parameters:
  ///   - heldOut: a text to measure the model on before and after each step; nothing is measured if `nil` or empty.
  ///   - progress: called with what is being done.
  /// - Throws: what `check` throws, and errors of files that hold a model.
  public func apply(
    to model: any EstimatedModel, heldOut: [TokenID]? = nil, progress: (String) -> Void = { _ in }
  ) throws -> (model: any EstimatedModel, steps: [ReductionStep]) {
    if isEmpty { return (model, []) }
    var model = try model.inMemory()
    try check(vocabularySize: model.vocabulary.count)
    var steps: [ReductionStep] = []
    let bits = quantizationBits ?? model.quantizationBits
    if pruningThreshold != nil || pruningSize != nil {
      progress("pruning")
      let whole = model
      if let pruningThreshold { model = model.pruned(threshold: pruningThreshold) }
      if let pruningSize { model = model.pruned(to: pruningSize) }
      steps.append(ReductionStep(.pruning, from: whole, to: model, heldOut: heldOut))
    }
    if let bits {
      progress("quantizing")
      let whole = model
      model = model.quantized(bits: bits)
      let (mean, largest) = model.distance(from: whole)
      steps.append(
        ReductionStep(
          .quantization(meanChange: mean, largestChange: largest), from: whole, to: model, heldOut: heldOut))
    }
    return (model, steps)
  }
}

/// What one step of a reduction did to a model.
public struct ReductionStep: Sendable {
  /// The kinds of steps.
  public enum Kind: Sendable, Equatable {
    /// N-grams were left out.
    case pruning
    /// Numbers were rounded: by how much ln p of an n-gram changed, on average and at most.
    case quantization(meanChange: Double, largestChange: Double)
  }

  /// What was done.
  public let kind: Kind
  /// N-grams of all orders before …
  public let sizeBefore: Int
  /// … and after.
  public let sizeAfter: Int
  /// The held-out text by the model before and after; `nil` where there is no such text, or the model has only scores. Where the model may
  /// not sum to one any more, `after.normalizedPerplexity` is what compares with `before.perplexity`.
  public let heldOut: (before: Evaluation, after: Evaluation)?

  /// The step from one model to another, as by cut-offs in training.
  public init(_ kind: Kind, from whole: NGramModel, to model: NGramModel, heldOut tokens: [TokenID]?) {
    self.kind = kind
    sizeBefore = whole.levelCounts.reduce(0, +)
    sizeAfter = model.levelCounts.reduce(0, +)
    guard let tokens, !tokens.isEmpty, whole.isNormalized else {
      heldOut = nil
      return
    }
    heldOut = (
      whole.evaluate(tokens, context: whole.defaultContext) { _ in },
      model.evaluate(tokens, context: model.defaultContext) { _ in }
    )
  }
}
