import Glibc

/// Bins, with what their centres are logarithms of.
struct QuantizationTable: Sendable {
  let bins: QuantizationBins
  /// e to the centres.
  let weights: [Double]
  /// Centres that stand for probabilities other than 0 and 1.
  let candidates: Range<Int>

  init(_ bins: QuantizationBins) {
    self.bins = bins
    weights = bins.centers.map { exp(Double($0)) }
    let first = bins.centers.first == -.infinity ? 1 : 0
    candidates = first..<max(first, bins.centers.firstIndex { $0 >= 0 } ?? bins.centers.count)
  }
}

/// The choice of values that stand for the numbers of one context h, such that
///
///     ½ Σ p(w | h)^0.8 ln² [p̂(w | h) / p(w | h)] + ½ M ln² (M̂ / M) + λ (Z − 1)²
///
/// is small, where the sum is over the words that follow, M is what h leaves for those that do not, M̂ = b̂(h) [Z(h′) − Σ p̂(w | h′)], and
/// Z = Σ p̂(w | h) + M̂ is what all probabilities sum to. With the exponent 1, the first two terms would be the relative entropy to
/// second order; but what is rare after h is not so rare where h is used in place of a longer context.
struct ContextFit {
  /// ln p(w | h).
  private let values: ArraySlice<Float>
  /// Which centres stand for them.
  private let codes: UnsafeMutableBufferPointer<UInt8>
  private let table: QuantizationTable
  /// M.
  private let mass: Double
  /// Z(h′) − Σ p̂(w | h′).
  private let below: Double
  /// Σ p̂(w | h).
  private var seen = 0.0

  /// λ.
  private static let sumPenalty = 30.0
  /// At least this part of M is left for words that do not follow.
  private static let leastPart = 0.1
  /// How often all values are tried.
  private static let maximumSweeps = 20
  /// A smaller gain is rounding error.
  private static let leastGain = 1e-9
  /// A smaller M, or less below, is rounding error too.
  private static let rounding = 1e-6

  /// The choice that `codes` hold so far.
  init(
    values: ArraySlice<Float>, codes: UnsafeMutableBufferPointer<UInt8>, table: QuantizationTable,
    mass: Double, below: Double
  ) {
    (self.values, self.codes, self.table) = (values, codes, table)
    (self.mass, self.below) = (mass, below)
    for code in codes { seen += table.weights[Int(code)] }
  }

  /// Whether the context leaves anything for words that do not follow.
  var isOpen: Bool { mass > Self.rounding && below > Self.rounding * mass }

  /// Chooses the centres that are nearest, none of which makes an uncertain word certain.
  mutating func chooseNearest() {
    seen = 0
    for (i, value) in values.enumerated() {
      var code = Int(table.bins.code(of: value))
      if isFree(value) { code = min(max(code, table.candidates.lowerBound), table.candidates.upperBound - 1) }
      codes[i] = UInt8(code)
      seen += table.weights[code]
    }
  }

  private func isFree(_ value: Float) -> Bool {
    value < 0 && value > -.infinity && !table.candidates.isEmpty
  }

  /// Improves the probabilities, with the back-off weight that makes Z one.
  mutating func balance() {
    let (mass, isOpen) = (mass, isOpen)
    for _ in 0..<Self.maximumSweeps {
      let isBetter = improve { seen in
        Self.cost(seen, rest: isOpen ? max(1 - seen, Self.leastPart * mass) : 0, mass)
      }
      if !isBetter { return }
    }
  }

  /// ln b(h) that makes Z one, or as near as leaves something for the words that do not follow; `nil` if nothing depends on it.
  var idealBackoff: Float? {
    if !isOpen { return nil }
    let logarithm = log(max(1 - seen, Self.leastPart * mass) / below)
    // ln 1 means something.
    return abs(logarithm) < Self.rounding ? 0 : Float(logarithm)
  }

  /// Chooses among `backoffs`, beginning with what is nearest to `ideal`, and improves the probabilities with that; returns ln b̂(h).
  mutating func balance(with ideal: Float, _ backoffs: QuantizationTable) -> Float {
    let (mass, below) = (mass, below)
    var code = Int(backoffs.bins.code(of: ideal))
    if backoffs.weights[code] == 0 { code += 1 }
    for _ in 0..<Self.maximumSweeps {
      var isBetter = false
      let current = Self.cost(seen, rest: backoffs.weights[code] * below, mass)
      for new in [code - 1, code + 1]
      where backoffs.weights.indices.contains(new) && backoffs.weights[new] > 0 {
        if Self.cost(seen, rest: backoffs.weights[new] * below, mass) < current - Self.leastGain {
          code = new
          isBetter = true
          break
        }
      }
      let rest = backoffs.weights[code] * below
      if improve({ Self.cost($0, rest: rest, mass) }) { isBetter = true }
      if !isBetter { break }
    }
    return backoffs.bins.centers[code]
  }

  /// What M̂ and Z cost.
  private static func cost(_ seen: Double, rest: Double, _ mass: Double) -> Double {
    let ratio = rest > 0 ? log(rest / mass) : 0
    let error = seen + rest - 1
    return 0.5 * mass * ratio * ratio + sumPenalty * error * error
  }

  /// Takes one step up or down with each probability that is better for it; says whether there was one.
  ///
  /// - Parameter cost: that of M̂ and Z, given Σ p̂.
  private mutating func improve(_ cost: (Double) -> Double) -> Bool {
    var isBetter = false
    var current = cost(seen)
    for (i, value) in values.enumerated() where isFree(value) {
      let weight = 0.5 * exp(0.8 * Double(value))
      let old = Int(codes[i])
      let oldError = Double(table.bins.centers[old] - value)
      for new in [old - 1, old + 1] where table.candidates.contains(new) {
        let newSeen = seen + table.weights[new] - table.weights[old]
        let newCost = cost(newSeen)
        let newError = Double(table.bins.centers[new] - value)
        let loss = weight * (newError * newError - oldError * oldError)
        if loss + newCost - current < -Self.leastGain {
          codes[i] = UInt8(new)
          (seen, current, isBetter) = (newSeen, newCost, true)
          break
        }
      }
    }
    return isBetter
  }
}
