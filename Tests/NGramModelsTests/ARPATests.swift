import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

@Suite("ARPA files")
struct ARPATests {
  /// A model as SRILM might write it; log₁₀ probabilities chosen by hand.
  static let text = """
    some words before

    \\data\\
    ngram 1=5
    ngram 2=3
    ngram 3=1

    \\1-grams:
    -1.0\t<unk>
    -0.5\t</s>
    -99\t<s>\t-0.25
    -0.75\ta\t-0.125
    -0.625\tb\t-0.375

    \\2-grams:
    -0.5\t<s> a\t-0.0625
    -0.25\ta b\t-0.5
    -0.125\tb </s>

    \\3-grams:
    -0.0625\t<s> a b

    \\end\\
    """

  private func model(_ text: String) throws -> (NGramModel, [String]) {
    var notices: [String] = []
    let model = try NGramModel(arpa: ByteSource(Array(text.utf8), name: "x.arpa")) { notices.append($0) }
    return (model, notices)
  }

  /// log₁₀ p of each word of a sentence, and of its end.
  private func scores(_ model: NGramModel, _ words: String) -> [Double] {
    let tokens = words.split(separator: " ").map { model.vocabulary.id(of: String($0)) } + [1]
    var state = model.initialState
    var scores: [Float] = []
    model.score(tokens[...], context: .sentence, after: &state, into: &scores)
    return scores.map { (Double($0) / M_LN10 * 1e4).rounded() / 1e4 }
  }

  @Test("Scores are found by backing off")
  func backingOff() throws {
    let (model, notices) = try model(Self.text)
    #expect(notices == [])
    // p(a|<s>), p(b|<s> a), b(a b) p(</s>|b): the trigram "a b </s>" is missing.
    #expect(scores(model, "a b") == [-0.5, -0.0625, -0.5 - 0.125])
    // b(<s>) p(b), b(b) p(b), p(</s>|b)
    #expect(scores(model, "b b") == [-0.25 - 0.625, -0.375 - 0.625, -0.125])
    #expect(scores(model, "c") == [-0.25 - 1, -0.5])
  }

  @Test(
    "Oddities change nothing",
    arguments: [
      ("\n", "\r\n"), ("\t", " "), ("<s>", "<S>"), ("</s>", "</S>"), ("<unk>", "<UNK>"),
      ("ngram 1=5", "ngram 1 = 5"), ("-0.125\tb </s>", "-1.25e-1\tb </s>\t0"),
      ("-0.5\t<s> a\t-0.0625\n-0.25\ta b\t-0.5\n", "-0.25\ta b\t-0.5\n\n-0.5\t<s> a\t-0.0625\n"),
    ])
  func oddities(old: String, new: String) throws {
    let (usual, _) = try model(Self.text)
    let (odd, notices) = try model(Self.text.replacingOccurrences(of: old, with: new))
    #expect(notices == [])
    for words in ["a b", "b b", "c a", "a", "a a b c"] { #expect(scores(odd, words) == scores(usual, words)) }
  }

  @Test("What is missing or above 1 is told")
  func remarks() throws {
    let (noUnknown, first) = try model(
      Self.text.replacingOccurrences(of: "-1.0\t<unk>\n", with: "").replacingOccurrences(
        of: "1=5", with: "1=4"))
    #expect(first == ["x.arpa: it has no <unk>; unknown words get the probability 1e-100, as in KenLM"])
    #expect(scores(noUnknown, "c") == [-0.25 - 100, -0.5])
    let (positive, second) = try model(Self.text.replacingOccurrences(of: "-0.25\ta b", with: "0.25\ta b"))
    #expect(second == ["x.arpa: 1 of its probabilities are above 1, first on line 17; they are taken as 1"])
    #expect(scores(positive, "b a b")[2] == 0)
    let (_, third) = try model(Self.text.replacingOccurrences(of: "ngram 2=3", with: "ngram 2=4"))
    #expect(third == ["x.arpa: it has 3 2-grams, and its header announces 4"])
  }

  @Test("N-grams whose context or suffix is missing are found")
  func gaps() throws {
    // Without "<s> a", the trigram's context; without "a b", its suffix, which then backs off: b(a) p(b).
    let (noContext, _) = try model(Self.text.replacingOccurrences(of: "-0.5\t<s> a\t-0.0625\n", with: ""))
    #expect(scores(noContext, "a b") == [-0.25 - 0.75, -0.0625, -0.5 - 0.125])
    let (noSuffix, _) = try model(Self.text.replacingOccurrences(of: "-0.25\ta b\t-0.5\n", with: ""))
    #expect(scores(noSuffix, "a b") == [-0.5, -0.0625, -0.125])
    #expect(scores(noSuffix, "b a b") == [-0.875, -0.375 - 0.75, -0.125 - 0.625, -0.125])
  }

  @Test(
    "What is no ARPA file is told with its line",
    arguments: [
      ("\\data\\", "data", "x.arpa: is no ARPA file: it has no line \\data\\"),
      ("\\end\\", "", "x.arpa: is cut short: it ends at line 22 without \\end\\"),
      ("ngram 2=3\n", "", "x.arpa:5: the number of 3-grams where that of 2-grams should be"),
      ("\\2-grams:", "\\3-grams:", "x.arpa:15: '\\3-grams:' where \\2-grams: should be"),
      ("-0.25\ta b", "-0.25\ta x", "x.arpa:17: the word 'x' is not among the 1-grams"),
      ("-0.25\ta b", "zero\ta b", "x.arpa:17: 'zero' is not the logarithm of a probability"),
      ("-0.25\ta b\t-0.5", "-0.25\ta b\tnan", "x.arpa:17: 'nan' is not the logarithm of a back-off weight"),
      ("-0.25\ta b\t-0.5", "-0.25\ta", "x.arpa:17: 1 word where a 2-gram has 2"),
      (
        "-0.25\ta b\t-0.5", "-0.25\ta b -0.5 1",
        "x.arpa:17: more than the 2 words of a 2-gram and its two numbers"
      ),
      ("-0.125\tb </s>", "-0.125\ta b", "x.arpa:18: the same 2-gram as on line 17"),
      ("-0.625\tb\t", "-0.625\ta\t", "x.arpa:13: 'a' is among the 1-grams before"),
      ("ngram 3=1", "ngram 3=-1", "x.arpa:6: 'ngram 3=-1' where a line like 'ngram 1=1234' should be"),
    ])
  func errors(old: String, new: String, message: String) {
    #expect(Self.text.contains(old))
    do {
      _ = try model(Self.text.replacingOccurrences(of: old, with: new))
      Issue.record("no error for '\(new)'")
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test("Writing and reading gives the same scores", arguments: [1, 2, 4])
  func roundTrip(order: Int) throws {
    let folder = try TemporaryFolder()
    let tokens = RandomText.tokens(sentences: 300, vocabularySize: 30, seed: 7)
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<30).map { "w\($0)" })
    var options = NGramModel.Options()
    options.order = order
    let model = NGramModel(tokens: tokens, vocabulary: vocabulary, options: options)
    try model.writeARPA(to: folder("m.arpa"), tokenizer: nil)
    let read = try NGramModel(arpa: ByteSource(path: folder("m.arpa")))
    #expect(read.vocabulary.tokens == vocabulary.tokens)
    #expect(read.trie.words == model.trie.words)
    #expect(read.trie.suffixes[(30 + 1)...] == model.trie.suffixes[(30 + 1)...])
    #expect(read.trie.firstChildren == model.trie.firstChildren)
    // Seven decimals of log₁₀ are 1.2e-7 in natural logarithms, and rounding to Float up to half a unit of 16's.
    for (a, b) in zip(read.trie.logProbabilities, model.trie.logProbabilities) where b.isFinite {
      #expect(abs(a - b) < 2e-6)
    }
    for (a, b) in zip(read.trie.logBackoffs, model.trie.logBackoffs) { #expect(abs(a - b) < 2e-6) }
  }

  @Test("Damaged files end in an error or a model, whatever the damage")
  func fuzz() throws {
    let result = try Fuzz("arpa", [Array(Self.text.utf8)]) { bytes, _ in
      do {
        let model = try NGramModel(arpa: ByteSource(bytes, name: "x.arpa"))
        for score in scores(model, "a b c a b") { #expect(!score.isNaN) }
      } catch let error as TextError {
        #expect(error.line > 0)
        throw error
      }
    }
    #expect(result.complaints == [])
  }
}

@Suite("Files of counts")
struct CountFileTests {
  static let text = """
    </s>\t3
    <s>\t3
    <s> a\t2
    <s> a b\t2
    <s> b\t1
    <s> b </s>\t1
    a\t3
    a b\t3
    a b </s>\t2
    a b a\t1
    b\t4
    b </s>\t3
    b a\t1
    b a b\t1

    """

  private func read(_ bytes: [UInt8], minimumCount: Int = 1) throws -> CountedText {
    try CountedText(
      ByteSource(bytes, name: "c"), order: 3, tokenizer: Tokenizer(),
      vocabulary: .counted(minimumCount: minimumCount, maximumSize: nil))
  }

  private func train(_ bytes: [UInt8], in folder: String) throws -> StoredModel {
    try LargeText(
      counts: ByteSource(bytes, name: "c"), order: 3, tokenizer: Tokenizer(),
      vocabulary: .counted(minimumCount: 1, maximumSize: nil),
      limit: CountingLimit(memory: 0, folder: folder, leastRoom: 64)
    ).train(.init())
  }

  @Test("Counts give the model of their text", arguments: [1, 4])
  func sameModel(minimumCount: Int) throws {
    // The text is: a b / a b a b / b.
    let counted = try read(Array(Self.text.utf8), minimumCount: minimumCount)
    let words = ["a b", "a b a b", "b"]
    let vocabulary = counted.vocabulary
    let tokens = words.flatMap { $0.split(separator: " ").map { vocabulary.id(of: String($0)) } + [1] }
    let expected = NGramModel(tokens: tokens, vocabulary: vocabulary, options: .init())
    let model = NGramModel(counts: counted.counts, vocabulary: counted.vocabulary, options: .init())
    #expect(model.trie.words == expected.trie.words && model.trie.suffixes == expected.trie.suffixes)
    #expect(model.trie.firstChildren == expected.trie.firstChildren)
    #expect(model.trie.logProbabilities == expected.trie.logProbabilities)
    #expect(model.trie.logBackoffs == expected.trie.logBackoffs)
    #expect(counted.sizes.tokens == tokens.count && counted.sizes.sentences == 3)
    #expect(counted.sizes.unknownTokens == (minimumCount == 1 ? 0 : 3))
  }

  @Test(
    "What cannot be counts of a text is told with its line",
    arguments: [
      ("a b\t3", "a b 3", "c:8: no tab between an n-gram and its count"),
      ("a b\t3", "a b\tx", "c:8: a count is a whole number, not 'x'"),
      ("a b\t3\n", "a b\t3\na b\t3\n", "c:9: the same n-gram as on the line before"),
      ("<s> b\t1", "<s> ab\t1\n<s> aa\t1", "c:6: not in order; sort the file with: LC_ALL=C sort"),
      (
        "<s> a\t2\n", "",
        "c:3: an n-gram without a line for it without its last word before it; unless that is missing, LC_ALL=C sort mends the file"
      ),
      (
        "<s>\t3", "<s>\t2",
        "c:5: the n-grams with this beginning are counted more often than the beginning itself"
      ),
      ("a b a\t1", "a b <s>\t1", "c:10: <s> behind another word"),
      ("</s>\t3", "</s>\t5000000000", "c:1: a count above 4,294,967,295"),
      (
        "b a\t1\nb a b\t1\n", "",
        "c: has the n-gram 'a b a', but not 'b a'; these cannot be all the counts of a text, as lmctl count writes them"
      ),
      (
        "a b </s>\t2\na b a\t1\n", "",
        "c: has the n-gram 'b a', but none that ends with it; these cannot be all the counts of a text, as lmctl count writes them"
      ),
    ])
  func errors(old: String, new: String, message: String) {
    #expect(Self.text.contains(old))
    do {
      _ = try read(Array(Self.text.replacingOccurrences(of: old, with: new).utf8))
      Issue.record("no error for '\(new)'")
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test("Damaged files end in an error or in counts, whatever the damage")
  func fuzz() throws {
    let folder = try TemporaryFolder()
    let result = try Fuzz("counts", [Array(Self.text.utf8)]) { bytes, round in
      if round % 10 == 0 {
        // In files, the same counts are good.
        let isGood = (try? read(bytes)) != nil
        #expect(((try? train(bytes, in: folder(""))) != nil) == isGood)
      }
      do {
        let counted = try read(bytes)
        let model = NGramModel(counts: counted.counts, vocabulary: counted.vocabulary, options: .init())
        var row: [Float] = []
        model.logProbabilities(after: model.initialState, into: &row)
        #expect(row.allSatisfy { $0 <= 1e-3 })
      } catch let error as TextError {
        #expect(error.line > 0)
        throw error
      }
    }
    #expect(result.complaints == [])
    let merged = try Fuzz("counts-merge", [Array(Self.text.utf8)], seed: 2) { bytes, _ in
      try folder.write("a", bytes)
      try folder.write("b", text: Self.text)
      _ = try CountFiles.merge([folder("a"), folder("b")], to: folder("sum"))
    }
    #expect(merged.complaints == [])
  }
}
