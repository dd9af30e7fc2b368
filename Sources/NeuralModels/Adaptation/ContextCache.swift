import Glibc
import Kernels
import LanguageModels
import Tensors

/// What came after each of the last N contexts, each known by the features that the network made of it; see `NeuralCache`.
///
/// Before the first context is known, the model stands alone; as long as there are fewer than N, those there are count.
final class ContextCache {
  private let settings: NeuralCache
  private let engine: Engine
  private let featureSize: Int
  /// [N × F], the oldest overwritten first.
  private let contexts: AlignedBuffer
  private var tokens: [TokenID] = []
  private var oldest = 0
  private var weights: [Double] = []

  init(_ settings: NeuralCache, featureSize: Int, engine: Engine) {
    (self.settings, self.featureSize, self.engine) = (settings, featureSize, engine)
    contexts = AlignedBuffer(count: settings.size * featureSize)
  }

  /// Forgets all contexts.
  func clear() {
    tokens.removeAll()
    oldest = 0
  }

  /// What ln p of `token` becomes by mixing, given the features that it was predicted from; afterwards, they are one more context.
  func mix(_ logProbability: Float, of token: TokenID, features: UnsafePointer<Float>) -> Float {
    var result = logProbability
    if !tokens.isEmpty {
      let p = (1 - settings.weight) * exp(Double(logProbability))
      result = Float(log(p + settings.weight * probability(of: token, features)))
    }
    add(token, features)
    return result
  }

  /// Σ_i softmax_i(θ h·h_i) [w_{i+1} = w]
  private func probability(of token: TokenID, _ features: UnsafePointer<Float>) -> Double {
    weights.removeAll(keepingCapacity: true)
    var largest = -Double.infinity
    for i in tokens.indices {
      let similarity = engine.kernels.dot(featureSize, features, contexts.pointer + i * featureSize)
      weights.append(settings.flatness * similarity)
      largest = max(largest, weights[i])
    }
    var (all, own) = (0.0, 0.0)
    for (i, weight) in weights.enumerated() {
      let share = exp(weight - largest)
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
