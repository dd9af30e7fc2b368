import Glibc
import Kernels
import Testing

/// Highway connections in double precision, and their gradients by central differences of the textbook formula.
@Suite struct HighwayTests {
  /// y from (a, inner, x).
  private static func highway(_ x: [Double]) -> Double {
    let t = GateTests.sigmoid(x[0])
    return t * x[1] + (1 - t) * x[2]
  }

  @Test("Outputs and gradients, overwritten or added", arguments: tableNames)
  func highway(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 14)
    for n in [1, 4, 7, 16, 21, 48] {
      for isAdding in [false, true] {
        // a (then t, then ∂a), inner, x, y, ∂y (then ∂inner), ∂x; a number behind each that must stay.
        let before = (0..<6).map { _ in
          (0...n).map { $0 < n ? Float.random(in: -2...2, using: &generator) : .nan }
        }
        let buffers = before.map { values in
          let buffer = AlignedBuffer(count: n + 1)
          buffer.pointer.update(from: values, count: n + 1)
          return buffer
        }
        let p = buffers.map(\.pointer)
        kernels.highwayForward(n, HighwayForward(gate: p[0], inner: p[1], input: p[2], output: p[3]))
        let y = (0..<n).map { p[3][$0] }
        kernels.highwayBackward(
          n,
          HighwayBackward(
            gate: p[0], inner: p[1], input: p[2], gradient: p[4], inputGradient: p[5], isAdding: isAdding))
        for i in 0..<n {
          let x = (0..<3).map { Double(before[$0][i]) }
          let dy = Double(before[4][i])
          let gradient = GateTests.derivatives(x) { dy * Self.highway($0) }
          let old = isAdding ? Double(before[5][i]) : 0
          #expect(abs(Double(y[i]) - Self.highway(x)) < GateTests.tolerance)
          #expect(abs(Double(p[0][i]) - gradient[0]) < GateTests.tolerance)
          #expect(abs(Double(p[4][i]) - gradient[1]) < GateTests.tolerance)
          #expect(abs(Double(p[5][i]) - old - gradient[2]) < GateTests.tolerance)
        }
        #expect(p.allSatisfy { $0[n].isNaN })
        withExtendedLifetime(buffers) {}
      }
    }
  }
}
