import Glibc
import Kernels
import LanguageModels
import Tensors

/// A softmax in two levels: p(w) = p(w) of the root for its tokens, and p(cluster) · p(w | cluster) for all others.
///
///     root: softmax(x W₀ + b₀) over the J clusters and the n₀ tokens of the root
///     cluster i: softmax(x Pᵢ Wᵢ + bᵢ) over its nᵢ tokens, with Pᵢ [F × F/dⁱ] and Wᵢ [F/dⁱ × nᵢ]; x Wᵢ + bᵢ if d is 1
///
/// A batch of N rows then takes N F (J + n₀) + Σ Nᵢ F nᵢ multiply-adds in place of N F V, where Nᵢ, the rows whose target is in
/// cluster i, are few. With the frequent tokens in the root it is the adaptive softmax (Grave et al. 2017, section 4), with all tokens in
/// classes the class-factored one (Goodman 2001; Mikolov et al. 2011). It is normalized and exact either way.
///
/// Rows of one embedding can be the weights of all, J rows for the clusters before those of the tokens.
final class ClusteredSoftmax: OutputLayer {
  private let layout: SoftmaxOptions.Layout
  private let root: SoftmaxOutput
  private let clusters: [SoftmaxOutput]
  /// P of each cluster; `nil` if its features are those of the layer.
  private let projections: [Parameter?]
  /// The weights of all parts as rows of one parameter, if they are that and no embedding's.
  private let ownRows: Parameter?
  private let engine: Engine
  private let vocabularySize: Int
  private let packedProjections: [PackedWeights]
  /// For distributions, which training does without.
  private let rootLogits = AlignedBuffer()
  private let clusterLogits = AlignedBuffer()
  private let chosen: AlignedBuffer
  private let projected: AlignedBuffer
  private let chosenGradients: AlignedBuffer
  private let projectedGradients: AlignedBuffer

  /// A layer with weights of its own, or with the rows `tied`: J for the clusters, and V for the tokens in their order.
  init(
    _ options: SoftmaxOptions, vocabularySize: Int, featureSize: Int, tied: ParameterRows?,
    _ declarations: Declarations
  ) {
    let layout = SoftmaxOptions.Layout(options, vocabularySize: vocabularySize)
    (self.layout, self.vocabularySize) = (layout, vocabularySize)
    engine = declarations.engine
    // Classes are many and small: their weights are one matrix.
    let isOneMatrix = tied != nil || options.kind == .classes
    let rootSize = layout.clusterCount + layout.rootCount
    ownRows =
      isOneMatrix && tied == nil
      ? declarations.parameter("weights", layout.clusterCount + vocabularySize, featureSize) : nil
    let rows = tied ?? ownRows.map { ParameterRows($0) }
    let biases =
      isOneMatrix ? declarations.parameter("bias", layout.clusterCount + vocabularySize) : nil
    let sizes = [rootSize] + (0..<layout.clusterCount).map { layout.range($0).count }
    let scratch = SoftmaxScratch(sizes: sizes, featureSize: featureSize, declarations)
    func part(_ name: String, features: Int, size: Int, firstRow: Int) -> SoftmaxOutput {
      let shared = rows.map { $0.rows(firstRow..<firstRow + size) }
      return SoftmaxOutput(
        vocabularySize: size, featureSize: features, tied: shared,
        bias: biases.map { ($0, firstRow) }, scratch: scratch, declarations.of(name))
    }
    root = part("root", features: featureSize, size: rootSize, firstRow: 0)
    var projections: [Parameter?] = []
    var clusters: [SoftmaxOutput] = []
    var features = featureSize
    for i in 0..<layout.clusterCount {
      let name = "cluster\(i + 1)"
      features = max(1, features / options.divisor)
      projections.append(
        options.divisor > 1
          ? declarations.of(name).parameter("projection", featureSize, features) : nil)
      clusters.append(
        part(
          name, features: features, size: layout.range(i).count,
          firstRow: layout.clusterCount + layout.range(i).lowerBound))
    }
    (self.projections, self.clusters) = (projections, clusters)
    packedProjections = clusters.map { _ in PackedWeights(declarations) }
    chosen = declarations.buffer("chosen_features", .positions(featureSize))
    chosenGradients = declarations.buffer("chosen_gradient", .positions(featureSize))
    let projectedSize = options.divisor > 1 ? max(1, featureSize / options.divisor) : 0
    projected = declarations.buffer("projected_features", .positions(projectedSize))
    projectedGradients = declarations.buffer("projected_gradient", .positions(projectedSize))
  }

  /// Projections uniform in ±1/√F; a cluster of n tokens begins with the bias ln n, so that all tokens are about as likely.
  func initialize(features: Int, using generator: inout SeededGenerator) {
    for projection in projections {
      projection?.value.rows(0..<features).fillUniform(
        1 / Float(features).squareRoot(), using: &generator)
    }
    if let ownRows { ownRows.value.columns(0..<features).fillUniform(0.1, using: &generator) }
    for (part, projection) in zip([root] + clusters, [nil] + projections) {
      part.initialize(features: projection.map { $0.shape[1] } ?? features, using: &generator)
    }
    for i in clusters.indices { root.biases[i] = Float(log(Double(layout.range(i).count))) }
  }

  // MARK: Rows by cluster

  /// What the root is to predict: the cluster of a target, or the target.
  private func rootTargets(_ targets: [TokenID]) -> [TokenID] {
    targets.map { target in
      if target == Batch.ignored { return target }
      let (cluster, index) = layout.place(of: target)
      return TokenID(cluster ?? layout.clusterCount + index)
    }
  }

  /// For each cluster the rows whose target it has, and the targets' places in it.
  private func members(_ targets: [TokenID]) -> [(rows: [Int], targets: [TokenID])] {
    var result = [(rows: [Int], targets: [TokenID])](repeating: ([], []), count: layout.clusterCount)
    for (row, target) in targets.enumerated() where target != Batch.ignored {
      let (cluster, index) = layout.place(of: target)
      guard let cluster else { continue }
      result[cluster].rows.append(row)
      result[cluster].targets.append(TokenID(index))
    }
    return result
  }

  /// The features of some rows for a cluster, and these rows of x.
  private func features(_ cluster: Int, _ rows: [Int], of x: MatrixView) -> (
    features: MatrixView, chosen: MatrixView
  ) {
    let own = chosen.matrix(rows.count, x.columns)
    engine.split(rows.count) { part in
      for i in part { own.row(i).update(from: x.row(rows[i]), count: x.columns) }
    }
    return (project(cluster, own), own)
  }

  /// x Pᵢ, or x.
  private func project(_ cluster: Int, _ x: MatrixView) -> MatrixView {
    guard let projection = projections[cluster] else { return x }
    let result = projected.matrix(x.rows, projection.shape[1])
    engine.products.multiply(x, projection.value, into: result)
    return result
  }

  // MARK: The contract

  func lossAndGradients(
    _ x: MatrixView, targets: [TokenID], scale: Float, gradient: MatrixView, key: UInt64?
  ) -> Double {
    var loss = root.lossAndGradients(
      x, targets: rootTargets(targets), scale: scale, gradient: gradient, key: key)
    for (i, members) in members(targets).enumerated() where !members.rows.isEmpty {
      let (features, own) = features(i, members.rows, of: x)
      let ownGradient = chosenGradients.matrix(own.rows, own.columns)
      if let projection = projections[i] {
        // f = x P:  dP += xᵀ df,  dx += df Pᵀ
        let g = projectedGradients.matrix(features.rows, features.columns)
        loss += clusters[i].lossAndGradients(
          features, targets: members.targets, scale: scale, gradient: g, key: key)
        engine.products.multiply(transposed: own, g, into: projection.gradient, accumulate: true)
        engine.products.multiply(g, transposed: projection.value, into: ownGradient)
      } else {
        loss += clusters[i].lossAndGradients(
          own, targets: members.targets, scale: scale, gradient: ownGradient, key: key)
      }
      engine.split(own.rows) { part in
        for row in part {
          engine.kernels.addScaled(x.columns, 1, ownGradient.row(row), gradient.row(members.rows[row]))
        }
      }
    }
    return loss
  }

  func losses(_ x: MatrixView, targets: [TokenID]) -> [Double] {
    var result = root.losses(x, targets: rootTargets(targets))
    for (i, members) in members(targets).enumerated() where !members.rows.isEmpty {
      let features = features(i, members.rows, of: x).features
      for (row, loss) in zip(members.rows, clusters[i].losses(features, targets: members.targets)) {
        result[row] += loss
      }
    }
    return result
  }

  func logDistributions(_ x: MatrixView, into output: inout [Float]) {
    output = [Float](repeating: 0, count: x.rows * vocabularySize)
    output.withUnsafeMutableBufferPointer { output in
      guard let pointer = output.baseAddress else { return }
      logits(x, into: MatrixView(pointer, rows: x.rows, columns: vocabularySize))
    }
  }

  /// ln p.
  func logits(_ x: MatrixView, into y: MatrixView) {
    let j = layout.clusterCount
    let r = rootLogits.matrix(x.rows, j + layout.rootCount)
    root.logits(x, into: r)
    engine.split(x.rows) { rows in
      for row in rows {
        engine.kernels.logSoftmax(r.columns, r.row(row), r.row(row))
        for position in 0..<layout.rootCount { y[row, layout.token(at: position)] = r[row, j + position] }
      }
    }
    for (i, cluster) in clusters.enumerated() {
      let range = layout.range(i)
      let own = layout.isInOrder ? y.columns(range) : clusterLogits.matrix(x.rows, range.count)
      cluster.logits(projectStep(i, x), into: own)
      engine.split(x.rows) { rows in
        for row in rows {
          engine.kernels.logSoftmax(range.count, own.row(row), own.row(row))
          engine.kernels.offset(range.count, r[row, i], own.row(row), own.row(row))
          guard !layout.isInOrder else { continue }
          for index in 0..<range.count {
            y[row, layout.token(at: range.lowerBound + index)] = own[row, index]
          }
        }
      }
    }
  }

  /// x Pᵢ, or x, for few rows.
  private func projectStep(_ cluster: Int, _ x: MatrixView) -> MatrixView {
    guard let projection = projections[cluster] else { return x }
    let result = projected.matrix(x.rows, projection.shape[1])
    packedProjections[cluster].multiply(x, projection.value, into: result, bias: nil, isKept: true)
    return result
  }
}
