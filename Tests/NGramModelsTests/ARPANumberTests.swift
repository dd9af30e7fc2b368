import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

@Suite("Numbers and words of ARPA files")
struct ARPANumberTests {
  private func read(_ text: String) throws -> NGramModel {
    try NGramModel(arpa: ByteSource(Array(text.utf8), name: "x.arpa"))
  }

  /// The text that a model is written as.
  private func written(_ model: NGramModel, _ folder: TemporaryFolder) throws -> String {
    try model.writeARPA(to: folder("x.arpa"), tokenizer: NGramModel.foreignTokenizer)
    return try String(contentsOfFile: folder("x.arpa"), encoding: .utf8)
  }

  /// The model after a checkpoint.
  private func stored(_ model: NGramModel, _ folder: TemporaryFolder) throws -> NGramModel {
    let checkpoint = Checkpoint(
      model: NGramModel.kind, programVersion: "1", tokenizer: Tokenizer(), vocabulary: model.vocabulary,
      configuration: model.configuration, training: [:], tensors: model.tensors)
    try checkpoint.write(to: folder("x.json"))
    return try NGramModel(Checkpoint(path: folder("x.json")))
  }

  /// ln p of each of `words`, of which `</s>` ends a sentence.
  private func scores(_ model: NGramModel, _ words: String) -> [Float] {
    let tokens = words.split(separator: " ").map { $0 == "</s>" ? 1 : model.vocabulary.id(of: String($0)) }
    var state = model.initialState
    var scores: [Float] = []
    model.score(tokens[...], context: .sentence, after: &state, into: &scores)
    return scores
  }

  @Test("Words are split where KenLM splits them: not at a vertical tab or a form feed, nor beyond ASCII")
  func words() throws {
    // Written by lmplz; KenLM's query splits the text at both, and finds a perplexity of 6.3197.
    let text = """
      \\data\\
      ngram 1=9
      ngram 2=9

      \\1-grams:
      -1.20412\t<unk>\t0
      0\t<s>\t-0.30103
      -0.63984853\t</s>\t0
      -0.9279136\tone\u{B}two\t-0.30103
      -0.9279136\tthree\t-0.30103
      -0.9279136\tfour\u{C}five\t-0.30103
      -0.9279136\tsix\t-0.30103
      -0.9279136\tseven\t-0.30103
      -0.9279136\teight\t-0.30103

      \\2-grams:
      -0.21141924\tthree </s>
      -0.21141924\tsix </s>
      -0.21141924\teight </s>
      -0.6464791\t<s> one\u{B}two
      -0.2525666\tone\u{B}two three
      -0.6464791\t<s> four\u{C}five
      -0.2525666\tfour\u{C}five six
      -0.6464791\t<s> seven
      -0.2525666\tseven eight

      \\end\\
      """
    let (model, tokenizer, context) = try NGramModel.read(arpa: ByteSource(Array(text.utf8), name: "x"))
    #expect(tokenizer.separator == .ascii && tokenizer.unit == .word && context == nil)
    let found = scores(model, "one two three </s> four five six </s> seven eight </s>")
    let perplexity = exp(-found.reduce(0) { $0 + Double($1) } / Double(found.count))
    #expect(abs(perplexity - 6.3197) < 5e-5)

    let wide = try read(
      text.replacingOccurrences(of: "\u{B}", with: "\u{A0}").replacingOccurrences(
        of: "\u{C}", with: "\u{3000}"))
    #expect(wide.vocabulary.tokens[2...4] == ["one\u{A0}two", "three", "four\u{3000}five"])
    #expect(wide.vocabulary.unit == .word)

    // Every number is written as it stands there, also by way of a checkpoint.
    let folder = try TemporaryFolder()
    let lines = try written(model, folder).split(separator: "\n")
    for line in text.split(separator: "\n") {
      let usual = line.hasSuffix("\t0") ? line.dropLast(2) : line
      #expect(lines.contains(line.hasPrefix("0\t<s>") ? "0\t<s>\t-0.30103" : usual), "\(line)")
    }
    let plain = try read(text.replacing("\u{B}", with: "-").replacing("\u{C}", with: "-"))
    let first = try written(plain, folder)
    #expect(try written(stored(plain, folder), folder) == first)
  }

  @Test("Zero is -99, there and back")
  func zero() throws {
    let folder = try TemporaryFolder()
    let text = ARPATests.text.replacingOccurrences(of: "-0.25\ta b\t-0.5", with: "-99.0\ta b\t-0.5")
      .replacingOccurrences(of: "-0.625\tb\t-0.375", with: "-0.625\tb\t-99")
    var model = try read(text)
    for _ in 0..<3 {
      #expect(scores(model, "a a b </s>")[2] == -.infinity)
      #expect(scores(model, "b b </s>")[1] == -.infinity)
      #expect(scores(model, "b </s>").allSatisfy { $0.isFinite })
      var row: [Float] = []
      model.logProbabilities(after: model.initialState, into: &row)
      #expect(row.allSatisfy { !$0.isNaN })
      let again = try written(model, folder)
      #expect(again.contains("\n-99\ta b\t-0.5\n") && again.contains("\n-0.625\tb\t-99\n"))
      #expect(again.contains("\n-99\t<s>\t-0.25\n"))
      model = try read(written(stored(model, folder), folder))
    }
  }

  @Test("Maximum likelihood has an infinite perplexity before and after")
  func maximumLikelihood() throws {
    let folder = try TemporaryFolder()
    let vocabulary = Vocabulary(unit: .word, tokens: ["red", "blue", "green", "yellow"])
    var options = NGramModel.Options()
    (options.order, options.smoothing) = (2, .maximumLikelihood)
    // red blue green red blue / red red blue yellow / green blue red
    let model = NGramModel(
      tokens: [2, 3, 4, 2, 3, 1, 2, 2, 3, 5, 1, 4, 3, 2, 1], vocabulary: vocabulary, options: options)
    let test: [TokenID] = [2, 3, 1, 4, 1, 2, 2, 0, 3, 1]
    #expect(model.crossEntropy(of: test) == .infinity)
    let text = try written(model, folder)
    let again = try read(text)
    #expect(again.crossEntropy(of: test) == .infinity)
    #expect(try written(again, folder) == text)
  }

  @Test("Numbers keep their digits, however often a model is converted")
  func digits() throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 5)
    var numbers: Set<String> = [
      "-99.00001", "-98.99999", "-100", "-250.5", "-1234.5", "-1e+20", "-1e-09", "0",
    ]
    for _ in 0..<3000 {
      let magnitude = pow(10, 4 * generator.uniform() - 2)
      // As SRILM, KenLM and lmctl write them.
      numbers.insert(String(format: "%.7g", -magnitude))
      numbers.insert("\(Float(-magnitude))")
      numbers.insert(String(format: "%.4f", -magnitude))
    }
    let values = numbers.sorted().map { $0.hasSuffix(".0") ? String($0.dropLast(2)) : $0 }
      .map { text in
        guard text.contains("."), !text.contains("e") else { return text }
        return text.replacing(/\.?0+$/, with: "")
      }.filter { $0 != "-0" && $0 != "-99" }
    var text = "\\data\\\nngram 1=\(values.count + 3)\nngram 2=1\n\n\\1-grams:\n-1\t<unk>\n-1\t</s>\n"
    for (i, value) in values.enumerated() {
      // A weight of 1 is left out.
      let backoff = values[(i + 7) % values.count]
      text += "\(value)\tw\(i)\(backoff == "0" ? "" : "\t" + backoff)\n"
    }
    text += "-99\t<s>\n\n\\2-grams:\n-0.5\t<s> w1\n\n\\end\\\n"
    let model = try read(text)
    #expect(try written(model, folder) == text)
    #expect(try written(read(text), folder) == text)
    #expect(try written(stored(stored(model, folder), folder), folder) == text)
    let lowest = try #require(values.firstIndex(of: "-99.00001"))
    #expect(model.trie.logProbabilities[lowest + 2].isFinite)
  }

  @Test("A model's own file is read and written as it is", arguments: [2, 3])
  func ownFile(order: Int) throws {
    let folder = try TemporaryFolder()
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<200).map { "w\($0)" })
    var options = NGramModel.Options()
    options.order = order
    let model = NGramModel(
      tokens: RandomText.tokens(sentences: 500, vocabularySize: 200, seed: 3), vocabulary: vocabulary,
      options: options)
    let text = try written(model, folder)
    let again = try read(text)
    #expect(try written(again, folder) == text)
    #expect(try written(stored(again, folder), folder) == text)
    // Seven decimals need no further tensors.
    #expect(again.tensors.map(\.name) == model.tensors.map(\.name))
  }

  @Test(
    "A number beyond single precision, infinity and NaN are errors",
    arguments: [
      ("-0.25\ta b", "1e39\ta b", "'1e39' as the logarithm of a probability is beyond single precision"),
      ("-0.25\ta b", "-1e39\ta b", "'-1e39' as the logarithm of a probability is beyond single precision"),
      ("a b\t-0.5", "a b\t1e39", "'1e39' as the logarithm of a back-off weight is beyond single precision"),
      ("a b\t-0.5", "a b\t2e38", "'2e38' as the logarithm of a back-off weight is beyond single precision"),
      ("a b\t-0.5", "a b\t-4e38", "'-4e38' as the logarithm of a back-off weight is beyond single precision"),
      ("a b\t-0.5", "a b\t1e999", "'1e999' is not the logarithm of a back-off weight"),
      ("a b\t-0.5", "a b\tinf", "'inf' is not the logarithm of a back-off weight"),
      ("-0.25\ta b", "nan\ta b", "'nan' is not the logarithm of a probability"),
    ])
  func overflow(old: String, new: String, message: String) {
    #expect(ARPATests.text.contains(old))
    do {
      _ = try read(
        ARPATests.text.replacingOccurrences(
          of: old, with: new))
      Issue.record("no error for '\(new)'")
    } catch {
      #expect("\(error)" == "x.arpa:17: \(message)")
    }
  }

  @Test("Orders up to 255 are read", arguments: [17, 255, 256])
  func orders(order: Int) throws {
    var text = "\\data\\\nngram 1=4\n"
    for n in 2...order { text += "ngram \(n)=1\n" }
    text += "\n\\1-grams:\n-1\t<unk>\n-1\t</s>\n-99\t<s>\t-1\n-0.5\ta\t-1\n"
    for n in 2...order {
      text += "\n\\\(n)-grams:\n-0.\(n)\t" + Array(repeating: "a", count: n).joined(separator: " ") + "\n"
    }
    text += "\n\\end\\\n"
    if order > 255 {
      #expect(throws: TextError.self) { try read(text) }
      return
    }
    let model = try read(text)
    let words = Array(repeating: "a", count: order + 2).joined(separator: " ")
    let last = try #require(scores(model, words).last)
    #expect(model.trie.order == order && abs(Double(last) / M_LN10 + (Double("0.\(order)") ?? 0)) < 1e-6)
    let folder = try TemporaryFolder()
    #expect(try written(model, folder).contains("ngram \(order)=1\n"))
  }

  @Test("A file without <s> gets a remark")
  func noSentenceStart() throws {
    let text = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<unk>\n-1\t</s>\n-0.5\ta\n\n\\end\\\n"
    var notices: [String] = []
    _ = try NGramModel(arpa: ByteSource(Array(text.utf8), name: "x.arpa")) { notices.append($0) }
    #expect(
      notices == [
        "x.arpa: it has no <s>; the first word of a sentence gets its probability without a context"
      ])
  }
}
