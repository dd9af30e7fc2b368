import Kernels
import LanguageModels
import Tensors

/// A vector of E numbers for each of V tokens: rows of a network's weights, which say what it makes of them.
///
/// How near two tokens are is the cosine of the angle between their vectors:
///
///     cos(u, v) = u·v / (|u| |v|),   0 where one of them has no length
public struct TokenVectors: Sendable {
  /// Which weights.
  public enum Place: String, CaseIterable, Sendable {
    /// The embeddings: what the network is given for a token. Near ones mean the same for what comes next.
    case input
    /// What the features are multiplied by for a token's logit. Near ones come after the same. Of a language model, they are
    /// the better measure of likeness (Press and Wolf 2017, section 4).
    case output
  }

  /// V.
  public let count: Int
  /// E.
  public let size: Int
  /// [V × E].
  private let values: [Float]
  private let lengths: [Double]
  private let kernels: KernelTable

  init(_ values: [Float], size: Int, kernels: KernelTable) {
    (self.values, self.size, self.kernels) = (values, size, kernels)
    count = values.count / size
    lengths = values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return [] }
      return stride(from: 0, to: values.count, by: size).map {
        kernels.dot(size, base + $0, base + $0).squareRoot()
      }
    }
  }

  /// The vector of a token.
  public subscript(token: TokenID) -> ArraySlice<Float> {
    values[Int(token) * size..<(Int(token) + 1) * size]
  }

  /// v / |v| of a token's vector; zeros if it has no length.
  public func direction(of token: TokenID) -> [Double] {
    let length = lengths[Int(token)]
    return self[token].map { length > 0 ? Double($0) / length : 0 }
  }

  /// The direction from token b to what stands to c as a does to b: a/|a| − b/|b| + c/|c| (Mikolov et al. 2013, "Linguistic regularities in
  /// continuous space word representations", equation 1).
  public func analogy(_ a: TokenID, _ b: TokenID, _ c: TokenID) -> [Double] {
    let (a, b, c) = (direction(of: a), direction(of: b), direction(of: c))
    return a.indices.map { a[$0] - b[$0] + c[$0] }
  }

  /// The k tokens whose vectors have the largest cosines with `direction`, in falling order, of equal ones the lower first.
  public func nearest(
    _ k: Int, to direction: [Double], excluding excluded: Set<TokenID>
  ) -> [(token: TokenID, cosine: Double)] {
    precondition(direction.count == size, "a direction has as many numbers as a vector")
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let query = direction.map { Float(length > 0 ? $0 / length : 0) }
    let cosines = values.withUnsafeBufferPointer { values -> [Double] in
      guard let base = values.baseAddress else { return [] }
      return lengths.enumerated().map { token, length in
        length > 0 ? kernels.dot(size, base + token * size, query) / length : 0
      }
    }
    let tokens = (0..<TokenID(count)).filter { !excluded.contains($0) }
    let sorted = tokens.sorted { (cosines[Int($0)], $1) > (cosines[Int($1)], $0) }
    return sorted.prefix(k).map { ($0, cosines[Int($0)]) }
  }
}

extension NeuralModel {
  /// The vectors of all tokens; `nil` for the weights of an output layer in clusters, where those of different clusters cannot be compared.
  public func tokenVectors(_ place: TokenVectors.Place) -> TokenVectors? {
    network.withLock { box in
      let network = box.network
      let kernels = network.engine.kernels
      switch place {
      case .input:
        let rows = network.embedding.vectors
        let values = (0..<rows.rows).flatMap { UnsafeBufferPointer(start: rows.row($0), count: rows.columns) }
        return TokenVectors(values, size: rows.columns, kernels: kernels)
      case .output:
        return network.output.tokenWeights().map {
          TokenVectors($0, size: network.layers.outputSize, kernels: kernels)
        }
      }
    }
  }
}
