import LanguageModels

extension NGramModel {
  /// The kind's name in checkpoints.
  public static let kind = "ngram"

  /// The member of the configuration that says to how many bits numbers are rounded.
  static let quantizationRecord = "quantize"

  /// What stands for the smoothing of a model that came from elsewhere.
  private static let unknownSmoothing = "unknown"

  /// The model's options and sizes, for the checkpoint.
  public var configuration: JSONValue {
    Self.configuration(
      levelCounts: trie.levelCounts, requestedOrder: requestedOrder, smoothing: smoothing,
      context: defaultContext, record: smoothingRecord)
  }

  /// A model's options and sizes, for the checkpoint.
  static func configuration(
    levelCounts: [Int], requestedOrder: Int, smoothing: Smoothing?, context: ContextMode,
    record: [JSONValue.Member]
  ) -> JSONValue {
    .object(
      [
        .init("order", .integer(levelCounts.count)),
        .init("requested_order", .integer(requestedOrder)),
        .init("smoothing", .string(smoothing?.rawValue ?? Self.unknownSmoothing)),
        .init("context", .string(context.rawValue)),
        .init("ngrams", .array(levelCounts.map { .integer($0) })),
      ] + record)
  }

  /// The model's numbers, for the checkpoint; see `NGramTrie` for what they mean.
  ///
  /// `words` and `suffixes` begin with the bigrams, because a unigram's word is its number. Of a quantized model,
  /// `log_probabilities` and `log_backoffs` hold the unigrams only; see `QuantizedValues` for the others.
  public var tensors: [Tensor] {
    let unigrams = trie.vocabularySize + 1
    let links = [
      Tensor("words", Array(trie.words[unigrams...])),
      Tensor("suffixes", Array(trie.suffixes[unigrams...])),
      Tensor("first_children", trie.firstChildren),
    ]
    guard quantizationBits != nil else {
      return links + [
        Tensor("log_probabilities", trie.logProbabilities), Tensor("log_backoffs", trie.logBackoffs),
      ] + (digits.map { [$0.tensor] } ?? [])
    }
    let probabilities = QuantizedValues(trie.logProbabilities, trie.levelStarts)
    let backoffs = QuantizedValues(trie.logBackoffs, trie.levelStarts)
    func table(_ name: String, _ bins: [Float]) -> Tensor {
      Tensor(
        name, shape: [bins.count / QuantizedValues.binCount, QuantizedValues.binCount], bins)
    }
    return links + [
      Tensor("log_probabilities", probabilities.unigrams), Tensor("log_backoffs", backoffs.unigrams),
      table("probability_bins", probabilities.bins), Tensor("probability_codes", probabilities.codes),
      table("backoff_bins", backoffs.bins), Tensor("backoff_codes", backoffs.codes),
    ]
  }

  /// The values of all nodes, however they are stored.
  private static func values(
    _ name: String, _ quantized: String, count: Int, levelStarts: [Int], in checkpoint: Checkpoint
  ) throws -> [Float] {
    guard checkpoint.configuration[quantizationRecord] != nil else {
      return try checkpoint.floats(name, count: count)
    }
    let unigrams = min(levelStarts[1], count)
    let tables = (1..<levelStarts.count).reduce(0) { $0 + (levelStarts[$1] < count ? 1 : 0) }
    return QuantizedValues.values(
      unigrams: try checkpoint.floats(name, count: unigrams),
      bins: try checkpoint.floats("\(quantized)_bins", count: tables * QuantizedValues.binCount),
      codes: try checkpoint.bytes("\(quantized)_codes", count: count - unigrams), levelStarts)
  }

  /// The model in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public init(_ checkpoint: Checkpoint) throws {
    let configuration = checkpoint.configuration
    guard let smoothingName = configuration["smoothing"]?.stringValue,
      case let smoothing = Smoothing(rawValue: smoothingName),
      smoothing != nil || smoothingName == Self.unknownSmoothing,
      let context = configuration["context"]?.stringValue.flatMap(ContextMode.init),
      let order = configuration["order"]?.integerValue, (1...NGramTrie.maximumOrder).contains(order),
      let counts = configuration["ngrams"]?.elements?.compactMap(\.integerValue), counts.count == order,
      counts.dropLast().allSatisfy({ $0 > 0 }), counts.allSatisfy({ 0 <= $0 && $0 <= UInt32.max }),
      counts[0] == checkpoint.vocabulary.count + 1
    else { throw CheckpointError("damaged: 'configuration' is not that of an n-gram model") }
    let levelStarts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    let (unigrams, inner, total) = (counts[0], levelStarts[order - 1], levelStarts[order])
    let words = try checkpoint.integers("words", count: total - unigrams)
    let suffixes = try checkpoint.integers("suffixes", count: total - unigrams)
    let trie = NGramTrie(
      levelStarts: levelStarts,
      words: Array(0..<UInt32(unigrams)) + words,
      suffixes: [UInt32](repeating: 0, count: unigrams) + suffixes,
      firstChildren: try checkpoint.integers("first_children", count: inner + 1),
      logProbabilities: try Self.values(
        "log_probabilities", "probability", count: total, levelStarts: levelStarts, in: checkpoint),
      logBackoffs: try Self.values(
        "log_backoffs", "backoff", count: inner, levelStarts: levelStarts, in: checkpoint))
    guard trie.isWellFormed else { throw CheckpointError("damaged: its n-grams do not form a trie") }
    let own: Set = ["order", "requested_order", "smoothing", "context", "ngrams"]
    self.init(
      vocabulary: checkpoint.vocabulary, context: context, trie: trie, smoothing: smoothing,
      record: configuration.members?.filter { !own.contains($0.name) } ?? [],
      requestedOrder: configuration["requested_order"]?.integerValue ?? order,
      digits: try WrittenDigits(checkpoint, count: total))
  }
}

extension NGramTrie {
  /// Whether all links point where they should, so that no query can go astray.
  fileprivate var isWellFormed: Bool {
    guard order > 1 else { return firstChildren == [UInt32(levelStarts[1])] }
    var previous: UInt32 = 0
    for first in firstChildren {
      guard first >= previous else { return false }
      previous = first
    }
    // The children of one level fill the next level exactly.
    for level in 0..<order where firstChildren[levelStarts[level]] != levelStarts[level + 1] {
      return false
    }
    for level in 1..<order {
      let below = UInt32(levelStarts[level - 1])..<UInt32(levelStarts[level])
      for node in levelStarts[level]..<levelStarts[level + 1] {
        guard below.contains(suffixes[node]), words[node] < vocabularySize else { return false }
      }
    }
    for node in 0..<innerCount {
      for child in children(of: node).dropFirst() where words[child - 1] >= words[child] { return false }
    }
    // Rounding may leave a certain event a little above ln 1.
    return logProbabilities.allSatisfy { $0 <= 1e-3 } && logBackoffs.allSatisfy { $0 < .infinity }
  }
}
