import Kernels

/// One parameter of a model: a matrix, or a vector as a matrix of one row.
public final class Parameter {
  /// What it is called in checkpoints.
  public let name: String
  /// Its extents: one or two.
  public let shape: [Int]
  /// The number of elements; 0 if a machine word cannot hold it.
  public let count: Int
  /// The index of its first element in the arena.
  public let offset: Int
  /// Which of its rows have gradients, if that is kept track of; see `SparseRows`.
  public let sparseRows: SparseRows?
  /// The arena's arrays, once they are allocated: they live as long as any parameter.
  fileprivate var buffers: (values: AlignedBuffer, gradients: AlignedBuffer)?

  fileprivate init(name: String, shape: [Int], count: Int, offset: Int, sparseRows: SparseRows?) {
    (self.name, self.shape, self.count, self.offset) = (name, shape, count, offset)
    self.sparseRows = sparseRows
  }

  /// The values, once the arena is allocated.
  public var value: MatrixView { view(buffers?.values) }
  /// The gradients, once the arena is allocated.
  public var gradient: MatrixView { view(buffers?.gradients) }

  /// Makes its gradient zero, as if nothing had been added.
  public func clearGradient() {
    if let sparseRows {
      for row in sparseRows.marked { gradient.row(row).update(repeating: 0, count: sparseRows.columns) }
      sparseRows.clear()
    } else {
      gradient.pointer.update(repeating: 0, count: count)
    }
  }

  private func view(_ buffer: AlignedBuffer?) -> MatrixView {
    guard let buffer else { preconditionFailure("the arena of parameter \(name) is not allocated") }
    return MatrixView(
      buffer.pointer + offset, rows: shape.count == 1 ? 1 : shape[0], columns: shape[shape.count - 1])
  }
}

/// Some neighbouring rows of a parameter, which may be those of a layer that shares them.
public struct ParameterRows {
  /// The parameter.
  public let parameter: Parameter
  /// Which of its rows; all, if nobody says.
  public let range: Range<Int>

  public init(_ parameter: Parameter, _ range: Range<Int>? = nil) {
    self.parameter = parameter
    self.range = range ?? 0..<parameter.shape[0]
  }

  /// Some of them, counted from the first.
  public func rows(_ part: Range<Int>) -> ParameterRows {
    ParameterRows(parameter, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// Makes them what they are after all updates.
  public func bringUpToDate() { parameter.bringUpToDate(rows: range) }

  /// Says that all of them get gradients.
  public func markGradients() { parameter.markGradients(rows: Array(range)) }

  /// Their values, once the arena is allocated.
  public var value: MatrixView { parameter.value.rows(range) }
  /// Their gradients, once the arena is allocated.
  public var gradient: MatrixView { parameter.gradient.rows(range) }
}

/// All parameters of a model in one array of values and one of gradients, with an ordered table of names and shapes.
///
/// Each parameter begins at a multiple of 16 floats; the padding after it is zero in both arrays and stays so under
/// every optimizer, so that one loop over `count` floats updates, clips or counts them all.
///
/// Declaring parameters takes no memory: how many there are is known before `allocate`.
public final class ParameterArena {
  /// The parameters in the order of memory.
  public private(set) var parameters: [Parameter] = []
  /// The length of the arrays, padding included.
  public private(set) var count = 0
  /// Where the arrays hold parameters that are not sparse, their padding included.
  private var denseRanges: [Range<Int>] = []
  /// Whether there are more elements than a machine word can count.
  private var isBeyondCounting = false
  /// Changes whenever the values may have changed: who packs them packs again.
  public private(set) var version = 0
  private var buffers: (values: AlignedBuffer, gradients: AlignedBuffer)?

  /// An arena without parameters.
  public init() {}

  /// Declares a parameter of one or two dimensions, before `allocate`; names must differ.
  ///
  /// If it `isSparse`, whoever reads its rows or adds to their gradients says so before; see `SparseRows`.
  public func add(_ name: String, shape: [Int], isSparse: Bool = false) -> Parameter {
    precondition(buffers == nil, "parameters are declared before the arena is allocated")
    precondition((1...2).contains(shape.count), "a parameter has one or two dimensions")
    precondition(shape.allSatisfy { $0 > 0 }, "a parameter must not be empty")
    precondition(!parameters.contains { $0.name == name }, "two parameters are named \(name)")
    let size = shape.reduce((count: 1, overflow: false)) { size, extent in
      let product = size.count.multipliedReportingOverflow(by: extent)
      return (product.partialValue, size.overflow || product.overflow)
    }
    // Far from where sums of parameters and of their padding overflow.
    isBeyondCounting = isBeyondCounting || size.overflow || size.count > 1 << 48 || count > 1 << 48
    let parameter = Parameter(
      name: name, shape: shape, count: isBeyondCounting ? 0 : size.count, offset: count,
      sparseRows: isSparse ? SparseRows(columns: shape[shape.count - 1]) : nil)
    parameters.append(parameter)
    let first = count
    count += (parameter.count + 15) / 16 * 16
    if isSparse { return parameter }
    // What is not sparse is gone through in as few stretches as there can be.
    if let last = denseRanges.last, last.upperBound == first {
      denseRanges[denseRanges.count - 1] = last.lowerBound..<count
    } else {
      denseRanges.append(first..<count)
    }
    return parameter
  }

  /// Makes the arrays, all zero.
  public func allocate() {
    precondition(!isBeyondCounting, "an arena of more parameters than can be counted has no memory")
    buffers = (AlignedBuffer(count: count), AlignedBuffer(count: count))
    for parameter in parameters {
      parameter.buffers = buffers
      parameter.sparseRows?.allocate(parameter.count / parameter.value.columns)
    }
  }

  /// All values, `count` floats.
  public var values: UnsafeMutablePointer<Float> { allocated.values.pointer }
  /// All gradients, `count` floats.
  public var gradients: UnsafeMutablePointer<Float> { allocated.gradients.pointer }
  /// The number of elements declared so far, without padding; `nil` if they are more than a machine word can count.
  public var parameterCount: Int? { isBeyondCounting ? nil : parameters.reduce(0) { $0 + $1.count } }

  /// Says that values have changed.
  public func valuesChanged() { version += 1 }

  /// Sets all gradients to zero.
  public func clearGradients() {
    for piece in gradientPieces(ofAtMost: .max) {
      (gradients + piece.lowerBound).update(repeating: 0, count: piece.count)
    }
    for parameter in parameters { parameter.sparseRows?.clear() }
  }

  /// Where gradients can be other than zero, in pieces of at most `size` floats, whose bounds depend on nothing else: first all of the
  /// parameters that are not sparse, then the rows of the others that have gradients, in the order in which they got them.
  public func gradientPieces(ofAtMost size: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    func add(_ range: Range<Int>) {
      var first = range.lowerBound
      while first < range.upperBound {
        let count = min(size, range.upperBound - first)
        pieces.append(first..<first + count)
        first += count
      }
    }
    for range in denseRanges { add(range) }
    for parameter in parameters {
      guard let sparse = parameter.sparseRows else { continue }
      for row in sparse.marked {
        let first = parameter.offset + row * sparse.columns
        add(first..<first + sparse.columns)
      }
    }
    return pieces
  }

  private var allocated: (values: AlignedBuffer, gradients: AlignedBuffer) {
    guard let buffers else { preconditionFailure("the arena is not allocated") }
    return buffers
  }
}
