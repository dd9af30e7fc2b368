/// The rows of a parameter of which an update moves only some: the embeddings of the words that a batch has, or a part of a softmax's
/// weights that it needs.
///
/// Whoever reads rows first brings them up to date, and whoever adds to the gradients of rows first marks them:
///
///     parameter.bringUpToDate(rows: rows)
///     … parameter.value.row(row) …
///     parameter.markGradients(rows: rows)
///     … parameter.gradient.row(row) …
///
/// So all gradients but those of marked rows are zero, and clearing, summing, clipping and applying them leave the other rows alone. An
/// optimizer moves rows without gradients, if it does, only when they are needed. A vector is a matrix of one row.
public final class SparseRows {
  /// The length of a row.
  public let columns: Int
  /// How many rows there are, once the arena is allocated.
  public private(set) var count = 0
  /// The rows that got gradients since these were cleared, in the order in which they got them.
  public private(set) var marked: [Int] = []
  private var isMarked: [Bool] = []
  /// Who brings rows up to date, if anyone moves them without gradients.
  public weak var updater: (any RowUpdater)?
  /// What the updater remembers of each row: how many of the steps that it keeps the row has taken.
  public var stepsTaken: [Int] = []

  init(columns: Int) { self.columns = columns }

  func allocate(_ rows: Int) {
    count = rows
    isMarked = [Bool](repeating: false, count: rows)
    stepsTaken = [Int](repeating: 0, count: rows)
  }

  func clear() {
    for row in marked { isMarked[row] = false }
    marked.removeAll(keepingCapacity: true)
  }

  func mark(_ row: Int) {
    if isMarked[row] { return }
    isMarked[row] = true
    marked.append(row)
  }
}

/// What moves the rows of sparse parameters.
public protocol RowUpdater: AnyObject {
  /// Brings some rows of a parameter up to date with all updates; rows may be named twice.
  func bringUpToDate(_ parameter: Parameter, rows: [Int])
}

extension Parameter {
  /// Makes rows what they are after all updates; does nothing if the parameter is not sparse.
  public func bringUpToDate(rows: [Int]) { sparseRows?.updater?.bringUpToDate(self, rows: rows) }

  /// Makes a range of rows what they are after all updates; does nothing if the parameter is not sparse.
  public func bringUpToDate(rows: Range<Int>) {
    if sparseRows?.updater != nil { bringUpToDate(rows: Array(rows)) }
  }

  /// Says that rows, which are up to date, get gradients; does nothing if the parameter is not sparse.
  public func markGradients(rows: [Int]) {
    guard let sparseRows else { return }
    for row in rows { sparseRows.mark(row) }
  }

  /// Says that a range of rows, which are up to date, gets gradients; does nothing if the parameter is not sparse.
  public func markGradients(rows: Range<Int>) {
    guard let sparseRows else { return }
    for row in rows { sparseRows.mark(row) }
  }
}
