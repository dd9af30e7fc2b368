import Glibc
import Kernels
import Testing

/// Half a unit in the last place, relative: the error of one rounding.
private let rounding = Double(Float.ulpOfOne) / 2

@Suite struct ElementwiseTests {
  static let lengths = [0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 64, 65, 100]

  /// Dense points over the whole range, and points near zero.
  static let points: [Float] =
    (0...40_000).map { -100 + Float($0) * 0.005 }
    + (0...200).map { Float(sign: .plus, exponent: -$0 % 60, significand: 1.37) }
    + (0...200).map { Float(sign: .minus, exponent: -$0 % 60, significand: 1.73) }

  /// eˣ, as a softmax takes it.
  private func exponentials(_ x: [Float], _ kernels: KernelTable) -> [Float] {
    var y = x
    _ = kernels.shiftedExponentials(x.count, 0, x, &y, kernels.panelWidth)
    return y
  }

  /// 1 / (1 + e⁻ˣ), as a gate takes it.
  private func sigmoids(_ x: [Float], _ kernels: KernelTable) -> [Float] {
    let buffers = (0..<6).map { _ in AlignedBuffer(count: x.count) }
    buffers[0].pointer.update(from: x, count: x.count)
    let p = buffers.map(\.pointer)
    kernels.gruForward(
      CellShape(rows: 1, units: x.count, gateStride: x.count, stateStride: x.count),
      GRUForward(
        reset: p[0], update: p[1], candidate: p[2], candidateState: p[3], previousHidden: p[4], hidden: p[5]))
    defer { withExtendedLifetime(buffers) {} }
    return Array(UnsafeBufferPointer(start: p[0], count: x.count))
  }

  @Test(arguments: tableNames) func functionsAgreeWithGlibc(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let x = Self.points
    var y = exponentials(x, kernels)
    // eˣ: the rounding of 1 + (eʳ − 1), of r and of the polynomial.
    let regular = x.indices.filter { x[$0] > -87.33 && x[$0] < 88.72 }
    #expect(relativeError(regular.map { y[$0] }, regular.map { exp(Double(x[$0])) }) < 4 * rounding)
    #expect(x.indices.allSatisfy { x[$0] > -87.34 || y[$0] == 0 })
    #expect(x.indices.allSatisfy { x[$0] < 88.73 || y[$0] == .infinity })
    kernels.tanh(x.count, x, &y)
    #expect(relativeError(y, x.map { tanh(Double($0)) }) < 8 * rounding)
    y = sigmoids(x, kernels)
    #expect(
      relativeError(regular.map { y[$0] }, regular.map { 1 / (1 + exp(-Double(x[$0]))) }) < 8 * rounding)
    #expect(y.allSatisfy { $0 == 0 || $0.isNormal })
  }

  @Test(arguments: tableNames) func sumsOfWhatIsAbove(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 7)
    for n in Self.lengths {
      var x = generator.floats(n)
      if n > 3 { (x[1], x[3]) = (.nan, 0.25) }
      for bound: Float in [-2, 0, 0.25, 2] {
        let expected = x.reduce(0.0) { $1 > bound ? $0 + Double($1) : $0 }
        #expect(abs(kernels.sumAbove(n, bound, x) - expected) <= 1e-6 * Double(n))
      }
    }
  }

  @Test(arguments: tableNames) func limits(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let x: [Float] = [.infinity, -.infinity, .nan, -.nan, 0, -0.0, 1e30, -1e30, 88.722_83, -87.336_54]
    var y = exponentials(x, kernels)
    #expect(y[0] == .infinity && y[1] == 0 && y[2].isNaN && y[3].isNaN && y[4] == 1 && y[5] == 1)
    #expect(y[6] == .infinity && y[7] == 0 && y[8].isFinite && y[9].isNormal)
    kernels.tanh(x.count, x, &y)
    #expect(y[0] == 1 && y[1] == -1 && y[2].isNaN && y[3].isNaN && y[4] == 0 && y[5].sign == .minus)
    #expect(y[6] == 1 && y[7] == -1)
    y = sigmoids(x, kernels)
    #expect(y[0] == 1 && y[1] == 0 && y[2].isNaN && y[3].isNaN && y[4] == 0.5 && y[6] == 1 && y[7] == 0)
  }

  @Test(arguments: tableNames) func mapsTouchExactlyTheirLength(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 5)
    for n in Self.lengths {
      let (x, z, start) = (generator.floats(n), generator.floats(n), generator.floats(n) + [Float.nan])
      func check(_ body: (UnsafeMutablePointer<Float>) -> Void, _ expected: (Int) -> Float) {
        var y = start
        body(&y)
        #expect((0..<n).allSatisfy { abs(y[$0] - expected($0)) <= 4 * Float.ulpOfOne } && y[n].isNaN)
      }
      check({ kernels.scale(n, 3, x, $0) }, { 3 * x[$0] })
      check({ kernels.offset(n, 3, x, $0) }, { 3 + x[$0] })
      check({ kernels.addScaled(n, 3, x, $0) }, { start[$0] + 3 * x[$0] })
      check({ kernels.multiply(n, x, z, $0) }, { x[$0] * z[$0] })
      check({ kernels.addProduct(n, x, z, $0) }, { start[$0] + x[$0] * z[$0] })
      check({ kernels.tanh(n, x, $0) }, { tanhf(x[$0]) })
    }
  }

  @Test(arguments: tableNames) func sumsAreNearlyThoseInDoublePrecision(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 6)
    for n in Self.lengths + [1000, 10_007, 100_003] {
      let (x, z) = (generator.floats(n), generator.floats(n))
      // A lane adds at most 64 terms before it is emptied into a double.
      let tolerance = 70 * 2 * rounding
      let sizes = x.reduce(0) { $0 + Double(abs($1)) }
      let dot = zip(x, z).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(kernels.dot(n, x, z) - dot) <= tolerance * sizes)
      let squares = x.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(kernels.sumOfSquares(n, x) - squares) <= tolerance * squares)
      #expect(kernels.maximum(n, x, kernels.panelWidth) == x.max() ?? -.infinity)
    }
  }

  @Test(arguments: tableNames) func columnSums(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 7)
    for n in [1, 5, 16, 33] {
      let (rows, stride) = (4, n + 2)
      let (c, row) = (generator.floats(rows * stride), generator.floats(n))
      var sums = row
      kernels.addColumnSums(rows, n, c, stride, &sums)
      for j in 0..<n { #expect(sums[j] == (0..<rows).reduce(row[j]) { $0 + c[$1 * stride + j] }) }
    }
  }

  @Test(arguments: tableNames) func softmaxWithCrossEntropy(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 8)
    for n in [1, 2, 7, 16, 33, 1000, 10_001] {
      let logits = generator.floats(n, in: -20...20)
      let target = n / 3
      let total = logits.reduce(0) { $0 + exp(Double($1)) }
      let expected = log(total) - Double(logits[target])
      var gradient = logits
      let loss = kernels.softmaxCrossEntropy(n, &gradient, target: target, scale: 0.5)
      #expect(abs(loss - expected) < 1e-5)
      #expect(abs(kernels.crossEntropy(n, logits, target: target) - expected) < 1e-5)
      for j in 0..<n {
        let p = exp(Double(logits[j])) / total
        #expect(
          abs(Double(gradient[j]) - 0.5 * (p - (j == target ? 1 : 0))) < 2e-6 * max(p, j == target ? 1 : 0)
            + 1e-37)
      }
      var logProbabilities = logits
      kernels.logSoftmax(n, logits, &logProbabilities)
      #expect(zip(logits, logProbabilities).allSatisfy { abs(Double($0) - log(total) - Double($1)) < 1e-5 })
    }
    // The same row in panels that lie apart has the same bits.
    let n = 3 * kernels.panelWidth + 5
    var row = generator.floats(n, in: -20...20)
    let panelStride = 3 * kernels.panelWidth
    var panels = [Float](repeating: .nan, count: 4 * panelStride)
    func place(_ j: Int) -> Int { j / kernels.panelWidth * panelStride + j % kernels.panelWidth }
    for j in 0..<n { panels[place(j)] = row[j] }
    #expect(
      kernels.crossEntropy(n, row, target: n - 1)
        == kernels.crossEntropy(n, panels, panelStride: panelStride, target: n - 1))
    #expect(
      kernels.softmaxCrossEntropy(n, &row, target: n - 1, scale: 2)
        == kernels.softmaxCrossEntropy(n, &panels, panelStride: panelStride, target: n - 1, scale: 2))
    #expect((0..<n).allSatisfy { panels[place($0)] == row[$0] })
    #expect(panels.filter(\.isNaN).count == panels.count - n)

    #expect(kernels.crossEntropy(3, [1, .nan, 2], target: 0).isNaN)
    #expect(kernels.crossEntropy(2, [-.infinity, 4], target: 1) == 0)
  }

  @Test func dropoutIsTheSameInEveryTableAndSplit() throws {
    let n = 10_007
    var masks: [[Float]] = []
    for kernels in KernelTable.supported {
      for parts in [1, 3] {
        var mask = [Float](repeating: .nan, count: n)
        for part in 0..<parts {
          let (first, end) = (n * part / parts, n * (part + 1) / parts)
          mask.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            kernels.dropout(
              end - first, DropoutMask(key: 0x1234_5678_9abc, firstIndex: UInt32(first), rate: 0.3),
              base + first)
          }
        }
        masks.append(mask)
      }
    }
    #expect(masks.allSatisfy { sameBits($0, masks[0]) })
    #expect(masks[0].allSatisfy { $0 == 0 || $0 == 1 / (1 - Float(0.3)) })
    // Five standard deviations of a binomial.
    let zeros = Double(masks[0].count { $0 == 0 })
    #expect(abs(zeros - 0.3 * Double(n)) < 5 * (0.21 * Double(n)).squareRoot())
  }
}
