import Kernels
import Tensors
import Testing
import Threads

/// xorshift64 (Marsaglia 2003).
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

func randomMatrix(_ rows: Int, _ columns: Int, _ generator: inout TestGenerator) -> Matrix {
  let matrix = Matrix(rows: rows, columns: columns)
  matrix.view.fillUniform(1, using: &generator)
  return matrix
}

@Suite struct MatrixTests {
  @Test func viewsAddressRowsAndColumns() {
    let matrix = Matrix(rows: 4, columns: 5)
    for row in 0..<4 { for column in 0..<5 { matrix[row, column] = Float(10 * row + column) } }
    let inner = matrix.view.rows(1..<3).columns(2..<5)
    #expect(inner.rows == 2 && inner.columns == 3 && inner.stride == 5)
    #expect(inner[0, 0] == 12 && inner[1, 2] == 24)
    inner.fill(-1)
    #expect(matrix[1, 1] == 11 && matrix[1, 2] == -1 && matrix[2, 4] == -1 && matrix[3, 2] == 32)
    let copy = Matrix(rows: 4, columns: 5)
    copy.view.copy(from: matrix.view)
    #expect(copy[3, 4] == 34)
  }

  /// The three forms, each against sums in double precision; every sum of K terms below 1 is off by K roundings.
  @Test func threeForms() throws {
    var generator = TestGenerator(state: 1)
    let products = MatrixProducts(kernels: try .named(nil), pool: ThreadPool(threads: 2))
    for (m, n, k) in [(3, 4, 5), (20, 33, 17), (90, 70, 60)] {
      let (a, b) = (randomMatrix(m, k, &generator), randomMatrix(k, n, &generator))
      let (at, bt) = (Matrix(rows: k, columns: m), Matrix(rows: n, columns: k))
      for i in 0..<m { for p in 0..<k { at[p, i] = a[i, p] } }
      for p in 0..<k { for j in 0..<n { bt[j, p] = b[p, j] } }
      let bias = (0..<n).map { Float($0) }
      func check(_ c: Matrix, _ start: (Int, Int) -> Double) {
        for i in 0..<m {
          for j in 0..<n {
            var sum = start(i, j)
            for p in 0..<k { sum += Double(a[i, p]) * Double(b[p, j]) }
            let tolerance = Double(k) * Double(Float.ulpOfOne) * max(1, abs(sum))
            #expect(abs(Double(c[i, j]) - sum) < tolerance)
          }
        }
      }
      let c = Matrix(rows: m, columns: n)
      c.view.fill(.nan)
      products.multiply(a.view, b.view, into: c.view)
      check(c) { _, _ in 0 }
      products.multiply(a.view, b.view, into: c.view, bias: bias)
      check(c) { Double($1) }
      products.multiply(a.view, transposed: bt.view, into: c.view)
      check(c) { _, _ in 0 }
      c.view.fill(2)
      products.multiply(transposed: at.view, b.view, into: c.view, accumulate: true)
      check(c) { _, _ in 2 }
    }
  }

  /// A recurrent step: each thread multiplies its own panels.
  @Test(arguments: [1, 2, 3]) func packedColumnsPerThread(_ threads: Int) throws {
    var generator = TestGenerator(state: 2)
    let kernels = try KernelTable.named(nil)
    let pool = ThreadPool(threads: threads)
    let (batch, hidden) = (5, 37)
    let (h, weights) = (randomMatrix(batch, hidden, &generator), randomMatrix(hidden, 4 * hidden, &generator))
    let packed = PackedMatrix(rows: hidden, columns: 4 * hidden, kernels: kernels)
    let (gates, expected) = (
      Matrix(rows: batch, columns: 4 * hidden), Matrix(rows: batch, columns: 4 * hidden)
    )
    gates.view.fill(.nan)
    pool.run { thread in
      let panels = pool.share(packed.panelCount, of: thread)
      packed.pack(weights.view, panels: panels)
      packed.multiply(h.view, panels: panels, into: gates.view)
    }
    MatrixProducts(kernels: kernels, pool: pool).multiply(h.view, weights.view, into: expected.view)
    for row in 0..<batch {
      for column in 0..<4 * hidden { #expect(gates[row, column] == expected[row, column]) }
    }
  }

  /// Products from and into matrices in panels have the bits of those with row-major ones.
  @Test(arguments: [1, 2, 3]) func matricesInPanels(_ threads: Int) throws {
    for kernels in KernelTable.supported {
      let products = MatrixProducts(kernels: kernels, pool: ThreadPool(threads: threads))
      var generator = TestGenerator(state: 3)
      for (rows, features, columns) in [
        (1, 3, 5), (7, 30, 100), (64, 20, 333), (150, 300, 70), (33, 900, 301),
      ] {
        let x = randomMatrix(rows, features, &generator)
        let weights = randomMatrix(features, columns, &generator)
        let transposed = Matrix(rows: columns, columns: features)
        for i in 0..<features { for j in 0..<columns { transposed[j, i] = weights[i, j] } }
        let bias = (0..<columns).map { Float($0) / 7 }

        // y = x W + b
        let expected = Matrix(rows: rows, columns: columns)
        products.multiply(x.view, weights.view, into: expected.view, bias: bias)
        let buffer = AlignedBuffer(count: 40_000)
        buffer.pointer.update(repeating: .nan, count: buffer.count)
        var y = PanelMatrix(buffer, rows: rows, columns: columns, kernels: kernels)
        for isTransposed in [true, false] {
          y = PanelMatrix(buffer, rows: rows, columns: columns, kernels: kernels)
          products.multiply(
            x.view, (isTransposed ? transposed : weights).view, transposed: isTransposed, into: y, bias: bias)
          for panel in 0..<y.panelCount {
            let part = y.panel(panel)
            for row in 0..<rows {
              for column in 0..<part.columns {
                #expect(part[row, column] == expected[row, panel * y.panelWidth + column])
              }
            }
          }
        }

        // dx = y Wᵀ,  dW += xᵀ y,  dWᵀ += yᵀ x
        let (dx, expectedDx) = (Matrix(rows: rows, columns: features), Matrix(rows: rows, columns: features))
        products.multiply(expected.view, transposed: weights.view, into: expectedDx.view)
        for isTransposed in [true, false] {
          dx.view.fill(.nan)
          products.multiply(
            y, (isTransposed ? weights : transposed).view, transposed: isTransposed, into: dx.view)
          #expect(isEqual(dx, expectedDx))
        }
        let (dW, expectedDW) = (
          Matrix(rows: features, columns: columns), Matrix(rows: features, columns: columns)
        )
        for matrix in [dW, expectedDW] { matrix.view.fill(0.5) }
        products.addProduct(transposed: x.view, y, to: dW.view)
        products.multiply(transposed: x.view, expected.view, into: expectedDW.view, accumulate: true)
        #expect(isEqual(dW, expectedDW))
        let (dV, expectedDV) = (
          Matrix(rows: columns, columns: features), Matrix(rows: columns, columns: features)
        )
        for matrix in [dV, expectedDV] { matrix.view.fill(0.5) }
        products.addProduct(transposed: y, x.view, to: dV.view)
        products.multiply(transposed: expected.view, x.view, into: expectedDV.view, accumulate: true)
        #expect(isEqual(dV, expectedDV))
      }
    }
  }

  private func isEqual(_ a: Matrix, _ b: Matrix) -> Bool {
    (0..<a.view.rows).allSatisfy { row in
      (0..<a.view.columns).allSatisfy { a[row, $0].bitPattern == b[row, $0].bitPattern }
    }
  }
}

@Suite struct ParameterArenaTests {
  @Test func parametersAreAlignedAndPaddedWithZeros() {
    let arena = ParameterArena()
    let weights = arena.add("weights", shape: [3, 7])
    let bias = arena.add("bias", shape: [5])
    let last = arena.add("last", shape: [4, 4])
    arena.allocate()
    #expect(arena.parameters.map(\.offset) == [0, 32, 48] && arena.count == 64 && arena.parameterCount == 42)
    #expect(UInt(bitPattern: arena.values) % 64 == 0 && UInt(bitPattern: arena.gradients) % 64 == 0)
    #expect(weights.value.rows == 3 && weights.value.columns == 7)
    #expect(bias.value.rows == 1 && bias.value.columns == 5)
    for parameter in [weights, bias, last] {
      parameter.value.fill(1)
      parameter.gradient.fill(2)
    }
    let total: Float = (0..<64).reduce(0) { $0 + arena.values[$1] }
    #expect(total == 42)
    arena.clearGradients()
    #expect((0..<64).allSatisfy { arena.gradients[$0] == 0 })
  }
}

@Suite struct WorkspaceTests {
  @Test func poisonReachesEveryBufferThatIsNotKept() {
    let workspace = Workspace()
    let matrix = workspace.buffer("one", .positions(4)).matrix(3, 4)
    let empty = workspace.buffer("two", .rows(9))
    let kept = workspace.buffer("three", .floats(2), isKept: true).matrix(1, 2)
    #expect(matrix[2, 3] == 0 && empty.count == 0 && workspace.byteCount == 56)
    workspace.poison()
    #expect((0..<12).allSatisfy { matrix.pointer[$0].isNaN } && kept[0, 1] == 0)
  }

  @Test func memoryIsKnownBeforeItIsTaken() {
    let workspace = Workspace()
    let buffer = workspace.buffer("one", .positions(4))
    _ = workspace.buffer("two", .rows(9))
    workspace.note("elsewhere", .floats(100))
    #expect(workspace.byteCount == 0 && workspace.byteCount(steps: 5, rows: 2) == 4 * (40 + 18 + 100))
    buffer.reserve(40)
    #expect(workspace.overfull(steps: 5, rows: 2).isEmpty && workspace.overfull(steps: 4, rows: 2) == ["one"])
    // Sizes that no machine has are no trap.
    _ = workspace.buffer("three", .positions(.max))
    #expect(workspace.byteCount(steps: .max, rows: .max) > 1e50)
  }

  @Test func parametersThatCannotBeCountedAreNoTrap() {
    let arena = ParameterArena()
    _ = arena.add("a", shape: [1 << 40, 1 << 40])
    _ = arena.add("b", shape: [.max])
    _ = arena.add("c", shape: [3])
    #expect(arena.parameterCount == nil)
  }
}

@Suite struct InitializerTests {
  @Test func uniformStaysInsideAndIsReproducible() {
    var (one, two) = (TestGenerator(state: 7), TestGenerator(state: 7))
    let (a, b) = (Matrix(rows: 50, columns: 60), Matrix(rows: 50, columns: 60))
    a.view.fillUniform(0.1, using: &one)
    b.view.fillUniform(0.1, using: &two)
    let values = (0..<3000).map { Double(a.view.pointer[$0]) }
    #expect((0..<3000).allSatisfy { a.view.pointer[$0] == b.view.pointer[$0] })
    #expect(values.allSatisfy { abs($0) < 0.1 && $0 != 0 })
    // Five standard deviations of the mean of 3000 numbers of variance 0.01 / 3.
    let mean = values.reduce(0, +) / 3000
    let deviation = (0.01 / 3 / 3000).squareRoot()
    #expect(abs(mean) < 5 * deviation)
  }
}
