import Kernels
import LanguageModels
import Tensors

/// A network that predicts each token of a sentence from all others (Melamud et al. 2016, context2vec; its two directions are those of
/// Peters et al. 2018, section 3.1):
///
///     a = forward(E[w_{t−1}], E[w_{t−2}], …),   b = backward(E[w_{t+1}], E[w_{t+2}], …)
///     f = a + b + tanh((a, b) W + c),   p(w_t | the others) = softmax(f)
///
/// The sum alone would be a product of what each side thinks; the hidden layer is for what they say together only. (On 8,000 verses of the Bible,
/// LSTM of 128 units, 3 epochs, the held-out pseudo-perplexity is 19.6; 25.6 with the hidden layer alone, 22.1 with (a, b) in its place.)
///
/// The directions are stacks of their own, which meet behind their last layers only. In a stack of layers that read in both directions, the
/// second would see w_t by way of the other direction of the first.
final class FillNetwork: Network {
  let embedding: Embedding
  let forward: Stack
  let backward: Stack
  let merge: FeedForwardLayer
  let output: any OutputLayer
  let declarations: Declarations
  private let inputs, inputGradients: AlignedBuffer
  /// F, what each direction gives.
  private let featureSize: Int
  /// (a, b) and its gradient, [T·B × 2F].
  private let joint, jointGradients: AlignedBuffer
  /// The gradient of one of the two, [T·B × F].
  private let directionGradients: AlignedBuffer
  /// f and its gradient, [T·B × F].
  private let merged, featureGradients: AlignedBuffer
  /// f of the gaps that are to be filled.
  private let gapFeatures: AlignedBuffer
  private let isTied: Bool

  /// A network of `configuration`, declared: it has no memory yet.
  init(_ configuration: FillConfiguration, vocabularySize: Int, engine: Engine) {
    let (c, d) = (configuration.encoder, Declarations(engine: engine))
    declarations = d
    isTied = c.tiesEmbeddings
    embedding = Embedding(
      vocabularySize: vocabularySize, size: c.embeddingSize, firstRow: c.sharedRowsOfClusters,
      dropoutRate: c.regularization.embeddingDropout,
      tied: c.tiesEmbeddings && c.softmax.kind != .sampled, d)
    forward = c.makeLayers(d.of("forward"))
    backward = c.makeLayers(d.of("backward"))
    let size = forward.outputSize
    featureSize = size
    merge = FeedForwardLayer(2 * size, size, d.of("merge"))
    output = c.makeOutput(
      vocabularySize: vocabularySize, featureSize: size, embedding: embedding.weights, d.of("output"))
    inputs = d.buffer("input", .positions(2 * c.embeddingSize))
    inputGradients = d.buffer("input_gradient", .positions(2 * c.embeddingSize))
    joint = d.buffer("joint", .positions(2 * size))
    jointGradients = d.buffer("joint_gradient", .positions(2 * size))
    directionGradients = d.buffer("direction_gradient", .positions(size))
    merged = d.buffer("feature", .positions(size))
    featureGradients = d.buffer("feature_gradient", .positions(size))
    gapFeatures = d.buffer("gap_features", .positions(size))
  }

  /// The columns of (a, b) of each direction.
  private var columns: (forward: Range<Int>, backward: Range<Int>) {
    (0..<featureSize, featureSize..<2 * featureSize)
  }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator) {
    embedding.initialize(tied: isTied, using: &generator)
    forward.initialize(using: &generator)
    backward.initialize(using: &generator)
    merge.initialize(using: &generator)
    output.initialize(features: featureSize, using: &generator)
    arena.valuesChanged()
  }

  /// f of all positions: [T·B × F].
  private func features(_ batch: FillBatch, _ pass: Pass) -> MatrixView {
    let x = inputs.matrix(2 * pass.positions, embedding.size)
    embedding.forward(batch.inputs, into: x, dropoutKey: pass.dropoutKey)
    let y = joint.matrix(pass.positions, 2 * featureSize)
    forward.resetState(rows: batch.rows)
    backward.resetState(rows: batch.rows)
    engine.move(forward.forward(x.rows(0..<pass.positions), pass), into: y.columns(columns.forward))
    engine.reverse(
      backward.forward(x.rows(pass.positions..<2 * pass.positions), pass.ofBackward),
      into: y.columns(columns.backward), pass)
    let f = merged.matrix(pass.positions, featureSize)
    engine.move(merge.forward(y, pass), into: f)
    engine.move(y.columns(columns.forward), into: f, adding: true)
    engine.move(y.columns(columns.backward), into: f, adding: true)
    return f
  }

  /// The sum of −ln p(target); adds the gradients of `scale` times what training minimizes to the arena's, with those of penalties on
  /// activations, times the weight of the batch. `dropoutKey` decides the masks and what a softmax samples; neither is done without it.
  func lossAndGradients(_ batch: FillBatch, scale: Float, weight: Double = 1, dropoutKey: UInt64?) -> Double {
    let pass = batch.pass(dropoutKey: dropoutKey, weight: weight)
    let f = features(batch, pass)
    let both = jointGradients.matrix(pass.positions, 2 * featureSize)
    let gradient = featureGradients.matrix(pass.positions, featureSize)
    let loss = output.lossAndGradients(
      f, targets: batch.targets, scale: scale, gradient: gradient, key: dropoutKey)
    // f = a + b + m(a, b):  da = df + the beginning of dm,  db = df + the rest of it
    engine.move(gradient, into: both.columns(columns.forward))
    engine.move(gradient, into: both.columns(columns.backward))
    merge.backward(gradient, into: both, adding: true, pass)
    let one = directionGradients.matrix(pass.positions, featureSize)
    let dx = inputGradients.matrix(2 * pass.positions, embedding.size)
    engine.move(both.columns(columns.forward), into: one)
    forward.clearStateGradients(rows: batch.rows)
    forward.backward(one, into: dx.rows(0..<pass.positions), adding: false, pass)
    engine.reverse(both.columns(columns.backward), into: one, pass)
    backward.clearStateGradients(rows: batch.rows)
    backward.backward(
      one, into: dx.rows(pass.positions..<2 * pass.positions), adding: false, pass.ofBackward)
    embedding.backward(batch.inputs, dx)
    return loss
  }

  /// −ln p(target) of each position of the batch, 0 where there is no target.
  func losses(_ batch: FillBatch) -> [Double] {
    output.losses(features(batch, batch.pass()), targets: batch.targets)
  }

  /// ln p of every token at each target of the batch, in the order of the positions: [targets × V]; `result` is overwritten.
  func logDistributions(_ batch: FillBatch, into result: inout [Float]) {
    let f = features(batch, batch.pass())
    let places = batch.targets.indices.filter { batch.targets[$0] != Batch.ignored }
    let x = gapFeatures.matrix(places.count, featureSize)
    for (row, place) in places.enumerated() { x.row(row).update(from: f.row(place), count: featureSize) }
    output.logDistributions(x, into: &result)
  }
}

extension Pass {
  /// The same for the backward direction, whose masks have nothing to do with those of the forward one.
  fileprivate var ofBackward: Pass {
    var pass = self
    pass.dropoutKey = dropoutKey.map { $0 ^ 0xA076_1D64_78BD_642F }
    return pass
  }
}
