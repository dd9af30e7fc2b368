import Kernels
import Tensors
import Threads

/// What does the work: the kernels of one instruction set, and a team of threads.
public final class Engine {
  let kernels: KernelTable
  let pool: ThreadPool
  let products: MatrixProducts

  /// An engine of `threads` threads (default: all cores) with the kernels that suit this processor, or those that `LMCTL_KERNELS`
  /// names.
  ///
  /// - Throws: `KernelError` when `LMCTL_KERNELS` names none that this processor has.
  public convenience init(threads: Int? = nil) throws {
    self.init(kernels: try KernelTable.selected(), threads: threads)
  }

  /// Kernels and threads chosen by the caller.
  init(kernels: KernelTable, threads: Int?) {
    self.kernels = kernels
    pool = ThreadPool(threads: threads)
    products = MatrixProducts(kernels: kernels, pool: pool)
  }

  /// How many threads work.
  public var threadCount: Int { pool.threadCount }
  /// The name of the kernels.
  public var kernelName: String { kernels.name }

  /// The units of thread `thread` out of `count`: in whole vectors, so that no two threads write to one.
  func units(_ count: Int, of thread: Int) -> Range<Int> {
    let vectors = (count + kernels.lanes - 1) / kernels.lanes
    let share = pool.share(vectors, of: thread)
    return min(count, share.lowerBound * kernels.lanes)..<min(count, share.upperBound * kernels.lanes)
  }

  /// s += Σ over the rows of c, in their order whatever the number of threads; s has one row.
  func addColumnSums(_ c: MatrixView, into s: MatrixView) {
    pool.run { thread in
      let mine = units(c.columns, of: thread)
      kernels.addColumnSums(
        c.rows, mine.count, c.pointer + mine.lowerBound, c.stride, s.pointer + mine.lowerBound)
    }
  }

  /// Runs `body` on each thread's share of 0..<count; here, if that is one.
  func split(_ count: Int, _ body: (Range<Int>) -> Void) {
    if count == 1 { return body(0..<1) }
    pool.run { thread in body(pool.share(count, of: thread)) }
  }

  /// y = x, or y += x if `adding`, row by row; nothing if they are the same.
  func move(_ x: MatrixView, into y: MatrixView, adding: Bool = false) {
    if !adding, x.pointer == y.pointer { return }
    split(x.rows) { rows in
      for row in rows {
        if adding {
          kernels.addScaled(x.columns, 1, x.row(row), y.row(row))
        } else {
          y.row(row).update(from: x.row(row), count: x.columns)
        }
      }
    }
  }
}
