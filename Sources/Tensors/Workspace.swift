import Kernels

/// How many floats a buffer holds for a sequence of T steps of B rows.
public struct Extent: Sendable {
  let floats: @Sendable (_ steps: Double, _ rows: Double) -> Double

  /// The floats as a function of T and B.
  public init(_ floats: @escaping @Sendable (_ steps: Double, _ rows: Double) -> Double) {
    self.floats = floats
  }

  /// [T·B × columns]: something of every step of every row.
  public static func positions(_ columns: Int) -> Extent { Extent { $0 * $1 * Double(columns) } }
  /// [B × columns]: something of every row.
  public static func rows(_ columns: Int) -> Extent { Extent { $1 * Double(columns) } }
  /// `count` floats, whatever the sequence.
  public static func floats(_ count: Int) -> Extent { Extent { _, _ in Double(count) } }
}

/// The buffers of a model's activations: each grows to the largest sequence it has seen, and is used again in every step.
///
/// They are declared by name and extent, so that the memory of a sequence is known before any is taken.
public final class Workspace {
  private struct Declared {
    let name: String
    let extent: Extent
    /// Whether it holds something from one sequence to the next.
    let isKept: Bool
    let buffer = AlignedBuffer()
  }

  private var declared: [Declared] = []

  /// No buffers.
  public init() {}

  /// Declares a buffer, which is empty at first; what stands in it is without meaning after a sequence, unless it `isKept`.
  public func buffer(_ name: String, _ extent: Extent, isKept: Bool = false) -> AlignedBuffer {
    declared.append(Declared(name: name, extent: extent, isKept: isKept))
    return declared[declared.count - 1].buffer
  }

  /// Declares memory that somebody else takes.
  public func note(_ name: String, _ extent: Extent) {
    declared.append(Declared(name: name, extent: extent, isKept: true))
  }

  /// Bytes in all buffers now.
  public var byteCount: Int { declared.reduce(0) { $0 + 4 * $1.buffer.count } }

  /// Bytes that a sequence of T steps of B rows needs at most, in all buffers whose names begin with `prefix`.
  public func byteCount(steps: Int, rows: Int, of prefix: String = "") -> Double {
    declared.filter { $0.name.hasPrefix(prefix) }
      .reduce(0) { $0 + 4 * $1.extent.floats(Double(steps), Double(rows)) }
  }

  /// The names of the buffers that hold more than they were declared to for a sequence of T steps of B rows.
  public func overfull(steps: Int, rows: Int) -> [String] {
    declared.filter { Double($0.buffer.count) > $0.extent.floats(Double(steps), Double(rows)) }.map(\.name)
  }

  /// Overwrites every buffer that is not kept with NaN, so that a test notices what is read before it is written.
  public func poison() {
    for one in declared where !one.isKept {
      one.buffer.pointer.update(repeating: .nan, count: one.buffer.count)
    }
  }
}

extension AlignedBuffer {
  /// The buffer as a matrix, grown to hold it; the contents are lost if it grows.
  public func matrix(_ rows: Int, _ columns: Int) -> MatrixView {
    reserve(rows * columns)
    return MatrixView(pointer, rows: rows, columns: columns)
  }
}
