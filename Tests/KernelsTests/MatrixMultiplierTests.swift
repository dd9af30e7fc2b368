import Kernels
import Testing
import Threads

/// A product with strides larger than the widths, and its result by three loops, exact to the bit.
private struct Case {
  let kernels: KernelTable
  let m, n, k: Int
  let aTransposed, bTransposed: Bool
  /// 0 overwrite, 1 accumulate, 2 bias.
  let start: Int
  let padding: Int
  var a, b, c, bias: [Float]

  init(
    _ kernels: KernelTable, _ m: Int, _ n: Int, _ k: Int, _ form: Int, start: Int, padding: Int,
    _ generator: inout TestGenerator
  ) {
    (self.kernels, self.m, self.n, self.k, self.start, self.padding) = (kernels, m, n, k, start, padding)
    (aTransposed, bTransposed) = (form & 1 != 0, form & 2 != 0)
    a = generator.floats((aTransposed ? k : m) * ((aTransposed ? m : k) + padding))
    b = generator.floats((bTransposed ? n : k) * ((bTransposed ? k : n) + padding))
    bias = generator.floats(n)
    c = [Float](repeating: .nan, count: m * (n + padding))
    if start == 1 { for i in 0..<m { for j in 0..<n { c[i * (n + padding) + j] = Float(i - j) / 7 } } }
  }

  var aStride: Int { (aTransposed ? m : k) + padding }
  var bStride: Int { (bTransposed ? k : n) + padding }
  var cStride: Int { n + padding }

  func element(_ i: Int, _ j: Int) -> Float {
    var sum = start == 0 ? 0 : start == 1 ? c[i * cStride + j] : bias[j]
    for p in 0..<k {
      let x = aTransposed ? a[p * aStride + i] : a[i * aStride + p]
      let y = bTransposed ? b[j * bStride + p] : b[p * bStride + j]
      sum = chained(sum, x, y, kernels)
    }
    return sum
  }

  /// C by loops; the padding keeps its NaNs.
  func expected() -> [Float] {
    var result = c
    for i in 0..<m { for j in 0..<n { result[i * cStride + j] = element(i, j) } }
    return result
  }

  /// C by the kernels.
  func product(_ multiplier: MatrixMultiplier) -> [Float] {
    var result = c
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        bias.withUnsafeBufferPointer { bias in
          result.withUnsafeMutableBufferPointer { c in
            guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress,
              let bias = bias.baseAddress
            else { return }
            multiplier.multiply(
              m: m, n: n, k: k, Factor(a, stride: aStride, isTransposed: aTransposed),
              Factor(b, stride: bStride, isTransposed: bTransposed),
              start: start == 0 ? .zero : start == 1 ? .accumulate : .bias(bias),
              into: ProductTarget(c, stride: cStride))
          }
        }
      }
    }
    return result
  }
}

@Suite struct MatrixMultiplierTests {
  static let edges = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 40]

  @Test(arguments: tableNames) func everySmallSizeEqualsThreeLoops(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let multiplier = MatrixMultiplier(kernels: kernels, pool: ThreadPool(threads: 1))
    var generator = TestGenerator(state: 1)
    var index = 0
    for m in Self.edges {
      for n in Self.edges {
        for k in [1, 2, 4, 7, 37] {
          for form in 0..<4 {
            index += 1
            let test = Case(
              kernels, m, n, k, form, start: index % 3, padding: index % 5 % 3, &generator)
            if !sameBits(test.product(multiplier), test.expected()) {
              Issue.record("m \(m) n \(n) k \(k) form \(form) start \(index % 3)")
              return
            }
          }
        }
      }
    }
  }

  @Test(arguments: tableNames) func blocksAndThreadsKeepEveryBit(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let multipliers = (1...3).map { MatrixMultiplier(kernels: kernels, pool: ThreadPool(threads: $0)) }
    var generator = TestGenerator(state: 2)
    for (m, n, k) in [
      (41, 1301, 45), (500, 70, 800), (30, 70, 401), (251, 37, 20), (700, 33, 5), (5, 900, 400),
      (30, 600, 1100),
    ] {
      for form in 0..<4 {
        let test = Case(kernels, m, n, k, form, start: form % 3, padding: 3, &generator)
        let results = multipliers.map { test.product($0) }
        #expect(sameBits(results[0], results[1]) && sameBits(results[0], results[2]))
        for _ in 0..<200 {
          let (i, j) = (Int.random(in: 0..<m, using: &generator), Int.random(in: 0..<n, using: &generator))
          #expect(results[0][i * test.cStride + j].bitPattern == test.element(i, j).bitPattern)
        }
        let rest = results[0].enumerated().filter { $0.offset % test.cStride >= n }
        #expect(rest.allSatisfy { $0.element.isNaN })
      }
    }
  }

  @Test(arguments: tableNames) func anEmptyInnerDimensionGivesTheStart(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let multiplier = MatrixMultiplier(kernels: kernels, pool: ThreadPool(threads: 2))
    var generator = TestGenerator(state: 3)
    for start in 0..<3 {
      var test = Case(kernels, 3, 5, 1, 0, start: start, padding: 0, &generator)
      test = Case(empty: test)
      #expect(sameBits(test.product(multiplier), test.expected()))
    }
  }
}

extension Case {
  /// The same with K = 0.
  fileprivate init(empty other: Case) {
    (kernels, m, n, k) = (other.kernels, other.m, other.n, 0)
    (aTransposed, bTransposed, start, padding) = (false, false, other.start, 0)
    (a, b, c, bias) = (other.a, other.b, other.c, other.bias)
  }
}
