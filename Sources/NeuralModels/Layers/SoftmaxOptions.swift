import LanguageModels

/// How the output layer makes a distribution over the vocabulary.
public enum SoftmaxKind: String, CaseIterable, Sendable {
  /// One softmax over all tokens.
  case full
  /// A softmax over the frequent tokens and clusters of the others, and one in each cluster (Grave et al. 2017); see `ClusteredSoftmax`.
  case adaptive
  /// A full softmax, trained on the targets and a sample of the other tokens (Jean et al. 2015); see `SampledSoftmax`.
  case sampled
  /// A softmax over classes, and one over the tokens of each class (Goodman 2001); see `ClusteredSoftmax`.
  case classes = "class"
}

/// How classes of tokens are found.
public enum ClassKind: String, CaseIterable, Sendable {
  /// Neighbours in frequency.
  case frequency
  /// Tokens that stand in like places; see `ExchangeClustering`.
  case exchange
}

/// Which softmax a network has, and how its tokens are grouped.
public struct SoftmaxOptions: Sendable, Equatable {
  /// Which one.
  public var kind = SoftmaxKind.full
  /// Adaptive: where clusters begin; the tokens before the first of these are in the root. Tokens should be sorted by falling count.
  public var cutoffs: [Int] = []
  /// Adaptive: d. The features of cluster i, counted from 1, are projected to F / dⁱ numbers first; not at all if d is 1.
  public var tailDivisor = 1
  /// Class: the class of each token.
  public var classes: [Int] = []
  /// Sampled: k, the tokens that are drawn for a batch.
  public var sampleCount = 2048

  /// The full softmax.
  public init() {}

  /// d, if clusters have features of their own.
  var divisor: Int { kind == .adaptive ? tailDivisor : 1 }

  /// What does not fit a vocabulary of `vocabularySize` tokens, `nil` if all does.
  func conflict(vocabularySize: Int) -> String? {
    switch kind {
    case .full, .sampled: nil
    case .adaptive:
      cutoffs[cutoffs.count - 1] < vocabularySize
        ? nil : "'cutoffs' beyond its vocabulary of \(vocabularySize)"
    case .classes:
      classes.count == vocabularySize ? nil : "'classes' of \(classes.count) tokens, not of \(vocabularySize)"
    }
  }

  /// Whether rows of an embedding can be its weights: their order must be that of the tokens, and their size that of the features.
  public var canBeTied: Bool {
    switch kind {
    case .full, .sampled: true
    case .adaptive: divisor == 1
    case .classes: zip(classes, classes.dropFirst()).allSatisfy { $0 <= $1 }
    }
  }

  // MARK: In a checkpoint

  /// The members of a checkpoint's configuration that say it; what is usual is not said.
  var json: [JSONValue.Member] {
    let name = JSONValue.Member("softmax", .string(kind.rawValue))
    return switch kind {
    case .full: []
    case .sampled: [name]
    case .adaptive:
      [
        name, .init("cutoffs", .array(cutoffs.map { .integer($0) })),
        .init("tail_divisor", .integer(tailDivisor)),
      ]
    case .classes: [name, .init("classes", .array(classes.map { .integer($0) }))]
    }
  }

  /// The options that a checkpoint's `json` tells of.
  ///
  /// - Throws: `CheckpointError` when a member has no value that it could have.
  init(json: JSONValue) throws {
    guard let name = json["softmax"] else { return }
    func damaged(_ member: String) -> CheckpointError {
      CheckpointError("damaged: 'configuration' has no sound '\(member)'")
    }
    func numbers(_ member: String) throws -> [Int] {
      let values = (json[member]?.elements ?? []).map { $0.integerValue ?? -1 }
      guard !values.isEmpty, values.allSatisfy({ 0..<1 << 31 ~= $0 }) else { throw damaged(member) }
      return values
    }
    guard let kind = name.stringValue.flatMap(SoftmaxKind.init) else { throw damaged("softmax") }
    self.kind = kind
    switch kind {
    case .full, .sampled: break
    case .adaptive:
      cutoffs = try numbers("cutoffs")
      guard cutoffs[0] > 0, zip(cutoffs, cutoffs.dropFirst()).allSatisfy({ $0 < $1 }), cutoffs.count <= 1000
      else { throw damaged("cutoffs") }
      guard let divisor = json["tail_divisor"]?.integerValue, 1..<1 << 31 ~= divisor else {
        throw damaged("tail_divisor")
      }
      tailDivisor = divisor
    case .classes:
      classes = try numbers("classes")
      // No class is empty, and there are no more than tokens.
      let highest = classes.max() ?? 0
      guard highest < classes.count, Set(classes).count == highest + 1 else { throw damaged("classes") }
    }
  }
}

extension SoftmaxOptions {
  /// Where every token stands: in the root, or in one of the clusters.
  ///
  /// Adaptive, the root has the clusters and then the frequent tokens; with classes, it has the classes alone.
  struct Layout {
    /// How many clusters there are.
    let clusterCount: Int
    /// Where in the order each cluster begins, and, last, the number of tokens.
    private let starts: [Int]
    /// The tokens of the root, and then those of one cluster after the other, and where each token stands there; empty if that is the order of
    /// the tokens.
    private let order: [Int]
    private let positions: [Int]

    init(_ options: SoftmaxOptions, vocabularySize: Int) {
      guard options.kind == .classes else {
        (order, positions, clusterCount) = ([], [], options.cutoffs.count)
        starts = options.cutoffs + [vocabularySize]
        return
      }
      let classes = options.classes
      let sorted = classes.indices.sorted { (classes[$0], $0) < (classes[$1], $1) }
      var (starts, positions) = ([Int](), [Int](repeating: 0, count: classes.count))
      for (position, token) in sorted.enumerated() {
        positions[token] = position
        if classes[token] == starts.count { starts.append(position) }
      }
      (self.starts, self.positions, order) = (starts + [classes.count], positions, sorted)
      clusterCount = starts.count
    }

    /// The token at a position of the order.
    func token(at position: Int) -> Int { order.isEmpty ? position : order[position] }
    /// The tokens of the root.
    var rootCount: Int { starts[0] }
    /// The positions of a cluster's tokens.
    func range(_ cluster: Int) -> Range<Int> { starts[cluster]..<starts[cluster + 1] }

    /// The cluster of a token, `nil` for the root, and its place there.
    func place(of token: TokenID) -> (cluster: Int?, index: Int) {
      let position = positions.isEmpty ? Int(token) : positions[Int(token)]
      if position < rootCount { return (nil, position) }
      var (low, high) = (0, clusterCount - 1)
      while low < high {
        let middle = (low + high + 1) / 2
        if starts[middle] <= position { low = middle } else { high = middle - 1 }
      }
      return (low, position - starts[low])
    }
  }
}
