import Foundation
import LanguageModels
import TestSupport

@testable import NeuralModels

/// The output layers in textbook form.
extension Oracle {
  /// −ln p(target), from features x; `prefix` stands before the names of the layer's parameters.
  func negativeLogProbability(
    _ options: SoftmaxOptions, _ x: [Scalar], target: TokenID, prefix: String = "output."
  ) -> Scalar {
    switch options.kind {
    case .full, .sampled:
      let biases = self[prefix + "bias"].rows[0]
      return crossEntropy(biases.indices.map { logit(x, $0, prefix) }, target: Int(target))
    case .adaptive: return adaptive(options, x, target: Int(target), prefix)
    case .classes:
      let classes = (options.classes.max() ?? 0) + 1
      let own = options.classes[Int(target)]
      let members = options.classes.indices.filter { options.classes[$0] == own }
      // Behind the rows of the classes, those of the tokens stand class by class.
      let before = options.classes.filter { $0 < own }.count
      let root = crossEntropy((0..<classes).map { logit(x, $0, prefix) }, target: own)
      let within = members.indices.map { logit(x, classes + before + $0, prefix) }
      return root + crossEntropy(within, target: members.firstIndex(of: Int(target)) ?? 0)
    }
  }

  private func adaptive(_ options: SoftmaxOptions, _ x: [Scalar], target: Int, _ prefix: String) -> Scalar {
    let cutoffs = options.cutoffs + [.max]
    let (clusters, first) = (options.cutoffs.count, options.cutoffs[0])
    let cluster = options.cutoffs.lastIndex { $0 <= target }
    let size = clusters + first
    let root = part("root", x, firstRow: 0, size: size, prefix)
    guard let cluster else { return crossEntropy(root, target: clusters + target) }
    let start = cutoffs[cluster]
    let end = min(cutoffs[cluster + 1], vocabularySize(prefix, clusters))
    let name = "cluster\(cluster + 1)"
    let projected =
      has(prefix + name + ".projection")
      ? self[prefix + name + ".projection"].columns.map { tape.dot(x, $0) } : x
    let within = part(name, projected, firstRow: clusters + start, size: end - start, prefix)
    return crossEntropy(root, target: cluster) + crossEntropy(within, target: target - start)
  }

  /// The logits of a part, whose weights are its own or rows of all.
  private func part(_ name: String, _ x: [Scalar], firstRow: Int, size: Int, _ prefix: String) -> [Scalar] {
    guard has(prefix + name + ".weights") else {
      return (firstRow..<firstRow + size).map { logit(x, $0, prefix) }
    }
    let (weights, biases) = (self[prefix + name + ".weights"], self[prefix + name + ".bias"].rows[0])
    return (0..<biases.count).map { tape.dot(x, weights.columns[$0]) + biases[$0] }
  }

  private func vocabularySize(_ prefix: String, _ clusters: Int) -> Int {
    if has(prefix + "bias") { return self[prefix + "bias"].rows[0].count - clusters }
    let parts = (1...clusters).map { "cluster\($0)" } + ["root"]
    return parts.reduce(0) { $0 + self[prefix + $1 + ".bias"].rows[0].count } - clusters
  }

  /// Logit number `index`: by a column of W [F × V], or a row of W [V × F] or of the embedding.
  func logit(_ x: [Scalar], _ index: Int, _ prefix: String) -> Scalar {
    let bias = self[prefix + "bias"].rows[0]
    let weights = has(prefix + "weights") ? self[prefix + "weights"] : self["embedding"]
    let isByColumn = weights.columns.count == bias.count && weights.rows.count == x.count
    return tape.dot(x, isByColumn ? weights.columns[index] : weights.rows[index]) + bias[index]
  }

  func crossEntropy(_ logits: [Scalar], target: Int) -> Scalar {
    tape.sum(logits.map(\.exponential)).logarithm - logits[target]
  }
}
