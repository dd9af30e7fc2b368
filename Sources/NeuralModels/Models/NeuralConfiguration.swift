import LanguageModels
import Tensors

/// The shape of a network: what its parameters depend on.
public struct NeuralConfiguration: Sendable, Equatable {
  /// Which network.
  public var kind: NeuralKind
  /// Recurrent layers.
  public var layers = 1
  /// H of each layer from the bottom to the top, or one for all of them.
  public var hiddenSizes: [Int]
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
  /// How many of the latest inputs the first layer of a QRNN sees at each step.
  public var inputWindow = 2
  /// What its recurrent cells have and lack beside their usual form.
  public var cell = CellOptions()
  /// How the output layer makes a distribution.
  public var softmax = SoftmaxOptions()
  /// What is done against learning the text by heart; no parameter depends on it.
  public var regularization = Regularization()
  /// Whether the context runs on across sentences.
  public var context = ContextMode.stream

  /// The network of `kind` with its defaults.
  public init(kind: NeuralKind) {
    self.kind = kind
    let defaults = Defaults(kind: kind)
    hiddenSizes = [defaults.hiddenSize]
    embeddingSize = defaults.embeddingSize(hiddenSize: defaults.hiddenSize, tied: false)
  }

  /// H of the last layer, which the output layer is given; it is set for all layers.
  public var hiddenSize: Int {
    get { hiddenSizes.last ?? 0 }
    set { hiddenSizes = [newValue] }
  }

  /// H of layer l, counted from 1.
  func hiddenSize(ofLayer l: Int) -> Int { hiddenSizes[min(l, hiddenSizes.count) - 1] }

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
        .init("hidden_size", JSONValue(sizes: hiddenSizes)),
        .init("embedding_size", .integer(embeddingSize)),
        .init("tied_embeddings", .bool(tiesEmbeddings)),
      ] + (kind == .qrnn ? [.init("qrnn_window", .integer(inputWindow))] : [])
        + (connection == .plain ? [] : [.init(connection.rawValue, .bool(true))])
        + cell.json + softmax.json + regularization.json + [
          .init("context", .string(context.rawValue))
        ])
  }

  /// The configuration in a checkpoint of a model of `kind`.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(kind: NeuralKind, json: JSONValue) throws {
    self.init(kind: kind)
    func sizes(_ name: String) throws -> [Int] {
      let values = (json[name]?.elements ?? [json[name] ?? .null]).map { $0.integerValue ?? 0 }
      guard !values.isEmpty, values.allSatisfy({ $0 > 0 && $0 < 1 << 40 }) else {
        throw CheckpointError("damaged: 'configuration' has no '\(name)' above zero")
      }
      return values
    }
    func size(_ name: String) throws -> Int {
      let values = try sizes(name)
      guard values.count == 1 else {
        throw CheckpointError("damaged: 'configuration' has more than one '\(name)'")
      }
      return values[0]
    }
    hiddenSizes = try sizes("hidden_size")
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
    guard hiddenSizes.count == 1 || hiddenSizes.count == layers else {
      throw CheckpointError("damaged: 'configuration' has not one 'hidden_size' for each layer")
    }
    // What layers give depends on their cells.
    cell = try CellOptions(json: json)
    if let conflict = cell.conflict(in: kind, hiddenSize: hiddenSizes.min() ?? 0) {
      throw CheckpointError("damaged: 'configuration' has \(conflict)")
    }
    tiesEmbeddings = json["tied_embeddings"]?.boolValue ?? false
    guard !tiesEmbeddings || (embeddingSize == outputSize && !hasDirectConnections) else {
      throw CheckpointError(
        "damaged: tied embeddings need an 'embedding_size' as large as 'hidden_size' and no direct connections"
      )
    }
    let connections = Connection.allCases.filter { json[$0.rawValue]?.boolValue == true }
    guard connections.count <= 1 else {
      throw CheckpointError(
        "damaged: 'configuration' is both '\(connections[0].rawValue)' and '\(connections[1].rawValue)'")
    }
    connection = connections.first ?? .plain
    // Of a translator, whose encoder alone reads in both directions, the decoder may have them.
    let isBidirectional = json["bidirectional"]?.boolValue ?? false
    guard hasConnections(isBidirectional: isBidirectional) || hasConnections(isBidirectional: false) else {
      throw CheckpointError("damaged: no layer of its sizes can be '\(connection.rawValue)'")
    }
    if kind == .qrnn {
      inputWindow = try size("qrnn_window")
      guard inputWindow <= 1000 else {
        throw CheckpointError("damaged: 'configuration' has a 'qrnn_window' of \(inputWindow)")
      }
    }
    softmax = try SoftmaxOptions(json: json)
    guard !tiesEmbeddings || softmax.canBeTied else {
      throw CheckpointError("damaged: embeddings cannot be tied to a softmax like its own")
    }
    regularization = try Regularization(json: json)
    guard let context = json["context"]?.stringValue.flatMap(ContextMode.init) else {
      throw CheckpointError("damaged: 'configuration' has no 'context'")
    }
    self.context = context
  }

  /// What the last recurrent layer gives.
  public var outputSize: Int { cell.projection ?? hiddenSize }

  /// What recurrent layer l, counted from 1, gives.
  public func outputSize(ofLayer l: Int) -> Int { cell.projection ?? hiddenSize(ofLayer: l) }

  /// Whether layers are connected in some way.
  public subscript(connectsBy connection: Connection) -> Bool {
    get { self.connection == connection }
    set { if newValue { self.connection = connection } }
  }

  /// Whether the connection fits a layer, as it should if it is asked for; layers that read in both directions give twice as much.
  public func hasConnections(isBidirectional: Bool) -> Bool {
    if connection == .dense { return layers > 1 }
    let widths = [embeddingSize] + (1...layers).map { outputSize(ofLayer: $0) * (isBidirectional ? 2 : 1) }
    return zip(widths, widths.dropFirst()).contains { connection.fits(inputSize: $0, outputSize: $1) }
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

  /// The rows of an embedding that an output layer in clusters shares and that no token has: one for each cluster.
  var sharedRowsOfClusters: Int {
    guard tiesEmbeddings else { return 0 }
    return switch softmax.kind {
    case .full, .sampled: 0
    case .adaptive: softmax.cutoffs.count
    case .classes: (softmax.classes.max() ?? 0) + 1
    }
  }

  /// What stands behind the layers; `embedding` is shared if the embeddings are tied.
  func makeOutput(
    vocabularySize: Int, featureSize: Int, embedding: Parameter, _ declarations: Declarations
  ) -> any OutputLayer {
    let tied = tiesEmbeddings ? ParameterRows(embedding) : nil
    return switch softmax.kind {
    case .full:
      SoftmaxOutput(
        vocabularySize: vocabularySize, featureSize: featureSize, tied: tied,
        labelSmoothing: regularization.labelSmoothing, declarations)
    case .sampled:
      SampledSoftmax(
        sampleCount: softmax.sampleCount, vocabularySize: vocabularySize, featureSize: featureSize,
        tied: tied,
        declarations)
    case .adaptive, .classes:
      ClusteredSoftmax(
        softmax, vocabularySize: vocabularySize, featureSize: featureSize, tied: tied, declarations)
    }
  }

  /// What stands between the embeddings and the output layer; each recurrent layer reads in both directions if it `isBidirectional`.
  func makeLayers(_ declarations: Declarations, isBidirectional: Bool = false) -> Stack {
    guard let makeCell = kind.traits.makeCell else { return makeHiddenLayer(declarations) }
    // Dropout on every x (Zaremba et al. 2014).
    var stack = [makeDropout(0, embeddingSize, declarations.of("layer0"))]
    for l in 1...layers {
      let d = declarations.of("layer\(l)")
      let width = stack[stack.count - 1].outputSize
      let layer =
        isBidirectional
        ? Bidirectional(d) { makeRecurrentLayer(l, width, makeCell, $0) }
        : makeRecurrentLayer(l, width, makeCell, d)
      let dropout = makeDropout(l, layer.outputSize, d)
      if connection == .dense {
        // What comes from below has had its dropout there; the last layer gives its output alone.
        stack += l < layers ? [connection.around(Stack([layer, dropout], d), d)] : [layer, dropout]
      } else {
        let connects = connection.fits(inputSize: width, outputSize: layer.outputSize)
        stack += [connects ? connection.around(layer, d) : layer, dropout]
      }
    }
    return Stack(stack, declarations)
  }

  /// The dropout behind layer l, or behind the embeddings if l = 0, with the penalties on what the last layer gives.
  private func makeDropout(_ l: Int, _ width: Int, _ d: Declarations) -> any SequenceLayer {
    let r = regularization
    let dropout = Dropout(
      width, rate: l == 0 ? r.inputDropout : l == layers ? r.outputDropout : r.hiddenDropout,
      isLocked: r.isLocked, number: l, d)
    guard l == layers, r.activationPenalty > 0 || r.temporalPenalty > 0 else { return dropout }
    return ActivationPenalty(
      activation: r.activationPenalty, temporal: r.temporalPenalty, around: dropout, engine: d.engine)
  }

  /// Recurrent layer l, counted from 1, which is given `width` numbers; that of a QRNN sees some inputs at once if it is the first.
  private func makeRecurrentLayer(
    _ l: Int, _ width: Int, _ makeCell: NeuralKind.MakeCell, _ d: Declarations
  ) -> any SequenceLayer {
    let window = kind == .qrnn && l == 1 ? inputWindow : 1
    let (seen, size) = (window * width, hiddenSize(ofLayer: l))
    let layer = RecurrentLayer(
      cell: makeCell(seen, size, cell), inputSize: seen, hiddenSize: size, number: l - 1,
      weightDropoutRate: regularization.weightDropout, d)
    return window > 1 ? Stack([Window(width, width: window, d), layer], d) : layer
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

extension JSONValue {
  /// Sizes of layers: a number if they are all the same.
  public init(sizes: [Int]) {
    self = Set(sizes).count == 1 ? .integer(sizes[0]) : .array(sizes.map { .integer($0) })
  }
}
