import Kernels

/// All parameters of a model in one array of values and one of gradients, with an ordered table of names and shapes.
///
/// Each parameter begins at a multiple of 16 floats; the padding after it is zero in both arrays and stays so under
/// every optimizer, so that one loop over `count` floats updates, clips or counts them all.
public final class ParameterArena {
  /// One parameter: a matrix, or a vector as a matrix of one row.
  public struct Entry: Equatable, Sendable {
    public let name: String
    public let shape: [Int]
    /// The index of the first element in the arena.
    public let offset: Int
    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
  }

  /// Names a parameter of the arena.
  public struct Handle: Hashable, Sendable {
    let index: Int
  }

  /// The table, built before the arena.
  public struct Layout: Sendable {
    public private(set) var entries: [Entry] = []
    /// The length of the arrays, padding included.
    public private(set) var count = 0

    public init() {}

    /// Adds a parameter of one or two dimensions; names must differ.
    public mutating func add(_ name: String, _ shape: Int...) -> Handle {
      precondition((1...2).contains(shape.count), "a parameter has one or two dimensions")
      precondition(shape.allSatisfy { $0 > 0 }, "a parameter must not be empty")
      precondition(!entries.contains { $0.name == name }, "two parameters are named \(name)")
      entries.append(Entry(name: name, shape: shape, offset: count))
      count += (shape.reduce(1, *) + 15) / 16 * 16
      return Handle(index: entries.count - 1)
    }
  }

  /// The parameters in the order of memory.
  public let entries: [Entry]
  /// The length of the arrays, padding included.
  public let count: Int
  private let valueBuffer, gradientBuffer: AlignedBuffer

  /// Values and gradients, all zero.
  public init(_ layout: Layout) {
    (entries, count) = (layout.entries, layout.count)
    valueBuffer = AlignedBuffer(count: layout.count)
    gradientBuffer = AlignedBuffer(count: layout.count)
  }

  /// All values, `count` floats.
  public var values: UnsafeMutablePointer<Float> { valueBuffer.pointer }
  /// All gradients, `count` floats.
  public var gradients: UnsafeMutablePointer<Float> { gradientBuffer.pointer }
  /// The number of parameters, without padding.
  public var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }

  /// The parameter of this name.
  public func handle(named name: String) -> Handle? {
    entries.firstIndex { $0.name == name }.map { Handle(index: $0) }
  }

  /// A parameter's values.
  public func value(_ handle: Handle) -> MatrixView { view(values, entries[handle.index]) }
  /// A parameter's gradients.
  public func gradient(_ handle: Handle) -> MatrixView { view(gradients, entries[handle.index]) }
  /// The values of an entry of the table.
  public func value(_ entry: Entry) -> MatrixView { view(values, entry) }
  /// The gradients of an entry of the table.
  public func gradient(_ entry: Entry) -> MatrixView { view(gradients, entry) }

  /// Sets all gradients to zero.
  public func clearGradients() { gradients.update(repeating: 0, count: count) }

  private func view(_ base: UnsafeMutablePointer<Float>, _ entry: Entry) -> MatrixView {
    let isVector = entry.shape.count == 1
    return MatrixView(
      base + entry.offset, rows: isVector ? 1 : entry.shape[0], columns: entry.shape[isVector ? 0 : 1])
  }
}
