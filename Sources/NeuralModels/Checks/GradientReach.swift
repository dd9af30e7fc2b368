import LanguageModels

/// How far back the loss of a token reaches: ‖∂loss_t/∂h_{t−k}‖ by the distance k, over many places t of a text, and what it depends on.
///
/// The state after step t − k is h and, in some cells, c. ∂loss_t/∂h_{t−k} and ∂loss_t/∂c_{t−k} are the derivatives by each of them while the
/// other is held fixed, on all ways to the loss, through the layers above too. At k = 0 no later step reads c, so that its gradient is 0.
public struct GradientReach: Sendable {
  /// The norms at one distance, over all places.
  public struct Spread: Sendable {
    /// Σ / places.
    public let mean: Double
    public let lowerQuartile: Double
    public let median: Double
    public let upperQuartile: Double

    init(_ values: [Double]) {
      let sorted = values.sorted()
      /// Between the two values that are nearest to it.
      func quantile(_ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let low = Int(place)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
      }
      mean = values.reduce(0, +) / Double(values.count)
      (lowerQuartile, median, upperQuartile) = (quantile(0.25), quantile(0.5), quantile(0.75))
    }
  }

  /// How often a gate is nearly shut, below 0.1, or nearly open, above 0.9 (Karpathy et al. 2015, section 4.3).
  public struct Saturation: Sendable {
    public let gate: String
    public let shut: Double
    public let open: Double
  }

  /// The recurrent weights of one gate.
  public struct RecurrentMatrix: Sendable {
    public let gate: String
    /// The largest absolute value of an eigenvalue; `nil` if the matrix is not square.
    public let spectralRadius: Double?
    /// The largest singular value.
    public let norm: Double
  }

  /// One recurrent layer.
  public struct Layer: Sendable {
    /// Its name in checkpoints.
    public let name: String
    /// For k = 0, 1, …
    public let hidden: [Spread]
    /// The same for the cell state, if there is one.
    public let cell: [Spread]?
    public let gates: [Saturation]
    public let matrices: [RecurrentMatrix]
    /// β_W β_h, by which the gradient of a simple network shrinks at least, or grows at most, in a step: β_W is the norm of U, β_h the largest
    /// derivative of the activation (Pascanu et al. 2013, section 2.1). One more if the state is added to the next one. For the last layer
    /// only, as gradients reach the others through those above too.
    public let boundFactor: Double?
  }

  /// K, the largest distance.
  public let steps: Int
  /// Over how many places.
  public let places: Int
  /// The mean −ln p of the tokens at these places.
  public let loss: Double
  /// The recurrent layers, from the input to the output.
  public let layers: [Layer]
}

/// A text in which no token has as many tokens before it as gradients are to flow back.
public struct ShortTextError: Error {
  /// The most tokens before a token, in the text or in its sentence.
  public let longest: Int
}

extension NeuralModel {
  /// Measures how far back the loss of tokens of `text` reaches.
  ///
  /// The work is done on a copy of the network without regularization: the model does not change. The places lie evenly over the text; each has
  /// at least K tokens before it, in its own sentence if the context restarts there.
  ///
  /// - Parameters:
  ///   - steps: K.
  ///   - places: how many places at most.
  /// - Throws: `ShortTextError` if no place has as many tokens before it.
  public func gradientReach(in text: [TokenID], steps: Int, places: Int, engine: Engine) throws
    -> GradientReach
  {
    precondition(configuration.kind.isRecurrent, "only recurrent networks have states")
    let (copy, plain) = copyWithoutRegularization(engine: engine)
    return try GradientReachMeter(copy, plain, text: text, steps: steps).measure(mostPlaces: places)
  }
}
