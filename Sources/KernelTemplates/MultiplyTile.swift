import CPUDetection

/// One packed panel's share of a matrix product: C[rows × columns] = initial + A[rows × depth] · B[depth × columns].
@frozen public struct PanelProduct {
  /// The rows of A and C.
  public var rows: Int
  /// The columns of A and rows of the panel.
  public var depth: Int
  /// The columns of C, at most the panel's width.
  public var columns: Int
  /// A: element (r, k) is at `a[r * aRowStride + k / aRun * (aRun + aJump) + k % aRun]`; or, when `aRowStride` is 0, row tiles packed
  /// for `aDepth` steps, of which this product takes those from `aFirst`.
  public var a: UnsafePointer<Float>
  public var aRowStride: Int
  public var aRun = Int.max
  public var aJump = 0
  public var aDepth = 0
  public var aFirst = 0
  /// The panel: element (k, n) is at `b[k * panelWidth + n]`.
  public var b: UnsafePointer<Float>
  /// What the sums begin with: element (r, n) is at `initial[r * initialStride + n]`; nil for zeros.
  public var initial: UnsafePointer<Float>?
  public var initialStride: Int
  /// C: overwritten.
  public var c: UnsafeMutablePointer<Float>
  public var cStride: Int

  @inlinable @inline(__always)
  public init(
    rows: Int, depth: Int, columns: Int, a: UnsafePointer<Float>, aRowStride: Int, b: UnsafePointer<Float>,
    initial: UnsafePointer<Float>?, initialStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    (self.rows, self.depth, self.columns) = (rows, depth, columns)
    (self.a, self.aRowStride, self.b) = (a, aRowStride, b)
    (self.initial, self.initialStride, self.c, self.cStride) = (initial, initialStride, c, cStride)
  }
}

/// How the rows of a product are cut into register tiles: as few as possible, their heights differing by one at most.
@frozen public struct RowTiles {
  @usableFromInline let height: Int
  @usableFromInline let tall: Int
  /// How many tiles there are.
  public let count: Int

  @inlinable @inline(__always) public init(rows: Int, tileRows: Int) {
    count = (rows &+ tileRows &- 1) / tileRows
    height = count == 0 ? 0 : rows / count
    tall = count == 0 ? 0 : rows % count
  }

  /// The first row of a tile.
  @inlinable @inline(__always) public func start(_ tile: Int) -> Int {
    tile &* height &+ (tile < tall ? tile : tall)
  }

  /// The number of rows of a tile.
  @inlinable @inline(__always) public func rows(_ tile: Int) -> Int { tile < tall ? height &+ 1 : height }
}

/// One register tile: all columns of a panel, as many rows as `Tile` has, from row `row` of the product.
///
/// Every element is one chain of multiply-adds in the order of k that begins with its initial value, so its bits do
/// not depend on how the product is cut into tiles, blocks, pieces or threads.
@inlinable @inline(__always)
func multiplyTile<Tile: Accumulators>(
  _: Tile.Type, _ product: PanelProduct, row: Int, _ a: UnsafePointer<Float>, rowStride: Int, stepStride: Int
) {
  let width = 2 &* Tile.Vector.lanes
  var tile = Tile()
  if let initial = product.initial {
    let first = initial + row &* product.initialStride
    if product.columns == width {
      tile = Tile(loading: first, stride: product.initialStride)
    } else {
      tile = Tile(loading: first, stride: product.initialStride, columns: product.columns)
    }
  }
  prefetchRows(product, after: row &+ Tile.rows, Tile.Vector.self)
  var a = a
  var b = product.b
  var remaining = product.depth
  while true {
    var run = min(product.aRun, remaining)
    remaining &-= run
    while run > 0 {
      tile.add(a, stride: rowStride, Tile.Vector.load(b), Tile.Vector.load(b + Tile.Vector.lanes))
      a += stepStride
      b += width
      run &-= 1
    }
    if remaining == 0 { break }
    a += product.aJump
  }
  let target = product.c + row &* product.cStride
  if product.columns == width {
    tile.store(target, stride: product.cStride)
  } else {
    tile.store(target, stride: product.cStride, columns: product.columns)
  }
}

/// Asks for the rows of C that the next tile writes, while this one has its sums in registers: those below it, or, behind
/// the last tile, the first ones of the next panel.
@inlinable @inline(__always)
func prefetchRows<V: FloatVector>(_ product: PanelProduct, after row: Int, _: V.Type) {
  let isLast = row >= product.rows
  var next = isLast ? product.c + 2 &* V.lanes : product.c + row &* product.cStride
  for _ in 0..<V.tileRows {
    cpu_prefetch_for_writing(next)
    cpu_prefetch_for_writing(next + V.lanes)
    next += product.cStride
  }
}

/// All row tiles of a panel's product.
@inlinable @inline(__always)
func multiplyPanel<V: FloatVector>(_: V.Type, _ product: PanelProduct) {
  if product.columns > V.lanes {
    multiplyPanel(V.self, OneRow<V>.self, product)
  } else {
    multiplyPanel(V.self, HalfRow<V>.self, product)
  }
}

/// All row tiles of a panel's product, made of rows of one kind.
@inlinable @inline(__always)
func multiplyPanel<V: FloatVector, Row: Accumulators>(_: V.Type, _: Row.Type, _ product: PanelProduct) {
  typealias R1 = Row
  typealias R2 = Both<R1, R1>
  typealias R3 = Both<R2, R1>
  typealias R4 = Both<R2, R2>
  typealias R5 = Both<R3, R2>
  typealias R6 = Both<R3, R3>
  typealias R7 = Both<R4, R3>
  typealias R8 = Both<R4, R4>
  typealias R9 = Both<R6, R3>
  typealias R10 = Both<R6, R4>
  typealias R11 = Both<R6, R5>
  typealias R12 = Both<R6, R6>
  let tiles = RowTiles(rows: product.rows, tileRows: V.tileRows)
  for index in 0..<tiles.count {
    let row = tiles.start(index)
    switch tiles.rows(index) {
    case 1: multiplyPackedOrNot(R1.self, product, row)
    case 2: multiplyPackedOrNot(R2.self, product, row)
    case 3: multiplyPackedOrNot(R3.self, product, row)
    case 4: multiplyPackedOrNot(R4.self, product, row)
    case 5 where V.tileRows > 4: multiplyPackedOrNot(R5.self, product, row)
    case 6 where V.tileRows > 4: multiplyPackedOrNot(R6.self, product, row)
    case 7 where V.tileRows > 6: multiplyPackedOrNot(R7.self, product, row)
    case 8 where V.tileRows > 6: multiplyPackedOrNot(R8.self, product, row)
    case 9 where V.tileRows > 6: multiplyPackedOrNot(R9.self, product, row)
    case 10 where V.tileRows > 6: multiplyPackedOrNot(R10.self, product, row)
    case 11 where V.tileRows > 6: multiplyPackedOrNot(R11.self, product, row)
    case 12 where V.tileRows > 6: multiplyPackedOrNot(R12.self, product, row)
    default: break
    }
  }
}

@inlinable @inline(__always)
func multiplyPackedOrNot<Tile: Accumulators>(_: Tile.Type, _ product: PanelProduct, _ row: Int) {
  if product.aRowStride == 0 {
    multiplyTile(
      Tile.self, product, row: row, product.a + row &* product.aDepth + product.aFirst &* Tile.rows,
      rowStride: 1, stepStride: Tile.rows)
  } else {
    multiplyTile(
      Tile.self, product, row: row, product.a + row &* product.aRowStride, rowStride: product.aRowStride,
      stepStride: 1)
  }
}
