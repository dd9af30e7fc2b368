import LanguageModels

/// The shape of a network: what its parameters depend on.
public struct NeuralConfiguration: Sendable, Equatable {
  /// Which network.
  public var kind: NeuralKind
  /// Recurrent layers.
  public var layers = 1
  /// H, units of a layer.
  public var hiddenSize: Int
  /// E, numbers of an embedding.
  public var embeddingSize: Int
  /// n of the NNLM, which sees the previous n − 1 tokens.
  public var order = 5
  /// Whether the softmax uses the embeddings as its weights (Press and Wolf 2017).
  public var tiesEmbeddings = false
  /// What is around every recurrent layer that it fits.
  public var connection = Connection.plain
  /// Whether the NNLM has direct connections from the embeddings to the softmax.
  public var hasDirectConnections = false
  /// What its recurrent cells have and lack beside their usual form.
  public var cell = CellOptions()
  /// What is done against learning the text by heart; no parameter depends on it.
  public var regularization = Regularization()
  /// Whether the context runs on across sentences.
  public var context = ContextMode.stream

  /// The network of `kind` with its defaults.
  public init(kind: NeuralKind) {
    self.kind = kind
    let defaults = Defaults(kind: kind)
    hiddenSize = defaults.hiddenSize
    embeddingSize = defaults.embeddingSize(hiddenSize: hiddenSize, tied: false)
  }

  /// The probability of dropout at all places between layers, where it is one.
  public var dropout: Float {
    get { regularization.outputDropout }
    set {
      (regularization.inputDropout, regularization.hiddenDropout) = (newValue, newValue)
      regularization.outputDropout = newValue
    }
  }

  /// The configuration as a checkpoint holds it.
  public var json: JSONValue {
    var members: [JSONValue.Member] = []
    if kind == .nnlm {
      members.append(.init("order", .integer(order)))
      members.append(.init("direct_connections", .bool(hasDirectConnections)))
    } else {
      members.append(.init("layers", .integer(layers)))
    }
    return .object(
      members + [
        .init("hidden_size", .integer(hiddenSize)),
        .init("embedding_size", .integer(embeddingSize)),
        .init("tied_embeddings", .bool(tiesEmbeddings)),
      ] + (connection == .plain ? [] : [.init(connection.rawValue, .bool(true))])
        + cell.json + regularization.json + [
          .init("context", .string(context.rawValue))
        ])
  }

  /// The configuration in a checkpoint of a model of `kind`.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(kind: NeuralKind, json: JSONValue) throws {
    self.init(kind: kind)
    func size(_ name: String) throws -> Int {
      guard let value = json[name]?.integerValue, value > 0, value < 1 << 40 else {
        throw CheckpointError("damaged: 'configuration' has no '\(name)' above zero")
      }
      return value
    }
    hiddenSize = try size("hidden_size")
    embeddingSize = try size("embedding_size")
    if kind == .nnlm {
      order = try size("order")
      hasDirectConnections = json["direct_connections"]?.boolValue ?? false
      guard order >= 2, order <= 1000 else {
        throw CheckpointError("damaged: 'configuration' has an order of \(order)")
      }
    } else {
      layers = try size("layers")
      guard layers <= 1000 else { throw CheckpointError("damaged: 'configuration' has \(layers) layers") }
    }
    tiesEmbeddings = json["tied_embeddings"]?.boolValue ?? false
    guard !tiesEmbeddings || (embeddingSize == outputSize && !hasDirectConnections) else {
      throw CheckpointError(
        "damaged: tied embeddings need an 'embedding_size' as large as 'hidden_size' and no direct connections"
      )
    }
    connection = Connection.allCases.first { json[$0.rawValue]?.boolValue == true } ?? .plain
    guard hasConnections else {
      throw CheckpointError("damaged: no layer of its sizes can be '\(connection.rawValue)'")
    }
    cell = try CellOptions(json: json)
    regularization = try Regularization(json: json)
    guard let context = json["context"]?.stringValue.flatMap(ContextMode.init) else {
      throw CheckpointError("damaged: 'configuration' has no 'context'")
    }
    self.context = context
  }

  /// What a recurrent layer gives.
  public var outputSize: Int { cell.projection ?? hiddenSize }

  /// Whether layers are connected in some way.
  public subscript(connectsBy connection: Connection) -> Bool {
    get { self.connection == connection }
    set { if newValue { self.connection = connection } }
  }

  /// Whether the connection fits a layer, as it should if it is asked for: layers after the first always do.
  public var hasConnections: Bool {
    layers > 1 || connection.fits(inputSize: embeddingSize, outputSize: outputSize)
  }

  // MARK: The network

  /// How many tokens before a target the network is given for it.
  var window: Int { kind.isRecurrent ? 1 : order - 1 }

  /// What training a network needs: its parameters, and the bytes of its activations for sequences of T steps of B rows, or for
  /// measuring held-out text if that is more.
  ///
  /// - Returns: `nil` for the parameters if they cannot be counted in a machine word.
  public func needs(vocabularySize: Int, _ options: TrainingOptions, hasHeldOut: Bool, engine: Engine) -> (
    parameters: Int?, activationBytes: Double
  ) {
    let network = NextTokenNetwork(self, vocabularySize: vocabularySize, engine: engine)
    let training = network.workspace.byteCount(steps: options.sequenceLength, rows: options.batchSize)
    let scoring = network.workspace.byteCount(steps: SegmentScorer.steps, rows: SegmentScorer.rows)
    return (network.arena.parameterCount, hasHeldOut ? max(training, scoring) : training)
  }

  /// The network, with all parameters zero.
  func makeNetwork(vocabularySize: Int, engine: Engine) -> NextTokenNetwork {
    let network = NextTokenNetwork(self, vocabularySize: vocabularySize, engine: engine)
    network.arena.allocate()
    return network
  }

  /// What stands between the embeddings and the output layer.
  func makeLayers(_ declarations: Declarations) -> Stack {
    guard let makeCell = kind.traits.makeCell else { return makeHiddenLayer(declarations) }
    let r = regularization
    var stack: [any SequenceLayer] = []
    var width = embeddingSize
    for l in 0...layers {
      let d = declarations.of("layer\(l)")
      if l > 0 {
        let layer = RecurrentLayer(
          cell: makeCell(width, hiddenSize, cell), inputSize: width, hiddenSize: hiddenSize, number: l - 1,
          weightDropoutRate: r.weightDropout, d)
        let connects = connection.fits(inputSize: width, outputSize: outputSize)
        stack.append(connects ? connection.around(layer, d) : layer)
        width = layer.outputSize
      }
      // Dropout on every x (Zaremba et al. 2014).
      let dropout = Dropout(
        width, rate: l == 0 ? r.inputDropout : l == layers ? r.outputDropout : r.hiddenDropout,
        isLocked: r.isLocked, number: l, d)
      stack.append(
        l == layers && (r.activationPenalty > 0 || r.temporalPenalty > 0)
          ? ActivationPenalty(
            activation: r.activationPenalty, temporal: r.temporalPenalty, around: dropout,
            engine: declarations.engine) : dropout)
    }
    return Stack(stack, declarations)
  }

  /// Bengio's hidden layer, with dropout on what it gives, and its input beside it if there are direct connections.
  private func makeHiddenLayer(_ declarations: Declarations) -> Stack {
    let d = declarations.of("hidden")
    let hidden = Stack(
      [
        FeedForwardLayer(window * embeddingSize, hiddenSize, d),
        Dropout(hiddenSize, rate: dropout, number: 0, d),
      ], d)
    return hasDirectConnections ? Stack([DirectConnection(around: hidden, d)], declarations) : hidden
  }
}
