import Glibc

/// The vocabulary of several models together: all tokens that any of them knows, matched by their text.
///
/// A model that does not know a token takes it for UNK. The probability that such a model i gives to UNK is shared: 1 − αᵢ of it is that of
/// the tokens that no model knows, and αᵢ that of the Kᵢ tokens that only others know, in equal parts. So each model's probabilities
/// sum to one over all tokens, as before.
public struct SharedVocabulary: Sendable {
  /// All tokens: those of the first model in their order, then those of the others that are new.
  public let vocabulary: Vocabulary
  /// For each model, its tokens.
  public let members: [Member]

  /// The tokens of one model.
  public struct Member: Sendable {
    /// The model's own token for each of all tokens; `nil` if they are the same.
    public let own: [TokenID]?
    /// Kᵢ: how many of all tokens the model does not know.
    public let missing: Int
    /// αᵢ.
    public fileprivate(set) var share: Double

    /// What stands for a token in the model.
    public func own(_ token: TokenID) -> TokenID { own?[Int(token)] ?? token }

    /// Whether the model has no token of its own for this one.
    public func isMissing(_ token: TokenID) -> Bool {
      token != Vocabulary.unknown && own(token) == Vocabulary.unknown
    }

    /// What is added to the model's ln p(UNK) for UNK itself, and for each token that it does not know.
    var costs: (unknown: Float, missing: Float) {
      missing == 0 ? (0, -.infinity) : (Float(log(1 - share)), Float(log(share / Double(missing))))
    }

    /// Turns ln p of the model's own token into that of `token`.
    public func logProbability(_ logProbability: Float, of token: TokenID) -> Float {
      guard missing > 0, own(token) == Vocabulary.unknown else { return logProbability }
      return logProbability + (token == Vocabulary.unknown ? costs.unknown : costs.missing)
    }
  }

  /// What the models of these vocabularies, of one unit, know together.
  ///
  /// - Parameter shares: αᵢ of each; one half where a model lacks tokens, if `nil`.
  public init(_ vocabularies: [Vocabulary], shares: [Double]? = nil) {
    precondition(!vocabularies.isEmpty, "there is a model")
    let first = vocabularies[0]
    let areEqual = vocabularies.dropFirst().allSatisfy { Self.areEqual($0, first) }
    let all =
      areEqual
      ? first : Vocabulary(unit: first.unit, tokens: vocabularies.lazy.flatMap { $0.tokens.dropFirst(2) })
    vocabulary = all
    members = vocabularies.enumerated().map { i, one in
      if Self.areEqual(one, all) { return Member(own: nil, missing: 0, share: 0) }
      let own = (0..<TokenID(all.count)).map { id in all.withBytes(of: id) { one.id(of: $0) } }
      let missing = own.dropFirst().reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) }
      return Member(
        own: own, missing: missing, share: missing == 0 ? 0 : shares?[i] ?? Self.usualShare)
    }
  }

  private static let usualShare = 0.5

  private static func areEqual(_ a: Vocabulary, _ b: Vocabulary) -> Bool {
    a.count == b.count
      && (0..<TokenID(a.count)).allSatisfy { id in
        a.withBytes(of: id) { a in b.withBytes(of: id) { b in a.elementsEqual(b) } }
      }
  }

  /// Chooses each αᵢ by a text: the share of the tokens that others know among those that model i does not; one more of each kind is counted.
  public mutating func chooseShares(by tokens: [TokenID]) {
    let counts = vocabulary.counts(of: tokens)
    let unknown = counts[Int(Vocabulary.unknown)]
    self = SharedVocabulary(
      vocabulary: vocabulary,
      members: members.map { member in
        guard member.missing > 0 else { return member }
        let missing = counts.indices.reduce(0) { $0 + (member.isMissing(TokenID($1)) ? counts[$1] : 0) }
        var member = member
        member.share = Double(missing + 1) / Double(missing + unknown + 2)
        return member
      })
  }

  /// All tokens, as those of a single model.
  public var alone: SharedVocabulary { SharedVocabulary([vocabulary]) }

  private init(vocabulary: Vocabulary, members: [Member]) {
    (self.vocabulary, self.members) = (vocabulary, members)
  }
}
