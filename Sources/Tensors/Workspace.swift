import Kernels

/// Named buffers that are allocated once, before training, and used again in every step.
public final class Workspace {
  private var buffers: [(name: String, buffer: AlignedBuffer)] = []

  public init() {}

  /// A new matrix, all zero, that lives as long as the workspace; names must differ.
  public func matrix(_ name: String, rows: Int, columns: Int) -> MatrixView {
    MatrixView(add(name, rows * columns), rows: rows, columns: columns)
  }

  /// A new row of floats, all zero, that lives as long as the workspace; names must differ.
  public func row(_ name: String, count: Int) -> UnsafeMutablePointer<Float> { add(name, count) }

  /// The names and sizes in floats, in the order of allocation.
  public var contents: [(name: String, count: Int)] { buffers.map { ($0.name, $0.buffer.count) } }

  /// Overwrites every buffer with NaN, so that a test notices what is read before it is written.
  public func poison() {
    for (_, buffer) in buffers { buffer.pointer.update(repeating: .nan, count: buffer.count) }
  }

  private func add(_ name: String, _ count: Int) -> UnsafeMutablePointer<Float> {
    precondition(!buffers.contains { $0.name == name }, "two buffers are named \(name)")
    let buffer = AlignedBuffer(count: count)
    buffers.append((name, buffer))
    return buffer.pointer
  }
}
