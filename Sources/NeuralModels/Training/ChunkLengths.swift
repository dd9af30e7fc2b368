import LanguageModels

/// Chunks of random length (Merity et al. 2018, section 4.1): the places where gradients are cut off, which otherwise are the same
/// in every epoch, move.
///
/// A length is drawn from a normal distribution of deviation 5, but at least 5, around T, or in one case of twenty around T/2. An epoch
/// has as many chunks as it would have of T steps each, so the draws are stretched to fill it. Shorter chunks should take smaller
/// steps: the rate times length/T.
struct ChunkLengths {
  /// T, at least `minimumSteps`.
  let steps: Int
  /// Decides the draws, with the number of the epoch.
  let seed: UInt64

  /// Below this, chunks could have no step at all.
  static let minimumSteps = 10

  private static let (deviation, shortest, shareOfHalves) = (5.0, 5.0, 0.05)

  /// Where the chunks of epoch `epoch` begin in streams of `length` steps, and the end of the last.
  func boundaries(epoch: Int, length: Int) -> [Int] {
    precondition(
      steps >= Self.minimumSteps, "random chunks need a mean of at least \(Self.minimumSteps) steps")
    var generator = SeededGenerator(seed: seed &+ UInt64(epoch) &* 0xA24B_AED4_963E_E407)
    var sums = [0.0]
    for i in 0..<(length + steps - 1) / steps {
      let mean = generator.uniform() < Self.shareOfHalves ? Double(steps) / 2 : Double(steps)
      // The sum of twelve uniform numbers is as good as normal here.
      let normal = (0..<12).reduce(-6.0) { sum, _ in sum + generator.uniform() }
      sums.append(sums[i] + max(Self.shortest, mean + Self.deviation * normal))
    }
    let stretch = Double(length) / sums[sums.count - 1]
    return sums.map { Int(($0 * stretch).rounded()) }
  }
}
