import Dispatch
import Glibc
import LanguageModels

extension NGramModel {
  /// Writes the model to `path` as an ARPA file, the format that KenLM, SRILM and others exchange:
  ///
  ///     \data\
  ///     ngram 1=…
  ///
  ///     \1-grams:
  ///     log₁₀ p(w | h) <tab> h w <tab> log₁₀ b(hw)
  ///
  /// Seven decimals; weights of 1 (log₁₀ b = 0) are left out, as SRILM does; −99 stands for the logarithm of zero and for the beginning
  /// of a sentence, which is never predicted. In units other than words, a space is written `▁` and a line end `</s>`.
  ///
  /// - Throws: `FileError` when the file cannot be written, or two tokens would look the same.
  public func writeARPA(to path: String) throws {
    try ARPAWriter(trie: trie, names: ARPANames(vocabulary)).write(to: path)
  }
}

extension StoredModel {
  /// Writes the model to `path` as an ARPA file; see `NGramModel.writeARPA`.
  public func writeARPA(to path: String) throws {
    try ARPAWriter(trie: trie, names: ARPANames(vocabulary)).write(to: path)
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

/// How the words of a vocabulary, and the beginning of a sentence behind them, are written in an ARPA file.
struct ARPANames: Sendable {
  /// The names one after the other, and `TextBuffer.slack` bytes behind them.
  private(set) var bytes: [UInt8] = []
  /// Name i is `bytes[ends[i]..<ends[i + 1]]`.
  private(set) var ends = [0]
  /// Bytes of the longest name.
  private(set) var longest = 0

  init(_ vocabulary: Vocabulary) throws {
    var seen = VocabularyBuilder(unit: .word)
    for id in 0..<TokenID(vocabulary.count) {
      if id == Vocabulary.endOfSentence {
        append("</s>".utf8)
        continue
      }
      let name = vocabulary.unit == .word ? nil : vocabulary.displayName(of: id)
      if let name { append(name.utf8) } else { vocabulary.withBytes(of: id) { append($0) } }
      if id == Vocabulary.unknown { continue }
      let number = bytes.withUnsafeBytes {
        seen.add(UnsafeRawBufferPointer(rebasing: $0[ends[Int(id)]..<ends[Int(id) + 1]]))
      }
      guard number == id, name != "<s>" else {
        throw FileError(
          path: "the model",
          reason: "has two tokens that an ARPA file would write '\(vocabulary.displayName(of: id))'")
      }
    }
    append("<s>".utf8)
    bytes += repeatElement(0, count: TextBuffer.slack)
  }

  private mutating func append(_ name: some Collection<UInt8>) {
    bytes.append(contentsOf: name)
    ends.append(bytes.count)
    longest = max(longest, name.count)
  }
}

/// Writes a trie as text: blocks of n-grams are made into text on all cores while the blocks before them go to the file.
struct ARPAWriter<Trie: TrieNumbers>: Sendable {
  let trie: Trie
  let names: ARPANames

  /// N-grams in a block.
  private static var blockSize: Int { 1 << 12 }
  /// Blocks made at a time.
  private static var lanes: Int { 8 }

  func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    let levelStarts = trie.levelStarts
    var header = "\\data\\\n"
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
          DispatchQueue.concurrentPerform(iterations: blocks + 1) { [start] lane in
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
          output = DecimalText.write(Self.log10(try trie.logProbability(of: node, level: level)), to: output)
          output.pointee = UInt8(ascii: "\t")
          output += 1
          TextBuffer.copy(context.start, contextLength, to: output)
          output += contextLength
          TextBuffer.copy(names + ends[word], length, to: output)
          output += length
          if node < inner, case let backoff = try trie.logBackoff(of: node, level: level), backoff != 0 {
            output.pointee = UInt8(ascii: "\t")
            output = DecimalText.write(Self.log10(backoff), to: output + 1)
          }
          output.pointee = UInt8(ascii: "\n")
          buffer.end(at: output + 1)
        }
      }
    }
  }

  /// What stands for the logarithm of zero.
  private static var zero: Double { -99 }

  @inline(__always)
  private static func log10(_ natural: Float) -> Double { max(Double(natural) / M_LN10, zero) }
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

/// Text that grows in memory of its own.
private final class TextBuffer {
  /// Bytes behind the end of a text that may be read and overwritten.
  static let slack = 16

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 10
  private var count = 0

  init() { memory = .allocate(capacity: capacity + Self.slack) }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

  /// Where the text begins.
  var start: UnsafePointer<UInt8> { UnsafePointer(memory) }

  /// Takes away what stands from `position` on.
  func removeAll(from position: Int = 0) { count = position }

  /// Where the next bytes go, with room for `length` of them.
  @inline(__always)
  func reserve(_ length: Int) -> UnsafeMutablePointer<UInt8> {
    if count + length > capacity { grow(length) }
    return memory + count
  }

  /// Tells where the bytes that were written end.
  @inline(__always)
  func end(at end: UnsafeMutablePointer<UInt8>) { count = end - memory }

  /// Copies a short text in steps of `slack` bytes, the last of which may go beyond its end on either side.
  @inline(__always)
  static func copy(_ source: UnsafePointer<UInt8>, _ length: Int, to target: UnsafeMutablePointer<UInt8>) {
    var done = 0
    while done < length {
      let step = UnsafeRawPointer(source + done).loadUnaligned(as: SIMD16<UInt8>.self)
      UnsafeMutableRawPointer(target + done).storeBytes(of: step, as: SIMD16<UInt8>.self)
      done += slack
    }
  }

  private func grow(_ length: Int) {
    capacity = max(2 * capacity, count + length)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + Self.slack)
    larger.update(from: memory, count: count)
    memory.deallocate()
    memory = larger
  }
}
