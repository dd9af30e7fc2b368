import Kernels
import LanguageModels
import Tensors

/// A network that labels texts: what reads them, and a score for each label.
///
///     v = (layers' v, n-grams' v),   z = v W + b
///
/// A text is read by layers, by n-grams, or by both side by side (wide and deep; Cheng et al. 2016).
final class ClassifierNetwork: Network {
  /// The first is the encoder, with the names of a language model's parameters.
  let readers: [any TextReader]
  let head: LabelHead
  private let outputDropout: Dropout
  let declarations: Declarations
  private let vectors, vectorGradients: AlignedBuffer

  /// A network of `configuration`, declared: it has no memory yet.
  init(_ configuration: ClassifierConfiguration, vocabularySize: Int, labelCount: Int, engine: Engine) {
    let (c, d) = (configuration, Declarations(engine: engine))
    declarations = d
    if c.isBag {
      readers = [NGramReader(c, vocabularySize: vocabularySize, d)]
    } else {
      readers =
        [LayersReader(c, vocabularySize: vocabularySize, d)]
        + (c.wordOrder > 1 ? [NGramReader(c, vocabularySize: vocabularySize, d.of(Self.ngrams))] : [])
    }
    let size = readers.reduce(0) { $0 + $1.size }
    outputDropout = Dropout(
      size, rate: c.encoder.regularization.outputDropout, isLocked: false, number: 50, d.of("pooled"))
    head = LabelHead(
      featureSize: size, labelCount: labelCount, isMultiple: c.rules.isMultiple, d.of("labels"))
    vectors = d.buffer("vectors", .rows(readers.count > 1 ? size : 0))
    vectorGradients = d.buffer("pooled_gradient", .rows(size))
  }

  /// What the names of the parameters of n-grams beside layers begin with.
  static let ngrams = "ngrams"

  /// That of what reads with layers.
  var pooling: PoolingLayer? { (readers[0] as? LayersReader)?.pooling }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator) {
    for reader in readers { reader.initialize(using: &generator) }
    head.initialize(using: &generator)
    arena.valuesChanged()
  }

  /// v of each row: [B × F].
  private func vectors(_ batch: TextBatch, dropoutKey: UInt64? = nil) -> MatrixView {
    let parts = readers.enumerated().map { number, reader in
      reader.forward(batch, dropoutKey: Self.key(of: number, dropoutKey))
    }
    var v = parts[0]
    if parts.count > 1 {
      v = vectors.matrix(batch.rows, head.featureSize)
      for (part, columns) in zip(parts, columns) { v.columns(columns).copy(from: part) }
    }
    return outputDropout.forward(v, batch.passOfVectors(dropoutKey: dropoutKey))
  }

  /// What decides the masks of a reader: what the first drops of a text, another does not.
  private static func key(of reader: Int, _ dropoutKey: UInt64?) -> UInt64? {
    dropoutKey.map { $0 ^ UInt64(reader) &* 0x9E37_79B9_7F4A_7C15 }
  }

  /// Where the vectors of each reader are in v.
  private var columns: [Range<Int>] {
    var first = 0
    return readers.map { reader in
      defer { first += reader.size }
      return first..<first + reader.size
    }
  }

  /// The sum of the losses of the batch; adds the gradients of `scale` times that to the arena's. `dropoutKey` decides the masks;
  /// without it, nothing is dropped. What a language model has too gets no gradients unless `encoderLearns`.
  func lossAndGradients(
    _ batch: TextBatch, scale: Float, dropoutKey: UInt64?, encoderLearns: Bool = true
  ) -> Double {
    let v = vectors(batch, dropoutKey: dropoutKey)
    let gradient = vectorGradients.matrix(batch.rows, v.columns)
    let loss = head.lossAndGradients(v, targets: batch.labels, scale: scale, gradient: gradient)
    outputDropout.backward(
      gradient, into: gradient, adding: false, batch.passOfVectors(dropoutKey: dropoutKey))
    for (number, (reader, columns)) in zip(readers, columns).enumerated() {
      reader.backward(
        gradient.columns(columns), batch, dropoutKey: Self.key(of: number, dropoutKey),
        all: encoderLearns || number > 0)
    }
    return loss
  }

  /// The loss of each row, whose labels count as in training if it `isWeighted`, and p of each label.
  func evaluate(_ batch: TextBatch, isWeighted: Bool = false) -> (losses: [Double], probabilities: [[Float]])
  {
    let v = vectors(batch)
    let losses = batch.labels.isEmpty ? [] : head.losses(v, targets: batch.labels, isWeighted: isWeighted)
    return (losses, head.probabilities(v))
  }
}
