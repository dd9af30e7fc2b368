import Glibc
import Kernels
import Testing

/// Gates in double precision, and gradients by central differences of the textbook forward formulas.
@Suite struct GateTests {
  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// h and c of one LSTM unit from (i, f, g, o, c₋₁).
  private static func lstm(_ x: [Double]) -> (h: Double, c: Double) {
    let c = sigmoid(x[1]) * x[4] + sigmoid(x[0]) * tanh(x[2])
    return (sigmoid(x[3]) * tanh(c), c)
  }

  /// h of one GRU unit from (r, z, n's input share, n's state share, h₋₁).
  private static func gru(_ x: [Double]) -> Double {
    let n = tanh(x[2] + sigmoid(x[0]) * x[3])
    return (1 - sigmoid(x[1])) * n + sigmoid(x[1]) * x[4]
  }

  private static func derivatives(_ x: [Double], _ f: ([Double]) -> Double) -> [Double] {
    x.indices.map { i in
      var (up, down) = (x, x)
      up[i] += 1e-5
      down[i] -= 1e-5
      return (f(up) - f(down)) / 2e-5
    }
  }

  /// Forward values are a few roundings off; differences of step 1e-5 add an error of about 1e-10.
  private static let tolerance = 3e-6

  private struct Buffers {
    let shape: CellShape
    var arrays: [[Float]]

    /// Gate buffers first, then `states` state buffers; what lies between rows is NaN and must stay so.
    init(_ units: Int, gates: Int, states: Int, _ generator: inout TestGenerator) {
      shape = CellShape(rows: 3, units: units, gateStride: units + 3, stateStride: units + 1)
      let shape = shape
      arrays = (0..<gates + states).map { index in
        let stride = index < gates ? shape.gateStride : shape.stateStride
        return (0..<3 * stride).map {
          $0 % stride < units ? Float.random(in: -2...2, using: &generator) : .nan
        }
      }
    }

    func value(_ array: Int, gate: Bool, _ row: Int, _ unit: Int) -> Double {
      Double(arrays[array][row * (gate ? shape.gateStride : shape.stateStride) + unit])
    }

    /// Calls `body` with the address of every array.
    mutating func withPointers(_ body: ([UnsafeMutablePointer<Float>]) -> Void) {
      let buffers = arrays.map { array in
        let buffer = AlignedBuffer(count: array.count)
        buffer.pointer.update(from: array, count: array.count)
        return buffer
      }
      body(buffers.map(\.pointer))
      for (i, buffer) in buffers.enumerated() {
        arrays[i] = Array(UnsafeBufferPointer(start: buffer.pointer, count: arrays[i].count))
      }
    }
  }

  @Test(arguments: tableNames) func lstm(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 9)
    for units in [1, 4, 7, 16, 21, 48] {
      // i f g o, c₋₁, c, tanh c, h, ∂h, ∂c
      var buffers = Buffers(units, gates: 4, states: 6, &generator)
      let before = buffers
      let shape = buffers.shape
      buffers.withPointers { p in
        kernels.lstmForward(
          shape,
          LSTMForward(
            input: p[0], forget: p[1], candidate: p[2], output: p[3], previousCell: p[4], cell: p[5],
            cellTanh: p[6], hidden: p[7]))
      }
      let forward = buffers
      buffers.withPointers { p in
        kernels.lstmBackward(
          shape,
          LSTMBackward(
            forward: LSTMForward(
              input: p[0], forget: p[1], candidate: p[2], output: p[3], previousCell: p[4], cell: p[5],
              cellTanh: p[6], hidden: p[7]), hiddenGradient: p[8], cellGradient: p[9]))
      }
      for row in 0..<3 {
        for unit in 0..<units {
          let x = (0..<5).map { before.value($0, gate: $0 < 4, row, unit) }
          let (dh, dc) = (before.value(8, gate: false, row, unit), before.value(9, gate: false, row, unit))
          let expected = Self.lstm(x)
          #expect(abs(forward.value(5, gate: false, row, unit) - expected.c) < Self.tolerance)
          #expect(abs(forward.value(7, gate: false, row, unit) - expected.h) < Self.tolerance)
          let gradient = Self.derivatives(x) { dh * Self.lstm($0).h + dc * Self.lstm($0).c }
          for gate in 0..<4 {
            #expect(abs(buffers.value(gate, gate: true, row, unit) - gradient[gate]) < Self.tolerance)
          }
          #expect(abs(buffers.value(9, gate: false, row, unit) - gradient[4]) < Self.tolerance)
        }
        #expect(
          buffers.value(0, gate: true, row, units).isNaN && buffers.value(7, gate: false, row, units).isNaN)
      }
    }
  }

  @Test(arguments: tableNames) func gru(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 10)
    for units in [1, 4, 7, 16, 21, 48] {
      // r z n u, h₋₁, h, ∂h
      var buffers = Buffers(units, gates: 4, states: 3, &generator)
      let before = buffers
      let shape = buffers.shape
      buffers.withPointers { p in
        kernels.gruForward(
          shape,
          GRUForward(
            reset: p[0], update: p[1], candidate: p[2], candidateState: p[3], previousHidden: p[4],
            hidden: p[5]))
      }
      let forward = buffers
      buffers.withPointers { p in
        kernels.gruBackward(
          shape,
          GRUBackward(
            reset: p[0], update: p[1], candidate: p[2], candidateState: p[3], previousHidden: p[4],
            hiddenGradient: p[6]))
      }
      for row in 0..<3 {
        for unit in 0..<units {
          let x = (0..<5).map { before.value($0, gate: $0 < 4, row, unit) }
          let dh = before.value(6, gate: false, row, unit)
          #expect(abs(forward.value(5, gate: false, row, unit) - Self.gru(x)) < Self.tolerance)
          let gradient = Self.derivatives(x) { dh * Self.gru($0) }
          for gate in 0..<4 {
            #expect(abs(buffers.value(gate, gate: true, row, unit) - gradient[gate]) < Self.tolerance)
          }
          #expect(abs(buffers.value(6, gate: false, row, unit) - gradient[4]) < Self.tolerance)
        }
      }
    }
  }

  @Test(arguments: tableNames) func elman(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    var generator = TestGenerator(state: 11)
    // a (then ∂a), h, ∂h
    var buffers = Buffers(21, gates: 1, states: 2, &generator)
    let before = buffers
    let shape = buffers.shape
    buffers.withPointers { p in
      kernels.elmanForward(
        shape, ElmanForward(activation: .tanh, hiddenGate: p[0], previousHidden: nil, hidden: p[1]))
      kernels.elmanBackward(shape, .tanh, p[0], p[2], p[0])
    }
    for row in 0..<3 {
      for unit in 0..<21 {
        let h = tanh(before.value(0, gate: true, row, unit))
        #expect(abs(buffers.value(1, gate: false, row, unit) - h) < Self.tolerance)
        let expected = before.value(2, gate: false, row, unit) * (1 - h * h)
        #expect(abs(buffers.value(0, gate: true, row, unit) - expected) < Self.tolerance)
      }
    }
  }
}
