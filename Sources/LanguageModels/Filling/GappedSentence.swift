/// A sentence with gaps.
public struct GappedSentence: Sendable {
  /// What may stand in a gap.
  public enum Gap: Sendable {
    /// One token, whichever it is.
    case anyToken
    /// One of these, each of which is some tokens.
    case choices([[TokenID]])
  }

  /// What stands before the first gap, between one gap and the next, and behind the last: one part more than there are gaps.
  public var parts: [[TokenID]]
  /// The gaps.
  public var gaps: [Gap]

  public init(parts: [[TokenID]], gaps: [Gap]) {
    precondition(parts.count == gaps.count + 1, "a gap stands between two parts")
    (self.parts, self.gaps) = (parts, gaps)
  }
}

/// What could stand in the gaps of a sentence.
public struct GapFilling: Sendable, Equatable {
  /// The tokens of each gap.
  public var tokens: [[TokenID]] = []
  /// The number of the choice in each gap that has choices.
  public var choices: [Int?] = []
  /// ln p.
  public var logProbability = 0.0

  /// Nothing in no gap.
  public init() {}

  /// The filling with one gap more.
  public func adding(_ added: [TokenID], choice: Int?, logProbability: Double) -> GapFilling {
    var filling = self
    filling.tokens.append(added)
    filling.choices.append(choice)
    filling.logProbability = logProbability
    return filling
  }

  /// Whether it stands before another: the likelier one, and of equally likely ones that with the lower token or choice where they part.
  public func precedes(_ other: GapFilling) -> Bool {
    if logProbability != other.logProbability { return logProbability > other.logProbability }
    for (a, b) in zip(tokens, other.tokens) where a != b { return a.lexicographicallyPrecedes(b) }
    for (a, b) in zip(choices, other.choices) where a != b { return (a ?? 0) < (b ?? 0) }
    return false
  }
}

/// The likeliest fillings of the gaps of a sentence, best first.
public struct GapFillings: Sendable, Equatable {
  /// The best ones.
  public var best: [GapFilling]
  /// How many fillings were compared at the last gap.
  public var compared: Int
  /// Whether these are all that there can be; if not, ln p is that among those that were compared.
  public var isComplete: Bool

  public init(best: [GapFilling], compared: Int, isComplete: Bool) {
    (self.best, self.compared, self.isComplete) = (best, compared, isComplete)
  }
}

/// How the likeliest fillings are looked for.
public struct GapSearch: Sendable {
  /// How many of the best are wanted.
  public var count: Int
  /// How many fillings of the gaps so far are gone on with at the next gap.
  public var width: Int
  /// The likeliest tokens after what stands before a gap that are tried there by a model that takes its time over each.
  public var candidates: Int
  /// Whether UNK is a token as any other; if not, none of the gaps has it.
  public var includesUnknown: Bool

  /// The defaults, but for what is given.
  public init(count: Int = 5, width: Int = 20, candidates: Int = 300, includesUnknown: Bool = false) {
    (self.count, self.width) = (count, width)
    (self.candidates, self.includesUnknown) = (candidates, includesUnknown)
  }

  /// Whether a token may stand in a gap for any token.
  public func allows(_ token: TokenID) -> Bool {
    token != Vocabulary.endOfSentence && (includesUnknown || token != Vocabulary.unknown)
  }
}
