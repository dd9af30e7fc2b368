/// The tokens of one line of text, as stretches of its bytes.
///
/// The bytes are those of the line itself, or, where the text rules change them, a copy. They are valid until the next line is read.
public struct TokenSpans {
  /// A stretch of bytes.
  struct Span {
    var start: Int
    var end: Int
  }

  private(set) var spans: [Span] = []
  /// The line, if the tokens are as they stand in it.
  private var line = UnsafeRawBufferPointer(start: nil, count: 0)
  private var copy: [UInt8] = []
  private var usesCopy = false

  /// How many tokens there are.
  public var count: Int { spans.count }

  /// Calls `body` with the bytes of each token.
  public func forEach(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    try withBytes { bytes in
      for span in spans { try body(UnsafeRawBufferPointer(rebasing: bytes[span.start..<span.end])) }
    }
  }

  /// Calls `body` with the bytes that the spans are stretches of.
  @inline(__always)
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    usesCopy ? try copy.withUnsafeBytes(body) : try body(line)
  }

  /// Begins anew, with tokens that stand in `line`.
  mutating func begin(_ line: UnsafeRawBufferPointer) {
    spans.removeAll(keepingCapacity: true)
    self.line = line
    usesCopy = false
  }

  /// Begins anew, with tokens that stand in a copy of `bytes`.
  mutating func begin(copying bytes: some Sequence<UInt8>) {
    spans.removeAll(keepingCapacity: true)
    copy.removeAll(keepingCapacity: true)
    copy.append(contentsOf: bytes)
    usesCopy = true
  }

  /// Adds a token that stands in the bytes.
  @inline(__always)
  mutating func append(_ start: Int, _ end: Int) { spans.append(Span(start: start, end: end)) }

  /// Adds a token whose bytes come behind those of the copy.
  mutating func append(copying bytes: some Sequence<UInt8>) {
    let start = copy.count
    copy.append(contentsOf: bytes)
    append(start, copy.count)
  }
}
