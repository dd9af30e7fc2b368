import Glibc
import LanguageModels
import Threads

extension NGramModel {
  /// Writes the model to `path` as an ARPA file, the format that KenLM, SRILM and others exchange:
  ///
  ///     \data\
  ///     ngram 1=…
  ///
  ///     \1-grams:
  ///     log₁₀ p(w | h) <tab> h w <tab> log₁₀ b(hw)
  ///
  /// Numbers have seven decimals, or are those that were read from another ARPA file; weights of 1 (log₁₀ b = 0) are left out, as SRILM does; −99
  /// stands for the logarithm of zero, and for that of the beginning of a sentence, which is never predicted. The text rules of other models than
  /// those of plain words come first (`ARPATextRules`), whose tokens are written without white space (`ARPAName`).
  ///
  /// - Parameter tokenizer: the model's text rules; `nil` for those of its unit.
  /// - Throws: `FileError` when the file cannot be written, or a token cannot.
  public func writeARPA(to path: String, tokenizer: Tokenizer?) throws {
    let rules = ARPATextRules(
      tokenizer: tokenizer ?? Tokenizer(unit: vocabulary.unit), context: defaultContext)
    try ARPAWriter(trie: trie, digits: digits, rules: rules, vocabulary).write(to: path)
  }
}

extension StoredModel {
  /// Writes the model to `path` as an ARPA file; see `NGramModel.writeARPA(to:tokenizer:)`.
  public func writeARPA(to path: String, tokenizer: Tokenizer?) throws {
    let rules = ARPATextRules(
      tokenizer: tokenizer ?? Tokenizer(unit: vocabulary.unit), context: options.context)
    try ARPAWriter(trie: trie, digits: nil, rules: rules, vocabulary).write(to: path)
  }
}

/// A trie whose numbers can be asked for, by several threads at a time.
protocol TrieNumbers: Sendable {
  /// What one thread asks.
  associatedtype Reader: TrieReader

  /// Level k is the nodes `levelStarts[k - 1]..<levelStarts[k]`.
  var levelStarts: [Int] { get }

  /// Something to ask.
  func makeReader() -> Reader
}

/// Tells the numbers of a trie by node and level, of each level those of higher and higher nodes for the most part.
protocol TrieReader {
  /// The last word of the n-gram.
  mutating func word(of node: Int, level k: Int) throws -> Int
  /// The first of the n-grams that go on from it; `node` can be one behind the last of the level.
  mutating func firstChild(of node: Int, level k: Int) throws -> Int
  /// ln p(w | h) of the n-gram hw.
  mutating func logProbability(of node: Int, level k: Int) throws -> Float
  /// ln of the factor for words that do not follow the n-gram, which must not be of the highest order.
  mutating func logBackoff(of node: Int, level k: Int) throws -> Float
}

extension NGramTrie: TrieNumbers, TrieReader {
  func makeReader() -> NGramTrie { self }
  @inline(__always)
  func word(of node: Int, level k: Int) -> Int { Int(words[node]) }
  @inline(__always)
  func firstChild(of node: Int, level k: Int) -> Int { Int(firstChildren[node]) }
  @inline(__always)
  func logProbability(of node: Int, level k: Int) -> Float { logProbabilities[node] }
  @inline(__always)
  func logBackoff(of node: Int, level k: Int) -> Float { logBackoffs[node] }
}

extension TrieReader {
  /// The context of a node: the last node of `contexts`, all of level k, whose children begin at or before it.
  fileprivate mutating func parent(
    of node: Int, among contexts: Range<Int>, level k: Int
  ) throws -> Int {
    try contexts.partitionPoint { try firstChild(of: $0, level: k) <= node } - 1
  }
}

/// Writes a trie as text: blocks of n-grams are made into text on all cores while the blocks before them go to the file.
struct ARPAWriter<Trie: TrieNumbers>: Sendable {
  private let trie: Trie
  /// How numbers are written; `nil` if all have seven decimals.
  private let digits: WrittenDigits?
  private let rules: ARPATextRules
  private let names: ARPANames

  /// - Throws: `FileError` when a token cannot be written.
  init(trie: Trie, digits: WrittenDigits?, rules: ARPATextRules, _ vocabulary: Vocabulary) throws {
    (self.trie, self.digits, self.rules) = (trie, digits, rules)
    names = try ARPANames(vocabulary, rules.tokenizer)
  }

  /// N-grams in a block.
  private static var blockSize: Int { 1 << 12 }
  /// Blocks made at a time.
  private static var lanes: Int { 8 }

  func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    let levelStarts = trie.levelStarts
    var header = (rules.line.map { $0 + "\n" } ?? "") + "\\data\\\n"
    for k in 1..<levelStarts.count { header += "ngram \(k)=\(levelStarts[k] - levelStarts[k - 1])\n" }
    try write(header, to: file)
    for level in 1..<levelStarts.count {
      try write("\n\\\(level)-grams:\n", to: file)
      try write(level: level, to: file)
    }
    try write("\n\\end\\\n", to: file)
    try file.commit()
  }

  private func write(_ text: String, to file: AtomicFile) throws {
    var text = text
    try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
  }

  private func write(level: Int, to file: AtomicFile) throws {
    let nodes = trie.levelStarts[level - 1]..<trie.levelStarts[level]
    let buffers = (0..<2 * Self.lanes).map { _ in TextBuffer() }
    var start = nodes.lowerBound
    var ready: ArraySlice<TextBuffer> = []
    var readers = (0..<Self.lanes).map { _ in trie.makeReader() }
    var isOdd = false
    while start < nodes.upperBound || !ready.isEmpty {
      let blocks = min(Self.lanes, (nodes.upperBound - start + Self.blockSize - 1) / Self.blockSize)
      let next = buffers[(isOdd ? Self.lanes : 0)...].prefix(blocks)
      var outcomes = [Result<Void, any Error>](repeating: .success(()), count: blocks + 1)
      outcomes.withUnsafeMutableBufferPointer { outcomes in
        readers.withUnsafeMutableBufferPointer { readers in
          nonisolated(unsafe) let (full, empty, file, readers, outcomes) = (
            ready, next, file, readers, outcomes
          )
          Threads.perform(blocks + 1) { [start] lane in
            outcomes[lane] = Result {
              if lane == 0 {
                for buffer in full { try file.write(buffer.bytes) }
              } else {
                let first = start + (lane - 1) * Self.blockSize
                try format(
                  first..<min(first + Self.blockSize, nodes.upperBound), level: level, &readers[lane - 1],
                  into: empty[empty.startIndex + lane - 1])
              }
            }
          }
        }
      }
      for outcome in outcomes { try outcome.get() }
      start = min(start + blocks * Self.blockSize, nodes.upperBound)
      ready = next
      isOdd.toggle()
    }
  }

  /// Makes text of `nodes`, all of one level.
  private func format(
    _ nodes: Range<Int>, level: Int, _ trie: inout Trie.Reader, into buffer: TextBuffer
  ) throws {
    buffer.removeAll()
    let levelStarts = self.trie.levelStarts
    let inner = levelStarts[levelStarts.count - 2]
    try names.bytes.withUnsafeBytes { bytes in
      try names.ends.withUnsafeBufferPointer { ends in
        guard let names = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        var path = try ContextPath(of: nodes.lowerBound, level: level, levelStarts, &trie)
        // The names of the context, and where each begins.
        let context = TextBuffer()
        var starts = [Int](repeating: 0, count: level)
        var firstNew: Int? = 0
        for node in nodes {
          if level > 1, let first = try path.advance(to: node, &trie) ?? firstNew {
            firstNew = nil
            context.removeAll(from: starts[first])
            for i in first..<level - 1 {
              starts[i] = context.bytes.count
              let word = try trie.word(of: path.nodes[i], level: i + 1)
              let length = ends[word + 1] - ends[word]
              let output = context.reserve(length + 1)
              TextBuffer.copy(names + ends[word], length, to: output)
              output[length] = UInt8(ascii: " ")
              context.end(at: output + length + 1)
            }
          }
          let word = try trie.word(of: node, level: level)
          let length = ends[word + 1] - ends[word]
          let contextLength = context.bytes.count
          var output = buffer.reserve(contextLength + length + 2 * DecimalText.maximumLength + 4)
          let forms = digits?[node] ?? .sevenDecimals
          output = Self.write(
            try trie.logProbability(of: node, level: level), forms.probability, to: output)
          output.pointee = UInt8(ascii: "\t")
          output += 1
          TextBuffer.copy(context.start, contextLength, to: output)
          output += contextLength
          TextBuffer.copy(names + ends[word], length, to: output)
          output += length
          if node < inner, case let backoff = try trie.logBackoff(of: node, level: level), backoff != 0 {
            output.pointee = UInt8(ascii: "\t")
            output = Self.write(backoff, forms.backoff, to: output + 1)
          }
          output.pointee = UInt8(ascii: "\n")
          buffer.end(at: output + 1)
        }
      }
    }
  }

  /// Writes a natural logarithm in base 10, in a `DecimalForm`, and returns where it ends.
  @inline(__always)
  private static func write(
    _ natural: Float, _ form: DecimalForm, to output: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let decimal = natural == -.infinity ? ARPANumber.zero : Double(natural) / M_LN10
    return form == .sevenDecimals && abs(decimal) < DecimalText.limit
      ? DecimalText.write(decimal, to: output) : DecimalText.write(form.single(natural), to: output)
  }
}

/// The nodes on the way from the unigrams to a node's context.
private struct ContextPath {
  /// From the unigram to the context; empty for unigrams.
  private(set) var nodes: [Int] = []

  init(of node: Int, level: Int, _ levelStarts: [Int], _ trie: inout some TrieReader) throws {
    var child = node
    for k in (1..<max(1, level)).reversed() {
      child = try trie.parent(of: child, among: levelStarts[k - 1]..<levelStarts[k], level: k)
      nodes.insert(child, at: 0)
    }
  }

  /// Goes on to `node`, which must not lie before; the first place of the context that is another than before, if any is.
  mutating func advance(to node: Int, _ trie: inout some TrieReader) throws -> Int? {
    var child = node
    var position = nodes.count - 1
    while position >= 0 {
      let old = nodes[position]
      var parent = old
      while try trie.firstChild(of: parent + 1, level: position + 1) <= child { parent += 1 }
      if parent == old { break }
      nodes[position] = parent
      child = parent
      position -= 1
    }
    return position < nodes.count - 1 ? position + 1 : nil
  }
}
