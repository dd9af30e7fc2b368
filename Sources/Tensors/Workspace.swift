import Kernels

/// The buffers of a model's activations: each grows to the largest chunk it has seen, and is used again in every step.
public final class Workspace {
  private var buffers: [AlignedBuffer] = []

  /// No buffers.
  public init() {}

  /// A new buffer, empty at first.
  public func buffer() -> AlignedBuffer {
    buffers.append(AlignedBuffer())
    return buffers[buffers.count - 1]
  }

  /// Bytes in all buffers.
  public var byteCount: Int { buffers.reduce(0) { $0 + 4 * $1.count } }

  /// Overwrites every buffer with NaN, so that a test notices what is read before it is written.
  public func poison() {
    for buffer in buffers { buffer.pointer.update(repeating: .nan, count: buffer.count) }
  }
}

extension AlignedBuffer {
  /// The buffer as a matrix, grown to hold it; the contents are lost if it grows.
  public func matrix(_ rows: Int, _ columns: Int) -> MatrixView {
    reserve(rows * columns)
    return MatrixView(pointer, rows: rows, columns: columns)
  }
}
