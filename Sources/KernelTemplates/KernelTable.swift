/// The kernels of one instruction set. Counts come first, then numbers, sources and targets.
public struct KernelTable: Sendable {
  /// Writes n floats that are a function of n floats; target and source may be the same.
  public typealias Map = @Sendable (_ n: Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  /// Writes n floats that are a function of n floats and a number; target and source may be the same.
  public typealias ScalarMap =
    @Sendable (_ n: Int, _ a: Float, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  /// Writes n floats that are a function of two times n floats; the target may be one of the sources.
  public typealias Map2 =
    @Sendable (_ n: Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  /// An optimizer's step over n values: values, gradients and up to two more arrays of its state.
  public typealias Update0 =
    @Sendable (_ n: Int, OptimizerStep, UnsafeMutablePointer<Float>, UnsafePointer<Float>) -> Void
  public typealias Update1 =
    @Sendable (
      _ n: Int, OptimizerStep, UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>
    ) -> Void
  public typealias Update2 =
    @Sendable (
      _ n: Int, OptimizerStep, UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>
    ) -> Void

  /// The word that `LMCTL_KERNELS` knows it by.
  public let name: String
  /// The floats of a vector.
  public let lanes: Int
  /// The rows of a register tile.
  public let tileRows: Int
  /// The columns of a packed panel.
  public let panelWidth: Int

  /// C = initial + A · B for one packed panel B.
  public let multiplyPanel: @Sendable (PanelProduct) -> Void
  /// Packs one panel of B or one row tile of A.
  public let pack: @Sendable (PackedPart) -> Void
  /// (first panel, distance of the panels): packs four whole panels of a row-major B.
  public let packFourPanels: @Sendable (PackedPart, Int) -> Void

  /// y = tanh x
  public let tanh: Map
  /// y = a · x
  public let scale: ScalarMap
  /// y = a + x
  public let offset: ScalarMap
  /// y += a · x
  public let addScaled: ScalarMap
  /// y = x ∘ z
  public let multiply: Map2
  /// y += x ∘ z
  public let addProduct: Map2

  /// Σ x ∘ z
  public let dot: @Sendable (_ n: Int, UnsafePointer<Float>, UnsafePointer<Float>) -> Double
  /// max x over a row in panels, −∞ for n = 0; NaNs are passed over.
  public let maximum: @Sendable (_ n: Int, UnsafePointer<Float>, _ panelStride: Int) -> Float
  /// Σ eˣ⁻ᵃ over a row in panels, and y = eˣ⁻ᵃ unless y is nil.
  public let shiftedExponentials:
    @Sendable (_ n: Int, _ a: Float, UnsafePointer<Float>, UnsafeMutablePointer<Float>?, _ panelStride: Int)
      -> Double
  /// Σ of those of n floats that are above a.
  public let sumAbove: @Sendable (_ n: Int, _ a: Float, UnsafePointer<Float>) -> Double
  /// x = a · x for a row in panels.
  public let scalePanels:
    @Sendable (_ n: Int, _ a: Float, UnsafeMutablePointer<Float>, _ panelStride: Int) -> Void

  /// (rows, n, C, stride, s): adds the sum of the rows of C[rows × n] to s.
  public let addColumnSums:
    @Sendable (_ rows: Int, _ n: Int, UnsafePointer<Float>, _ stride: Int, UnsafeMutablePointer<Float>) ->
      Void

  public let lstmForward: @Sendable (CellShape, LSTMForward) -> Void
  public let lstmBackward: @Sendable (CellShape, LSTMBackward) -> Void
  public let gruForward: @Sendable (CellShape, GRUForward) -> Void
  public let gruBackward: @Sendable (CellShape, GRUBackward) -> Void
  /// (shape, stage, …)
  public let layerNormLSTMForward: @Sendable (CellShape, Int, LayerNormLSTM) -> Void
  public let layerNormLSTMBackward: @Sendable (CellShape, Int, LayerNormLSTM) -> Void
  public let sruForward: @Sendable (CellShape, SRUForward) -> Void
  public let sruBackward: @Sendable (CellShape, SRUBackward) -> Void
  public let qrnnForward: @Sendable (CellShape, QRNNForward) -> Void
  public let qrnnBackward: @Sendable (CellShape, QRNNBackward) -> Void
  public let minGRUForward: @Sendable (CellShape, MinGRUStep) -> Void
  public let minGRUBackward: @Sendable (CellShape, MinGRUStep) -> Void
  public let minLSTMForward: @Sendable (CellShape, MinLSTMStep) -> Void
  public let minLSTMBackward: @Sendable (CellShape, MinLSTMStep) -> Void
  public let gruPrepare: @Sendable (CellShape, GRUPreparation) -> Void
  public let gruPrepareBackward: @Sendable (CellShape, GRUPreparationBackward) -> Void
  public let elmanForward: @Sendable (CellShape, ElmanForward) -> Void
  /// (shape, F, y, ∂h, ∂a): ∂a = ∂h ∘ F′(a) for y = F(a)
  public let elmanBackward:
    @Sendable (
      CellShape, ActivationFunction, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>
    ) -> Void

  /// (n, a, b, y): y = 2 σ(a) ∘ b; a becomes σ(a)
  public let mogrify:
    @Sendable (Int, UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  /// (n, s, b, ∂y): from s = σ(a) to ∂a, and from ∂y to ∂b
  public let mogrifyBackward:
    @Sendable (Int, UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  /// The floats of one row of a highway connection, and their gradients.
  public let highwayForward: @Sendable (_ n: Int, HighwayForward) -> Void
  public let highwayBackward: @Sendable (_ n: Int, HighwayBackward) -> Void

  /// Stochastic gradient descent.
  public let sgd: Update0
  /// SGD with momentum; the state is the velocity.
  public let momentum: Update1
  /// Adam and AdamW; the states are the means of gradients and of their squares.
  public let adam: Update2
  /// Steps of Adam or AdamW without gradients.
  public let adamWithoutGradients:
    @Sendable (
      _ n: Int, _ count: Int, UnsafePointer<OptimizerStep>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
    ) -> Void
  /// Adagrad; the state is the sum of squares.
  public let adagrad: Update1
  /// RMSProp; the state is the mean of squares.
  public let rmsProp: Update1
  /// A step of dynamic evaluation; the states are the gradients' root mean squares and the values before the text.
  public let followText: Update2

  /// Writes n factors of a dropout mask: 0 or 1 / (1 − rate).
  public let dropout: @Sendable (_ n: Int, DropoutMask, UnsafeMutablePointer<Float>) -> Void

  /// Runs (iterations, seed) of `peakOperations` operations each in registers.
  public let multiplyAddChains: @Sendable (Int, Float) -> Float
  public let peakOperations: Int
}

extension KernelTable {
  /// The templates, specialized for one vector type; called once in each kernel target.
  @inlinable @inline(__always)
  public init<V: FloatVector>(_ name: String, _: V.Type) {
    self.name = name
    lanes = V.lanes
    tileRows = V.tileRows
    panelWidth = 2 * V.lanes
    multiplyPanel = { KernelTemplates.multiplyPanel(V.self, $0) }
    pack = { KernelTemplates.pack(V.self, $0) }
    packFourPanels = { KernelTemplates.packFourPanels(V.self, $0, $1) }
    tanh = { hyperbolicTangent(V.self, $0, $1, $2) }
    scale = { KernelTemplates.scale(V.self, $0, $1, $2, $3) }
    offset = { KernelTemplates.offset(V.self, $0, $1, $2, $3) }
    addScaled = { KernelTemplates.addScaled(V.self, $0, $1, $2, $3) }
    multiply = { KernelTemplates.multiply(V.self, $0, $1, $2, $3) }
    addProduct = { KernelTemplates.addProduct(V.self, $0, $1, $2, $3) }
    dot = { KernelTemplates.dot(V.self, $0, $1, $2) }
    maximum = { KernelTemplates.maximum(V.self, $0, $1, $2) }
    shiftedExponentials = { KernelTemplates.shiftedExponentials(V.self, $0, $1, $2, $3, $4) }
    sumAbove = { KernelTemplates.sumAbove(V.self, $0, $1, $2) }
    scalePanels = { KernelTemplates.scalePanels(V.self, $0, $1, $2, $3) }
    addColumnSums = { KernelTemplates.addColumnSums(V.self, $0, $1, $2, $3, $4) }
    lstmForward = { KernelTemplates.lstmForward(V.self, $0, $1) }
    lstmBackward = { KernelTemplates.lstmBackward(V.self, $0, $1) }
    gruForward = { KernelTemplates.gruForward(V.self, $0, $1) }
    gruBackward = { KernelTemplates.gruBackward(V.self, $0, $1) }
    layerNormLSTMForward = { KernelTemplates.layerNormLSTMForward(V.self, $0, $1, $2) }
    layerNormLSTMBackward = { KernelTemplates.layerNormLSTMBackward(V.self, $0, $1, $2) }
    sruForward = { KernelTemplates.sruForward(V.self, $0, $1) }
    sruBackward = { KernelTemplates.sruBackward(V.self, $0, $1) }
    qrnnForward = { KernelTemplates.qrnnForward(V.self, $0, $1) }
    qrnnBackward = { KernelTemplates.qrnnBackward(V.self, $0, $1) }
    minGRUForward = { KernelTemplates.minGRUForward(V.self, $0, $1) }
    minGRUBackward = { KernelTemplates.minGRUBackward(V.self, $0, $1) }
    minLSTMForward = { KernelTemplates.minLSTMForward(V.self, $0, $1) }
    minLSTMBackward = { KernelTemplates.minLSTMBackward(V.self, $0, $1) }
    gruPrepare = { KernelTemplates.gruPrepare(V.self, $0, $1) }
    gruPrepareBackward = { KernelTemplates.gruPrepareBackward(V.self, $0, $1) }
    elmanForward = { KernelTemplates.elmanForward(V.self, $0, $1) }
    elmanBackward = { KernelTemplates.elmanBackward(V.self, $0, $1, $2, $3, $4) }
    mogrify = { KernelTemplates.mogrify(V.self, $0, $1, $2, $3) }
    mogrifyBackward = { KernelTemplates.mogrifyBackward(V.self, $0, $1, $2, $3) }
    highwayForward = { KernelTemplates.highwayForward(V.self, $0, $1) }
    highwayBackward = { KernelTemplates.highwayBackward(V.self, $0, $1) }
    sgd = { descend(V.self, $0, $1, $2, $3) }
    momentum = { descendWithMomentum(V.self, $0, $1, $2, $3, $4) }
    adam = { KernelTemplates.adam(V.self, $0, $1, $2, $3, $4, $5) }
    adamWithoutGradients = { KernelTemplates.adamWithoutGradients(V.self, $0, $1, $2, $3, $4, $5) }
    adagrad = { KernelTemplates.adagrad(V.self, $0, $1, $2, $3, $4) }
    rmsProp = { KernelTemplates.rmsProp(V.self, $0, $1, $2, $3, $4) }
    followText = { KernelTemplates.followText(V.self, $0, $1, $2, $3, $4, $5) }
    dropout = { KernelTemplates.dropout(V.self, $0, $1, $2) }
    multiplyAddChains = { KernelTemplates.multiplyAddChains(V.self, $0, $1) }
    peakOperations = multiplyAddChainOperations(V.self)
  }
}
