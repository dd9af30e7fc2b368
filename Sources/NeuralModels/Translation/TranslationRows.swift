import Glibc
import Kernels
import LanguageModels
import Tensors

/// Translations on their way, side by side: what a search over a translator asks of it. Nobody else may use the network in the meantime.
final class TranslationRows: StateRows {
  /// A translation on its way.
  struct State: Sendable {
    /// What the layers remember.
    var values: [Float]
    /// f, which the output layer turns into the distribution of the next token.
    var features: [Float]
    /// How much each step of the source was attended to, together.
    var coverage: [Float]
    /// Which of the sources it translates.
    var source: Int
  }

  private let network: TranslationNetwork
  /// β of the coverage penalty.
  private let coverageWeight: Double
  private let lengths: [Int]
  private var sources: [Int]
  private var coverage: [[Float]] = []
  /// [B × F] and [B × V].
  private let features = AlignedBuffer()
  private let logits = AlignedBuffer()
  private let vocabularySize: Int
  let functions: RowFunctions

  /// The beginnings of the translations of sources, one row for each, and room for `width` as many.
  init(
    _ network: TranslationNetwork, _ source: TokenRows, vocabularySize: Int, width: Int,
    coverageWeight: Double
  ) {
    (self.network, self.vocabularySize, self.coverageWeight) = (network, vocabularySize, coverageWeight)
    (sources, lengths) = (Array(0..<source.rows), source.lengths)
    functions = RowFunctions(network.engine.kernels)
    features.reserve(source.rows * width * network.decoder.featureSize)
    network.read(source, network.encoder.pass(source, dropoutKey: nil))
    if coverageWeight > 0 { coverage = lengths.map { [Float](repeating: 0, count: $0) } }
    step([TokenID](repeating: Vocabulary.endOfSentence, count: source.rows), isFirst: true)
  }

  var count: Int { sources.count }
  let giveLogits = true

  private var f: MatrixView {
    MatrixView(features.pointer, rows: count, columns: network.decoder.featureSize)
  }

  private func step(_ tokens: [TokenID], isFirst: Bool) {
    f.copy(
      from: network.decoder.advance(by: tokens, previous: isFirst ? nil : f, sources: sources))
    guard !coverage.isEmpty, let attention = network.decoder.attention else { return }
    let a = attention.shares(positions: count)
    for row in 0..<count {
      for i in coverage[row].indices { coverage[row][i] += a[row, i] }
    }
  }

  // MARK: Rows

  func append(_ state: State) {
    sources.append(state.source)
    if !coverage.isEmpty { coverage.append(state.coverage) }
    set(count - 1, state)
  }

  func replace(_ row: Int, by state: State) {
    sources[row] = state.source
    if !coverage.isEmpty { coverage[row] = state.coverage }
    set(row, state)
  }

  private func set(_ row: Int, _ state: State) {
    f.row(row).update(from: state.features, count: f.columns)
    network.decoder.layers.setState(state.values[...], row: row)
  }

  func remove(_ row: Int) { gather((0..<count).filter { $0 != row }) }

  func state(_ row: Int) -> State {
    State(
      values: network.decoder.layers.state(row: row),
      features: Array(UnsafeBufferPointer(start: f.row(row), count: f.columns)),
      coverage: coverage.isEmpty ? [] : coverage[row], source: sources[row])
  }

  func gather(_ rows: [Int]) {
    if rows.elementsEqual(0..<count) { return }
    network.decoder.layers.gatherState(rows)
    let kept = rows.map { Array(UnsafeBufferPointer(start: f.row($0), count: f.columns)) }
    sources = rows.map { sources[$0] }
    if !coverage.isEmpty { coverage = rows.map { coverage[$0] } }
    for (row, values) in kept.enumerated() { f.row(row).update(from: values, count: f.columns) }
  }

  func advance(by tokens: [TokenID]) {
    precondition(tokens.count == count, "every row goes on by one token")
    step(tokens, isFirst: false)
  }

  func forEachDistribution(_ body: @Sendable (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    // Rows that are not a power of two apart meet in different sets of a cache.
    let stride = (vocabularySize + 15) / 16 * 16 | 16
    logits.reserve(count * stride)
    let y = MatrixView(logits.pointer, rows: count, columns: vocabularySize, stride: stride)
    network.output.logits(f, into: y)
    network.engine.split(count) { rows in
      for row in rows { body(row, UnsafeMutableBufferPointer(start: y.row(row), count: vocabularySize)) }
    }
  }

  /// β Σ_i ln min(Σ_t a_ti, 1) (Wu et al. 2016, equation 14).
  func endScore(_ row: Int) -> Double {
    coverage.isEmpty
      ? 0 : coverageWeight * coverage[row].reduce(0) { $0 + log(min(Double($1), 1)) }
  }
}
