import LanguageModels

/// The kinds of neural models by their names on the command line.
public enum NeuralKind: String, CaseIterable, Sendable {
  case nnlm
  case rnn
  case gru
  case lstm

  /// The cell of a recurrent kind.
  public var cell: CellKind? { CellKind(rawValue: rawValue) }
}

/// The shape of a network: what its parameters depend on.
public struct NeuralConfiguration: Sendable, Equatable {
  /// Which network.
  public var kind: NeuralKind
  /// Recurrent layers.
  public var layers = 1
  /// H, units of a layer.
  public var hiddenSize = 256
  /// E, numbers of an embedding.
  public var embeddingSize = 256
  /// n of the NNLM, which sees the last n − 1 tokens.
  public var order = 5
  /// Whether the softmax uses the embeddings as its weights (Press and Wolf 2017).
  public var tiesEmbeddings = false
  /// Whether the NNLM has direct connections from the embeddings to the softmax.
  public var hasDirectConnections = false
  /// What is done against learning the text by heart; no parameter depends on it.
  public var regularization = Regularization()
  /// Whether the context runs on across sentences.
  public var context = ContextMode.stream

  /// The network of `kind` with its defaults.
  public init(kind: NeuralKind) {
    self.kind = kind
    if kind == .nnlm { (hiddenSize, embeddingSize) = (100, 60) }
  }

  /// The same dropout at all places between layers.
  public var dropout: Float {
    get { regularization.outputDropout }
    set {
      (regularization.inputDropout, regularization.hiddenDropout) = (newValue, newValue)
      regularization.outputDropout = newValue
    }
  }

  /// Parameters of the network over a vocabulary of V tokens; `nil` if they cannot be counted in a machine word.
  public func parameterCount(vocabularySize v: Int) -> Int? {
    var total = 0
    var overflows = false
    func add(_ factors: Int...) {
      var product = 1
      for factor in factors {
        let result = product.multipliedReportingOverflow(by: factor)
        (product, overflows) = (result.partialValue, overflows || result.overflow)
      }
      let sum = total.addingReportingOverflow(product)
      (total, overflows) = (sum.partialValue, overflows || sum.overflow)
    }
    let (h, e) = (hiddenSize, embeddingSize)
    add(v, e)
    add(v)
    if let cell = kind.cell?.cell {
      for layer in 0..<layers {
        add(layer == 0 ? e : h, cell.inputBlocks.count, h)
        add(h, cell.recurrentBlocks.count, h)
        add(cell.blocks, h)
      }
      if !tiesEmbeddings { add(v, h) }
    } else {
      add(order - 1, e, h)
      add(h)
      if !tiesEmbeddings { add(v, h) }
      if hasDirectConnections { add(v, order - 1, e) }
    }
    return overflows ? nil : total
  }

  /// The weights that one token is multiplied by: all but biases, and embeddings that are only looked up.
  func multipliedParameterCount(vocabularySize v: Int) -> Int {
    let (h, e) = (hiddenSize, embeddingSize)
    guard let cell = kind.cell?.cell else {
      let inputs = (order - 1) * e
      return inputs * h + v * (h + (hasDirectConnections ? inputs : 0))
    }
    return v * h
      + (0..<layers).reduce(0) { sum, layer in
        sum + h * ((layer == 0 ? e : h) * cell.inputBlocks.count + h * cell.recurrentBlocks.count)
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
      ] + regularization.json + [
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
    guard !tiesEmbeddings || (embeddingSize == hiddenSize && !hasDirectConnections) else {
      throw CheckpointError(
        "damaged: tied embeddings need an 'embedding_size' as large as 'hidden_size' and no direct connections"
      )
    }
    regularization = try Regularization(json: json)
    guard let context = json["context"]?.stringValue.flatMap(ContextMode.init) else {
      throw CheckpointError("damaged: 'configuration' has no 'context'")
    }
    self.context = context
  }

  /// The network, with all parameters zero.
  func makeNetwork(vocabularySize: Int, engine: Engine) -> any NeuralNetwork {
    if let cell = kind.cell {
      return RecurrentNetwork(self, cell: cell, vocabularySize: vocabularySize, engine: engine)
    }
    return FeedForwardNetwork(self, vocabularySize: vocabularySize, engine: engine)
  }
}
