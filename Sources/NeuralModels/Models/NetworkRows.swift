import Kernels
import LanguageModels
import Tensors

/// Rows of a trained network: their states stay in its layers from step to step, as long as nobody else uses it.
final class NetworkRows: StateRows {
  typealias State = NeuralModel.State

  private let model: NeuralModel
  private let capacity: Int
  /// The tokens that the network is given for each row.
  private var windows: [[TokenID]] = []
  /// The features of each row, [B × F].
  private let features = AlignedBuffer()
  private let featureSize: Int
  /// [B × V].
  private let logits = AlignedBuffer()
  /// The states of the rows, while they are not in the layers of the network.
  private var aside: [[Float]]? = []
  let functions: RowFunctions

  init(_ model: NeuralModel, capacity: Int) {
    (self.model, self.capacity) = (model, capacity)
    featureSize = model.initialState.features.count
    features.reserve(capacity * featureSize)
    functions = model.network.withLock { RowFunctions($0.network.engine.kernels) }
  }

  var count: Int { windows.count }
  let giveLogits = true

  // MARK: The network and its layers' states

  /// Puts the states aside, for somebody else who is to use the network.
  func leave(_ network: NextTokenNetwork) { aside = windows.indices.map { network.state(row: $0) } }

  /// Calls `body` with the network, in whose layers the states are then.
  private func withStates<Result>(_ body: (NextTokenNetwork) -> Result) -> Result {
    model.network.withLock { box in
      if let values = aside {
        let network = box.taken(by: self)
        network.resetState(rows: capacity)
        for (row, values) in values.enumerated() { network.setState(values, row: row) }
        aside = nil
      }
      return body(box.network)
    }
  }

  private func setFeatures(_ row: Int, _ state: State) {
    (features.pointer + row * featureSize).update(from: state.features, count: featureSize)
  }

  // MARK: Rows

  func append(_ state: State) {
    precondition(count < capacity, "there is room for \(capacity) rows")
    setFeatures(count, state)
    windows.append(state.window)
    model.network.withLock { box in
      if aside == nil {
        box.network.setState(state.values, row: count - 1)
      } else {
        aside?.append(state.values)
      }
    }
  }

  func replace(_ row: Int, by state: State) {
    setFeatures(row, state)
    windows[row] = state.window
    withStates { $0.setState(state.values, row: row) }
  }

  func remove(_ row: Int) {
    let last = count - 1
    if row < last {
      windows[row] = windows[last]
      (features.pointer + row * featureSize).update(
        from: features.pointer + last * featureSize, count: featureSize)
      withStates { $0.setState($0.state(row: last), row: row) }
    }
    windows.removeLast()
    aside?.removeLast()
  }

  func state(_ row: Int) -> State {
    State(
      values: withStates { $0.state(row: row) },
      features: Array(UnsafeBufferPointer(start: features.pointer + row * featureSize, count: featureSize)),
      window: windows[row])
  }

  func gather(_ rows: [Int]) {
    precondition(rows.count <= capacity, "there is room for \(capacity) rows")
    let kept = rows.map {
      Array(UnsafeBufferPointer(start: features.pointer + $0 * featureSize, count: featureSize))
    }
    for (row, values) in kept.enumerated() {
      (features.pointer + row * featureSize).update(from: values, count: featureSize)
    }
    windows = rows.map { windows[$0] }
    withStates { network in
      let states = rows.map { network.state(row: $0) }
      for (row, values) in states.enumerated() { network.setState(values, row: row) }
    }
  }

  func advance(by tokens: [TokenID]) {
    precondition(tokens.count == count, "every row goes on by one token")
    for (row, token) in tokens.enumerated() {
      windows[row].removeFirst()
      windows[row].append(token)
    }
    withStates { network in
      let f = network.advance(windows: windows.flatMap { $0 })
      for row in 0..<f.rows {
        (features.pointer + row * featureSize).update(from: f.row(row), count: featureSize)
      }
    }
  }

  /// Writes the features of some rows, one after the other, to `target`.
  func copyFeatures(_ rows: some Sequence<Int>, to target: UnsafeMutablePointer<Float>) {
    for (i, row) in rows.enumerated() {
      (target + i * featureSize).update(from: features.pointer + row * featureSize, count: featureSize)
    }
  }

  func logProbabilities(of tokens: [TokenID]) -> [Double] {
    model.network.withLock { box in
      box.network.output.losses(
        MatrixView(features.pointer, rows: count, columns: featureSize), targets: tokens
      ).map(-)
    }
  }

  func forEachDistribution(_ body: @Sendable (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    model.network.withLock { box in
      let network = box.network
      let size = model.vocabulary.count
      // Rows that are not a power of two apart meet in different sets of a cache.
      let stride = (size + 15) / 16 * 16 | 16
      logits.reserve(count * stride)
      let y = MatrixView(logits.pointer, rows: count, columns: size, stride: stride)
      network.output.logits(MatrixView(features.pointer, rows: count, columns: featureSize), into: y)
      network.engine.split(count) { rows in
        for row in rows { body(row, UnsafeMutableBufferPointer(start: y.row(row), count: size)) }
      }
    }
  }
}

extension NeuralModel: RowKeeping {
  public func makeRows(capacity: Int) -> any StateRows<State> { NetworkRows(self, capacity: capacity) }
}

extension RowFunctions {
  /// The functions of a row as these kernels have them.
  init(_ kernels: KernelTable) {
    let width = kernels.panelWidth
    self.init(
      maximum: { n, x in kernels.maximum(n, x, width) },
      exponentials: { n, a, b, x, y in
        if b == 1 { return kernels.shiftedExponentials(n, a, x, y, width) }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, n)) { scratch in
          guard let target = y ?? scratch.baseAddress else { return 0 }
          kernels.offset(n, -a, x, target)
          kernels.scale(n, b, target, target)
          return kernels.shiftedExponentials(n, 0, target, target, width)
        }
      },
      sumAbove: { n, a, x in kernels.sumAbove(n, a, x) })
  }
}
