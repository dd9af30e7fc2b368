import Glibc
import Kernels
import LanguageModels
import Tensors

/// What came after each of the last N contexts, each known by the features that the network made of it; see `NeuralCache`.
///
/// Before the first context is known, the model stands alone; as long as there are fewer than N, those there are count.
final class ContextCache {
  private let settings: NeuralCache
  /// θ, or several that are tried at once.
  private let flatnesses: [Double]
  private let engine: Engine
  private let featureSize: Int
  /// [N × F], the oldest overwritten first.
  private let contexts: AlignedBuffer
  private var tokens: [TokenID] = []
  private var oldest = 0
  private var similarities: [Double] = []

  /// A cache without contexts.
  ///
  /// - Parameter flatnesses: what is tried in place of the one that is set, if not empty.
  init(_ settings: NeuralCache, featureSize: Int, flatnesses: [Double] = [], engine: Engine) {
    (self.settings, self.featureSize, self.engine) = (settings, featureSize, engine)
    self.flatnesses = flatnesses.isEmpty ? [settings.flatness] : flatnesses
    contexts = AlignedBuffer(count: settings.size * featureSize)
  }

  /// Forgets all contexts.
  func clear() {
    tokens.removeAll()
    oldest = 0
  }

  /// p of `token` by the contexts alone for each θ, given the features that it is predicted from; nothing before the first context.
  ///
  /// Afterwards, they are one more context.
  func probabilities(of token: TokenID, features: UnsafePointer<Float>) -> [Double] {
    defer { add(token, features) }
    if tokens.isEmpty { return [] }
    similarities.removeAll(keepingCapacity: true)
    var largest = -Double.infinity
    for i in tokens.indices {
      let similarity = Double(
        engine.kernels.dot(featureSize, features, contexts.pointer + i * featureSize))
      similarities.append(similarity)
      largest = max(largest, similarity)
    }
    return flatnesses.map { probability(of: token, flatness: $0, largest: largest) }
  }

  /// What ln p of `token` becomes by mixing with what the contexts make of it.
  func mix(_ logProbability: Float, with cached: Double) -> Float {
    Float(log((1 - settings.weight) * exp(Double(logProbability)) + settings.weight * cached))
  }

  /// Σ_i softmax_i(θ h·h_i) [w_{i+1} = w]
  private func probability(of token: TokenID, flatness: Double, largest: Double) -> Double {
    var (all, own) = (0.0, 0.0)
    for (i, similarity) in similarities.enumerated() {
      let share = exp(flatness * (similarity - largest))
      all += share
      if tokens[i] == token { own += share }
    }
    return own / all
  }

  private func add(_ token: TokenID, _ features: UnsafePointer<Float>) {
    let place = tokens.count < settings.size ? tokens.count : oldest
    (contexts.pointer + place * featureSize).update(from: features, count: featureSize)
    if place == tokens.count {
      tokens.append(token)
    } else {
      tokens[place] = token
      oldest = (oldest + 1) % settings.size
    }
  }
}
