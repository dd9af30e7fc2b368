import Glibc
import Kernels
import Testing

/// The gates of cells without products over time, in double precision, and gradients by central differences of the textbook formulas.
@Suite struct UnrolledGateTests {
  private typealias Buffers = GateTests.Buffers
  private static let tolerance = GateTests.tolerance
  private static let unitCounts = [1, 7, 16, 21, 48]

  /// h of one minGRU unit from (h̃, a_z, h₋₁).
  private static func minGRU(_ x: [Double]) -> Double {
    let z = GateTests.sigmoid(x[1])
    return (1 - z) * x[2] + z * x[0]
  }

  /// h of one minLSTM unit from (h̃, a_f, a_i, h₋₁).
  private static func minLSTM(_ x: [Double]) -> Double {
    let (f, i) = (GateTests.sigmoid(x[1]), GateTests.sigmoid(x[2]))
    return f / (f + i) * x[3] + i / (f + i) * x[0]
  }

  /// h and c of one QRNN unit from (a_z, a_f, a_o, c₋₁).
  private static func qrnn(_ x: [Double]) -> (h: Double, c: Double) {
    let f = GateTests.sigmoid(x[1])
    let c = f * x[3] + (1 - f) * tanh(x[0])
    return (GateTests.sigmoid(x[2]) * c, c)
  }

  /// Checks a unit whose gates come first, then h₋₁, h, ∂h.
  private func check(
    gates: Int, _ name: String, _ textbook: ([Double]) -> Double,
    _ run: (KernelTable, CellShape, _ isForward: Bool, [UnsafeMutablePointer<Float>]) -> Void
  ) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 12)
    for units in Self.unitCounts {
      var buffers = Buffers(units, gates: gates, states: 3, &generator)
      let before = buffers
      let shape = buffers.shape
      buffers.withPointers { run(kernels, shape, true, $0) }
      let forward = buffers
      buffers.withPointers { run(kernels, shape, false, $0) }
      for row in 0..<3 {
        for unit in 0..<units {
          let x = (0...gates).map { before.value($0, gate: $0 < gates, row, unit) }
          let dh = before.value(gates + 2, gate: false, row, unit)
          #expect(abs(forward.value(gates + 1, gate: false, row, unit) - textbook(x)) < Self.tolerance)
          let gradient = GateTests.derivatives(x) { dh * textbook($0) }
          for gate in 0..<gates {
            #expect(abs(buffers.value(gate, gate: true, row, unit) - gradient[gate]) < Self.tolerance)
          }
          #expect(abs(buffers.value(gates + 2, gate: false, row, unit) - gradient[gates]) < Self.tolerance)
        }
        #expect(buffers.value(0, gate: true, row, units).isNaN)
      }
    }
  }

  @Test(arguments: tableNames) func minGRU(_ name: String) throws {
    try check(gates: 2, name, Self.minGRU) { kernels, shape, isForward, p in
      let step = MinGRUStep(
        candidate: p[0], update: p[1], previousHidden: p[2], hidden: isForward ? p[3] : p[4])
      (isForward ? kernels.minGRUForward : kernels.minGRUBackward)(shape, step)
    }
  }

  @Test(arguments: tableNames) func minLSTM(_ name: String) throws {
    try check(gates: 3, name, Self.minLSTM) { kernels, shape, isForward, p in
      let step = MinLSTMStep(
        candidate: p[0], forget: p[1], input: p[2], previousHidden: p[3], hidden: isForward ? p[4] : p[5])
      (isForward ? kernels.minLSTMForward : kernels.minLSTMBackward)(shape, step)
    }
  }

  @Test("Gates that are both shut leave a number", arguments: tableNames)
  func shutGates(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let buffer = AlignedBuffer(count: 5)
    for (i, value) in [0.5, -200, -300, 0.25, 0].enumerated() { buffer.pointer[i] = Float(value) }
    let shape = CellShape(rows: 1, units: 1, gateStride: 1, stateStride: 1)
    let p = buffer.pointer
    kernels.minLSTMForward(
      shape,
      MinLSTMStep(candidate: p, forget: p + 1, input: p + 2, previousHidden: p + 3, hidden: p + 4))
    #expect(p[4] == 0.5)
    withExtendedLifetime(buffer) {}
  }

  @Test(arguments: tableNames) func qrnn(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 13)
    for units in Self.unitCounts {
      // z f o, c₋₁, c, h, ∂h, ∂c
      var buffers = Buffers(units, gates: 3, states: 5, &generator)
      let before = buffers
      let shape = buffers.shape
      func forward(_ p: [UnsafeMutablePointer<Float>]) -> QRNNForward {
        QRNNForward(
          candidate: p[0], forget: p[1], output: p[2], previousCell: p[3], cell: p[4], hidden: p[5])
      }
      buffers.withPointers { kernels.qrnnForward(shape, forward($0)) }
      let after = buffers
      buffers.withPointers {
        kernels.qrnnBackward(
          shape, QRNNBackward(forward: forward($0), hiddenGradient: $0[6], cellGradient: $0[7]))
      }
      for row in 0..<3 {
        for unit in 0..<units {
          let x = (0..<4).map { before.value($0, gate: $0 < 3, row, unit) }
          let (dh, dc) = (before.value(6, gate: false, row, unit), before.value(7, gate: false, row, unit))
          let expected = Self.qrnn(x)
          #expect(abs(after.value(4, gate: false, row, unit) - expected.c) < Self.tolerance)
          #expect(abs(after.value(5, gate: false, row, unit) - expected.h) < Self.tolerance)
          let gradient = GateTests.derivatives(x) { dh * Self.qrnn($0).h + dc * Self.qrnn($0).c }
          for gate in 0..<3 {
            #expect(abs(buffers.value(gate, gate: true, row, unit) - gradient[gate]) < Self.tolerance)
          }
          #expect(abs(buffers.value(7, gate: false, row, unit) - gradient[3]) < Self.tolerance)
        }
      }
    }
  }
}
