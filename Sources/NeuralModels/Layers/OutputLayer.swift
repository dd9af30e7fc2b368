import LanguageModels
import Tensors

/// What turns features [rows × F] into probabilities of the V tokens, and their loss L = −Σ ln p(target).
///
/// Training may see another loss than −ln p (smoothed, or sampled); what is measured is always exact and normalized.
protocol OutputLayer: AnyObject {
  /// Gives every parameter its first value; those of all but the first `features` features are zero.
  func initialize(features: Int, using generator: inout SeededGenerator)

  /// The sum of −ln p(target) over all rows with a target; adds the gradients of `scale` times what training minimizes.
  ///
  /// - Parameters:
  ///   - x: [rows × F].
  ///   - targets: for each row the token, or `Batch.ignored`.
  ///   - gradient: overwritten with scale · ∂L/∂x, [rows × F].
  ///   - key: decides what is drawn at random; nothing is without it, and training sees the exact loss.
  func lossAndGradients(
    _ x: MatrixView, targets: [TokenID], scale: Float, gradient: MatrixView, key: UInt64?
  ) -> Double

  /// −ln p(target) of each row, 0 for rows without a target, for which nothing is computed; as exactly as the features allow.
  func losses(_ x: MatrixView, targets: [TokenID]) -> [Double]

  /// ln p of every token for each row: [rows × V]; `output` is overwritten.
  func logDistributions(_ x: MatrixView, into output: inout [Float])

  /// Numbers whose softmax is p, for each row: y [rows × V] is overwritten. It is for few rows at a time, step after step.
  func logits(_ x: MatrixView, into y: MatrixView)

  /// Takes how often the text that training sees has each token.
  func learn(counts: [Int])

  /// What the features are multiplied by for the logit of each token, [V × F]; `nil` where the logits of tokens are not alike, as in
  /// clusters.
  func tokenWeights() -> [Float]?
}

extension OutputLayer {
  func learn(counts: [Int]) {}
  func tokenWeights() -> [Float]? { nil }

  /// ln p(target) of each row, 0 for rows without a target.
  func logProbabilities(_ x: MatrixView, targets: [TokenID]) -> [Float] {
    losses(x, targets: targets).map { Float(-$0) }
  }
}
