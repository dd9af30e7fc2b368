/// Which part of a text is held out from training.
public struct Holdout: Sendable, Equatable {
  /// Which of the sentences are taken.
  public enum Lines: String, CaseIterable, Sendable {
    /// Those at the end.
    case last
    /// Every n-th, from the first on.
    case every
    /// Some by chance: of each 4,096 in a row, and of what is left behind these, every choice is as likely.
    case random
  }

  /// The part of the sentences, above 0 and below 1, rounded up to whole ones.
  public var fraction: Double
  /// Which ones.
  public var lines: Lines
  /// What decides them, where that is chance.
  public var seed: UInt64

  /// The last `fraction` of the sentences, or others.
  public init(fraction: Double, lines: Lines = .last, seed: UInt64 = 1) {
    (self.fraction, self.lines, self.seed) = (fraction, lines, seed)
  }

  /// How many of `sentences` are held out.
  func count(of sentences: Int) -> Int { Int((Double(sentences) * fraction).rounded(.up)) }

  /// - Throws: `FileError` if nothing is left of `sentences` to train on.
  func check(sentences: Int) throws {
    guard count(of: sentences) < sentences || sentences == 0 else {
      throw FileError(
        path: "--holdout \(fraction)",
        reason: "leaves nothing to train on of a text of \(sentences) sentence\(sentences == 1 ? "" : "s")")
    }
  }
}
