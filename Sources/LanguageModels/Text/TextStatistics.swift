/// What was read of a text.
public struct TextStatistics: Sendable {
  /// One text among those read.
  public struct Text: Sendable {
    /// The file's name, or `standard input`.
    public var name: String
    /// Its size, decompressed.
    public var bytes: Int
    /// Its SHA-256 digest, decompressed.
    public var sha256: String?

    /// A text that was read elsewhere.
    public init(name: String, bytes: Int, sha256: String?) {
      (self.name, self.bytes, self.sha256) = (name, bytes, sha256)
    }
  }

  /// The texts read to their ends.
  public var texts: [Text] = []
  /// Lines, empty ones among them.
  public var lines = 0
  /// Sentences: the lines that were not skipped.
  public var sentences = 0
  /// Lines skipped because they were empty.
  public var emptyLines = 0
  /// Tokens, with one end of sentence for each sentence.
  public var tokens = 0
  /// Literal `<s>` and `</s>` in the text that were dropped.
  public var droppedMarkers = 0
  /// Bytes read.
  public var bytes = 0
  /// Bytes of the lines that were not skipped, with one byte for each line end, so that a text has as many whether its lines end in LF
  /// or CRLF, and with or without a byte order mark. In bytes, where these are tokens, all are counted.
  public var sentenceBytes = 0
  /// Characters (code points) of the same lines, line ends included.
  public var sentenceCharacters = 0
  /// What was seen of scripts that are written without spaces.
  public var unspaced = UnspacedText()

  /// Nothing read.
  public init() {}
}
