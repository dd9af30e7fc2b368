import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

@Suite("Texts larger than memory")
struct OutOfCoreTests {
  /// Sentences of the words w2, w3, …, and <unk>.
  private static func text(sentences: Int, vocabularySize: Int) -> String {
    let tokens = RandomText.tokens(sentences: sentences, vocabularySize: vocabularySize, seed: 5)
    return tokens.map { $0 == Vocabulary.endOfSentence ? "\n" : $0 == 0 ? "<unk> " : "w\($0) " }.joined()
  }

  private func reader(_ text: String, unit: TextUnit = .word) -> SentenceReader {
    SentenceReader(["text"], tokenizer: Tokenizer(unit: unit)) { _ in
      ByteSource(Array(text.utf8), name: "text")
    }
  }

  /// So little room that a text is sorted in parts of this many bytes.
  private func limit(_ folder: TemporaryFolder, room: Int) -> CountingLimit {
    CountingLimit(memory: 0, folder: folder(""), leastRoom: room)
  }

  private func expectEqual(_ a: NGramTrie, _ b: NGramTrie) {
    #expect(a.levelStarts == b.levelStarts && a.words == b.words)
    #expect(a.suffixes == b.suffixes && a.firstChildren == b.firstChildren)
    #expect(a.logProbabilities == b.logProbabilities && a.logBackoffs == b.logBackoffs)
  }

  /// A kind of model.
  struct Kind: CustomTestStringConvertible, Sendable {
    var order = 4
    var smoothing = Smoothing.modifiedKneserNey
    var form: SmoothingForm?
    var cutoffs: [UInt32] = []
    var context = ContextMode.sentence
    var unit = TextUnit.word
    var vocabulary = VocabularySource.counted(minimumCount: 2, maximumSize: nil)

    var testDescription: String {
      "\(order) \(smoothing) \(form.map { "\($0)" } ?? "") \(cutoffs) \(context) \(unit)"
    }

    var options: NGramModel.Options {
      var options = NGramModel.Options()
      (options.order, options.smoothing, options.form) = (order, smoothing, form)
      (options.cutoffs, options.context) = (cutoffs, context)
      return options
    }
  }

  private static let kinds =
    Smoothing.allCases.filter { $0 != .jelinekMercer }.map { Kind(smoothing: $0) } + [
      Kind(order: 1), Kind(order: 2), Kind(order: 16), Kind(order: 3, form: .backedOff),
      Kind(order: 5, smoothing: .absoluteDiscounting, form: .backedOff, cutoffs: [0, 1, 2]),
      Kind(cutoffs: [0, 1]), Kind(order: 5, cutoffs: [0, 0, 3, 10_000]),
      Kind(smoothing: .wittenBell, context: .stream), Kind(order: 7, context: .stream, unit: .char),
      Kind(vocabulary: .fixed(Vocabulary(unit: .word, tokens: (10..<30).map { "w\($0)" }))),
      Kind(vocabulary: .counted(minimumCount: 1, maximumSize: 12)),
    ]

  @Test("A text sorted and looked up in many parts gives the model of the whole", arguments: kinds)
  func sameModel(kind: Kind) throws {
    let folder = try TemporaryFolder()
    let text = Self.text(sentences: 600, vocabularySize: 60)
    let (corpus, _, vocabulary) = try Corpus.build(
      from: reader(text, unit: kind.unit), vocabulary: kind.vocabulary)
    let expected = NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: kind.options)
    // 4096 bytes are 256 words, and some hundred n-grams.
    let large = try LargeText(
      reader(text, unit: kind.unit), context: kind.context, vocabulary: kind.vocabulary,
      limit: limit(folder, room: 4096)
    ) { _ in }
    #expect(large.vocabulary.tokens == vocabulary.tokens)
    #expect(large.sizes.tokens == corpus.tokens.count && large.sizes.unknownTokens == corpus.unknownTokens)
    let model = try large.train(kind.options)
    expectEqual(try model.load().trie, expected.trie)
    #expect(model.configuration == expected.configuration)
    try expected.writeARPA(to: folder("a"), tokenizer: nil)
    try model.writeARPA(to: folder("b"), tokenizer: nil)
    #expect(try folder.read("a") == folder.read("b"))
  }

  @Test("Hundreds of sorted parts are merged in several steps")
  func manyRuns() throws {
    let folder = try TemporaryFolder()
    let text = Self.text(sentences: 600, vocabularySize: 60)
    let (corpus, _, vocabulary) = try Corpus.build(from: reader(text), vocabulary: Kind().vocabulary)
    let expected = NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: Kind().options)
    let large = try LargeText(
      reader(text), context: .sentence, vocabulary: Kind().vocabulary, limit: limit(folder, room: 16 * 20)
    ) { _ in }
    expectEqual(try large.train(Kind().options).load().trie, expected.trie)
  }

  @Test("Counts give the model of their text, and are the same however they were made", arguments: [1, 3, 5])
  func counts(order: Int) throws {
    let folder = try TemporaryFolder()
    let text = Self.text(sentences: 400, vocabularySize: 40)
    for (name, limit) in [("whole", nil), ("parts", limit(folder, room: 2048))] {
      _ = try CountFiles.count(
        reader(text), order: order, context: .sentence, limit: limit, to: folder(name)
      ) { _ in }
    }
    #expect(try folder.read("whole") == folder.read("parts"))
    let kind = Kind(order: order)
    let (corpus, _, vocabulary) = try Corpus.build(from: reader(text), vocabulary: kind.vocabulary)
    let expected = NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: kind.options)
    let large = try LargeText(
      counts: ByteSource(path: folder("whole")), order: order, tokenizer: Tokenizer(),
      vocabulary: kind.vocabulary,
      limit: limit(folder, room: 2048))
    expectEqual(try large.train(kind.options).load().trie, expected.trie)
    let counts = try large.countsInMemory(order: order) { _ in }
    let same = NGramModel(counts: counts, vocabulary: large.vocabulary, options: kind.options)
    expectEqual(same.trie, expected.trie)
  }
}
