import Kernels
import Testing

@Suite struct PackedProductTests {
  /// Gathered columns, from B and from Bᵀ, in any split of the panels and either direction, are the product's bits.
  @Test(arguments: tableNames) func packedProductsEqualThreeLoops(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 4)
    for (m, n, k) in [(1, 1, 1), (20, 70, 33), (23, 100, 401), (64, 40, 50), (250, 9, 7), (13, 64, 12)] {
      for transposed in [false, true] {
        let stride = (transposed ? k : n) + 2
        let a = generator.floats(m * (k + 1))
        let b = generator.floats((transposed ? n : k) * stride)
        // Runs of neighbours, a zero column, and columns in falling order.
        let gathers: [[Int32]?] = [
          nil, (0..<n + 3).map { $0 == 2 ? -1 : Int32(($0 + n / 2) % n) }, (0..<n).map { Int32(n - 1 - $0) },
        ]
        for gather in gathers {
          let columns = gather?.count ?? n
          let panels = kernels.panels(columns: columns)
          let packed = AlignedBuffer(count: kernels.packedCount(k: k, n: columns))
          packed.pointer.update(repeating: .nan, count: packed.count)
          let source = AlignedBuffer(count: b.count)
          source.pointer.update(from: b, count: b.count)
          let factor = Factor(source.pointer, stride: stride, isTransposed: transposed)
          for panel in (0..<panels).reversed() {
            let range = panel..<panel + 1
            if let gather {
              gather.withUnsafeBufferPointer {
                kernels.packPanels(
                  factor, k: k, n: columns, gather: $0.baseAddress, panels: range, into: packed.pointer)
              }
            } else {
              kernels.packPanels(factor, k: k, n: columns, panels: range, into: packed.pointer)
            }
          }
          var expected = [Float](repeating: .nan, count: m * (columns + 1))
          for i in 0..<m {
            for j in 0..<columns {
              let source = gather.map { Int($0[j]) } ?? j
              var sum: Float = 0
              for p in 0..<k {
                let y = source < 0 ? 0 : transposed ? b[source * stride + p] : b[p * stride + source]
                sum = chained(sum, a[i * (k + 1) + p], y, kernels)
              }
              expected[i * (columns + 1) + j] = sum
            }
          }
          for parts in 1...3 {
            for descending in [false, true] {
              var c = [Float](repeating: .nan, count: expected.count)
              for part in 0..<parts {
                kernels.multiplyPacked(
                  m: m, n: columns, k: k, a, stride: k + 1, packed: packed.pointer,
                  panels: panels * part / parts..<panels * (part + 1) / parts, start: .zero,
                  descending: descending, into: &c, stride: columns + 1)
              }
              #expect(zip(c, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
            }
          }
        }
      }
    }
  }
}
