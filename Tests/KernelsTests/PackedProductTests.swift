import Kernels
import Testing

@Suite struct PackedProductTests {
  /// Products with a packed B or Bᵀ, in any split of the panels and either direction, are the loops' bits.
  @Test(arguments: tableNames) func packedProductsEqualThreeLoops(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 4)
    for (m, n, k) in [
      (1, 1, 1), (20, 70, 33), (23, 100, 401), (64, 40, 50), (250, 9, 7), (13, 64, 12), (6, 300, 9),
    ] {
      for transposed in [false, true] {
        let stride = (transposed ? k : n) + 2
        let a = generator.floats(m * (k + 1))
        let b = generator.floats((transposed ? n : k) * stride)
        let panels = kernels.panels(columns: n)
        let packed = AlignedBuffer(count: kernels.packedCount(k: k, n: n))
        packed.pointer.update(repeating: .nan, count: packed.count)
        let source = AlignedBuffer(count: b.count)
        source.pointer.update(from: b, count: b.count)
        let factor = Factor(source.pointer, stride: stride, isTransposed: transposed)
        for first in Swift.stride(from: 0, to: panels, by: 5).reversed() {
          let range = first..<min(panels, first + 5)
          kernels.packPanels(factor, k: k, n: n, panels: range, into: packed.pointer)
        }
        var expected = [Float](repeating: .nan, count: m * (n + 1))
        for i in 0..<m {
          for j in 0..<n {
            var sum: Float = 0
            for p in 0..<k {
              let y = transposed ? b[j * stride + p] : b[p * stride + j]
              sum = chained(sum, a[i * (k + 1) + p], y, kernels)
            }
            expected[i * (n + 1) + j] = sum
          }
        }
        for parts in 1...3 {
          for descending in [false, true] {
            var c = [Float](repeating: .nan, count: expected.count)
            for part in 0..<parts {
              kernels.multiplyPacked(
                m: m, n: n, k: k, a, stride: k + 1, packed: packed.pointer,
                panels: panels * part / parts..<panels * (part + 1) / parts, start: .zero,
                descending: descending, into: &c, stride: n + 1)
            }
            #expect(zip(c, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
          }
        }
      }
    }
  }
}
