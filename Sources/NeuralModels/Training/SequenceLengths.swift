import LanguageModels

/// Sequences of random length (Merity et al. 2018, section 4.1): the places where gradients are cut off, which otherwise are the same
/// in every epoch, move.
///
/// A length is drawn from a normal distribution of deviation 5, but at least 5, around T, or in one case of twenty around T/2. An epoch
/// has as many sequences as it would have of T steps each, so the draws are stretched to fill it. Shorter sequences should take smaller
/// steps: the rate times length/T.
struct SequenceLengths {
  /// T, at least `minimumMean`.
  let mean: Int
  /// Decides the draws, with the number of the epoch.
  let seed: UInt64

  /// Below this, sequences could have no step at all.
  static let minimumMean = 10

  private static let (deviation, shortest, shareOfHalves) = (5.0, 5.0, 0.05)

  /// Where the sequences of epoch `epoch` begin in streams of `length` steps, and the end of the last.
  func boundaries(epoch: Int, length: Int) -> [Int] {
    precondition(mean >= Self.minimumMean, "random lengths need a mean of at least \(Self.minimumMean) steps")
    var generator = SeededGenerator(seed: seed &+ UInt64(epoch) &* 0xA24B_AED4_963E_E407)
    var sums = [0.0]
    for i in 0..<(length + mean - 1) / mean {
      let mean = generator.uniform() < Self.shareOfHalves ? Double(mean) / 2 : Double(mean)
      // The sum of twelve uniform numbers is as good as normal here.
      let normal = (0..<12).reduce(-6.0) { sum, _ in sum + generator.uniform() }
      sums.append(sums[i] + max(Self.shortest, mean + Self.deviation * normal))
    }
    let stretch = Double(length) / sums[sums.count - 1]
    return sums.map { Int(($0 * stretch).rounded()) }
  }
}
