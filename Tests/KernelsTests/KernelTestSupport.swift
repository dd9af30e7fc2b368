import Kernels

/// Every table that this processor runs, for parameterized tests.
let tableNames = KernelTable.supported.map(\.name)

/// A small generator, so that the tests need nothing else: SplitMix64 (Steele, Lea and Flood 2014).
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

/// One step of the chain that every kernel's product is: fused in all tables but the baseline.
func chained(_ sum: Float, _ a: Float, _ b: Float, _ kernels: KernelTable) -> Float {
  kernels.name == "baseline" ? sum + a * b : sum.addingProduct(a, b)
}

/// Whether two arrays have the same bits.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
}

/// The largest error relative to the reference.
func relativeError(_ values: [Float], _ references: [Double]) -> Double {
  var worst = 0.0
  for (value, reference) in zip(values, references) {
    let error = abs(Double(value) - reference)
    worst = error.isNaN ? .infinity : max(worst, reference == 0 ? error : error / abs(reference))
  }
  return worst
}
