/// One way in which a text may go on.
public struct Hypothesis: Sendable, Equatable {
  /// Its tokens, the end of sentence among them where it has ended.
  public var tokens: [TokenID] = []
  /// ln p of these tokens.
  public var logProbability = 0.0
  /// ln p by the length penalty.
  public var score = 0.0

  /// No token.
  public init() {}

  init(tokens: [TokenID], logProbability: Double, score: Double) {
    (self.tokens, self.logProbability, self.score) = (tokens, logProbability, score)
  }

  /// Whether it ends as a sentence does; else it was broken off.
  public var isEnded: Bool { tokens.last == Vocabulary.endOfSentence }

  /// Whether it stands before another: by its score, and of equal ones by the lower token where the two part.
  fileprivate func precedes(_ other: Hypothesis) -> Bool {
    score != other.score ? score > other.score : tokens.lexicographicallyPrecedes(other.tokens)
  }
}

/// Looks for the likeliest continuations, following the K likeliest beginnings at each step (Lowerre 1976).
///
/// At each step the K likeliest continuations by one token of all open hypotheses are kept; what ends among them takes a place in that step,
/// and is then done. With K = 1 this takes the likeliest token each time; with K = |V|^L it is a search of all texts up to length L. A
/// hypothesis of the greatest length is broken off, and stands beside those that ended. Of what is equal, the lower token is taken first.
///
/// The search knows rows of states and nothing else of a model: whatever keeps those can be decoded.
public struct BeamSearch: Sendable {
  /// K.
  public var width: Int
  /// How many of the best hypotheses are wanted.
  public var count: Int
  /// The greatest length, with the end of sentence.
  public var maximumTokens = 1000
  /// How hypotheses of different lengths are compared.
  public var penalty = LengthPenalty.none
  /// Whether UNK is a token as any other; if not, the others share its probability in proportion to theirs.
  public var includesUnknown = false
  /// Whether the search is over, too, when K hypotheses have ended and the likeliest open one, were it to end now, would come behind them; if
  /// not, only when nothing better can come, which with a penalty takes long to be sure of.
  public var endsEarly = false

  /// A search for the `count` best continuations.
  public init(width: Int, count: Int = 1) {
    precondition(width > 0 && count > 0, "something is kept and wanted")
    (self.width, self.count) = (width, count)
  }

  /// A token behind an open hypothesis.
  private struct Extension {
    let parent: Int
    let token: TokenID
    /// ln p of all tokens.
    let logProbability: Double
  }

  /// A search on its way.
  private struct Running {
    var open = [Hypothesis()]
    var best: [Hypothesis] = []
  }

  /// How many of the best are kept on the way.
  private var keptCount: Int { endsEarly ? max(count, width) : count }

  /// The best continuations of the only row that there is, best first; there is room for K rows.
  ///
  /// If nothing has any probability, a sentence can only end.
  public func run(_ rows: any StateRows) -> [Hypothesis] {
    precondition(rows.count == 1, "one row is gone on with")
    return runAll(rows)[0]
  }

  /// The best continuations of each row, best first, all side by side; there is room for K times as many rows, which are used up.
  public func runAll(_ rows: any StateRows) -> [[Hypothesis]] {
    var searches = [Running](repeating: Running(), count: rows.count)
    var active = Array(searches.indices)
    while true {
      let likeliest = likeliestTokens(rows)
      var (first, parents, tokens, still) = (0, [Int](), [TokenID](), [Int]())
      for index in active {
        let count = searches[index].open.count
        let chosen = advance(&searches[index], Array(likeliest[first..<first + count])) {
          rows.endScore(first + $0)
        }
        if !chosen.isEmpty {
          still.append(index)
          parents += chosen.map { first + $0 }
          tokens += searches[index].open.map { $0.tokens[$0.tokens.count - 1] }
        }
        first += count
      }
      if still.isEmpty { return searches.map { Array($0.best.prefix(count)) } }
      active = still
      rows.gather(parents)
      rows.advance(by: tokens)
    }
  }

  /// Goes on by one token, given the likeliest ones behind each open hypothesis.
  ///
  /// - Returns: which of the hypotheses before each open one goes on from; nothing if the search is over.
  private func advance(
    _ search: inout Running, _ likeliest: [[LikelyToken]], endScore: (Int) -> Double
  ) -> [Int] {
    let extensions = extensions(of: search.open, likeliest)
    if extensions.isEmpty, search.best.isEmpty {
      search.best = [
        Hypothesis(
          tokens: search.open[0].tokens + [Vocabulary.endOfSentence], logProbability: -.infinity,
          score: -.infinity)
      ]
      return []
    }
    var parents: [Int] = []
    var next: [Hypothesis] = []
    for one in extensions {
      var hypothesis = search.open[one.parent]
      hypothesis.tokens.append(one.token)
      hypothesis.logProbability = one.logProbability
      hypothesis.score = one.logProbability / penalty.divisor(length: hypothesis.tokens.count)
      if hypothesis.isEnded || hypothesis.tokens.count >= maximumTokens {
        hypothesis.score += endScore(one.parent)
        add(hypothesis, to: &search.best)
      } else {
        parents.append(one.parent)
        next.append(hypothesis)
      }
    }
    search.open = next
    guard let likeliest = next.first, !isDecided(search.best, likeliest) else { return [] }
    return parents
  }

  /// Whether no open hypothesis can come before the last of the best, or will if the search `endsEarly`, given the likeliest one that is open.
  ///
  /// More tokens only lower ln p, which is not positive, and the divisor never falls with the length: no continuation has a better score than
  ///
  ///     ln p / divisor(greatest length)
  private func isDecided(_ best: [Hypothesis], _ likeliest: Hypothesis) -> Bool {
    guard best.count == keptCount, let last = best.last else { return false }
    if endsEarly, likeliest.score < last.score { return true }
    return likeliest.logProbability / penalty.divisor(length: maximumTokens) < last.score
  }

  private func add(_ hypothesis: Hypothesis, to best: inout [Hypothesis]) {
    let place = best.firstIndex { hypothesis.precedes($0) } ?? best.count
    best.insert(hypothesis, at: place)
    if best.count > keptCount { best.removeLast() }
  }

  /// The K likeliest tokens of each row.
  private func likeliestTokens(_ rows: any StateRows) -> [[LikelyToken]] {
    var options = SamplingOptions()
    options.drawsUnknown = includesUnknown
    let (ranking, width) = (TokenDraw(options), width)
    let (areLogits, functions) = (rows.giveLogits, rows.functions)
    var likeliest = [[LikelyToken]](repeating: [], count: rows.count)
    likeliest.withUnsafeMutableBufferPointer { likeliest in
      // Each row is one thread's.
      nonisolated(unsafe) let likeliest = likeliest
      rows.forEachDistribution { row, x in
        likeliest[row] = ranking.likeliest(width, of: x, areLogits: areLogits, functions)
      }
    }
    return likeliest
  }

  /// The K likeliest continuations by one token, in falling order: each is among the K likeliest of its row.
  private func extensions(of open: [Hypothesis], _ likeliest: [[LikelyToken]]) -> [Extension] {
    var extensions = likeliest.enumerated().flatMap { parent, tokens in
      tokens.map {
        Extension(
          parent: parent, token: $0.token,
          logProbability: open[parent].logProbability + Double($0.logProbability))
      }
    }
    extensions.sort { a, b in
      if a.logProbability != b.logProbability { return a.logProbability > b.logProbability }
      if a.parent == b.parent { return a.token < b.token }
      return open[a.parent].tokens.lexicographicallyPrecedes(open[b.parent].tokens)
    }
    return Array(extensions.prefix(width))
  }
}

extension LanguageModel {
  /// The likeliest continuations after a state, best first.
  public func likeliestContinuations(after state: State, _ search: BeamSearch) -> [Hypothesis] {
    let rows = makeStateRows(capacity: search.width)
    rows.append(state)
    return search.run(rows)
  }
}
