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
  /// Where the token begins whose bytes are being copied.
  private var openStart = 0
  /// Whether the line was ASCII.
  var isASCII = true

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
    openStart = copy.count
    usesCopy = true
  }

  /// Adds a token that stands in the bytes.
  @inline(__always)
  mutating func append(_ start: Int, _ end: Int) { spans.append(Span(start: start, end: end)) }

  /// Adds a token whose bytes come behind those of the copy.
  mutating func append(copying bytes: some Sequence<UInt8>) {
    copy(bytes)
    endToken()
  }

  /// Adds bytes to the copy that belong to the next token.
  mutating func copy(_ bytes: some Sequence<UInt8>) { copy.append(contentsOf: bytes) }

  /// Makes a token of the bytes that were copied since the last one, if there are any.
  mutating func endToken() {
    if openStart < copy.count { append(openStart, copy.count) }
    openStart = copy.count
  }

  /// Makes a token of the bytes that were copied since the last one, unless they are to be dropped.
  ///
  /// - Returns: whether they were.
  mutating func endToken(unless isDropped: (UnsafeRawBufferPointer, Range<Int>) -> Bool) -> Bool {
    let range = openStart..<copy.count
    if !range.isEmpty, copy.withUnsafeBytes({ isDropped($0, range) }) {
      openStart = copy.count
      return true
    }
    endToken()
    return false
  }
}
