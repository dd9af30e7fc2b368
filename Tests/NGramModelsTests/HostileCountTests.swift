import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

/// Counts that are too large, and counts of words that hold control characters.
@Suite("Hostile counts")
struct HostileCountTests {
  private func merge(_ texts: [String], in folder: TemporaryFolder) throws -> String {
    var paths: [String] = []
    for (i, text) in texts.enumerated() {
      try folder.write("c\(i)", text: text)
      paths.append(folder("c\(i)"))
    }
    _ = try CountFiles.merge(paths, to: folder("sum"))
    return String(decoding: try folder.read("sum"), as: UTF8.self)
  }

  @Test("Counts are added up as far as a file can hold them, and then refused")
  func sums() throws {
    let folder = try TemporaryFolder()
    let large = "</s>\t499999999999999999\na\t4294967296\n"
    #expect(try merge([large, large], in: folder) == "</s>\t999999999999999998\na\t8589934592\n")
    let most = "</s>\t999999999999999999\n"
    for count in [2, 20] {
      #expect(throws: TextError.self) { try merge(Array(repeating: most, count: count), in: folder) }
    }
    // What is read is what was written.
    #expect(try merge([most], in: folder) == most)
  }

  @Test(
    "Counts beyond 32 bits are refused where a model would need them",
    arguments: [4_294_967_296, 4_294_967_295])
  func training(count: Int) throws {
    let text = "</s>\t\(count)\n<s>\t\(count)\n<s> </s>\t\(count)\n"
    #expect(throws: (any Error).self) {
      _ = try CountedText(
        ByteSource(Array(text.utf8), name: "c"), order: 2, tokenizer: Tokenizer(),
        vocabulary: .counted(minimumCount: 1, maximumSize: nil))
    }
  }

  @Test(
    "Words with control characters are counted, sorted as LC_ALL=C sort does, merged and read",
    arguments: [nil, 1 << 24])
  func controlCharacters(memory: Int?) throws {
    let folder = try TemporaryFolder()
    let text = (1..<32).filter { !(9...13).contains($0) }
      .map { "a\(Unicode.Scalar(UInt8($0))) a\(Unicode.Scalar(UInt8($0)))b a b\n" }.joined()
    try folder.write("t", text: text + "\\u{1} a\u{1}\n")
    let reader = SentenceReader([folder("t")], tokenizer: Tokenizer(unit: .word))
    _ = try CountFiles.count(
      reader, order: 3, context: .sentence,
      limit: memory.map { CountingLimit(memory: $0, folder: folder.path) },
      to: folder("counts"), progress: { _ in })
    let sorted = try Executable.launch(
      "/bin/sh", ["-c", "LC_ALL=C sort -c counts && LC_ALL=C sort counts | cmp - counts"], in: folder.path,
      input: "")
    #expect(sorted.status == 0, "\(sorted.error)")
    let counts = String(decoding: try folder.read("counts"), as: UTF8.self)
    #expect(!counts.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
    #expect(
      try merge([counts, counts], in: folder).split(separator: "\n").count
        == counts.split(separator: "\n").count)
    let read = try CountedText(
      ByteSource(Array(counts.utf8), name: "c"), order: 3, tokenizer: Tokenizer(),
      vocabulary: .counted(minimumCount: 1, maximumSize: nil))
    for word in ["a\u{1}", "a\u{1F}b", "\\u{1}", "a"] {
      #expect(read.vocabulary.id(of: word) != Vocabulary.unknown)
    }
  }

  @Test("Files that LC_ALL=C sort has sorted are in order, whatever bytes are in their words")
  func foreignOrder() throws {
    let folder = try TemporaryFolder()
    let lines = ["a\u{1}\t1", "a\t2", "a\u{1} b\t1", "a b\t1", "ab\t1", "</s>\t9", "<s>\t9"]
    try folder.write("raw", text: lines.joined(separator: "\n") + "\n")
    let sorted = try Executable.launch("/bin/sh", ["-c", "LC_ALL=C sort raw"], in: folder.path, input: "")
      .output
    #expect(try merge([sorted], in: folder) == sorted)
  }

  @Test("Damaged counts end in a sentence or a model")
  func fuzz() throws {
    let rounds = ProcessInfo.processInfo.environment["LMCTL_FUZZ_ROUNDS"].flatMap(Int.init) ?? 3000
    let folder = try TemporaryFolder()
    var mutator = Mutator(seed: 12)
    var accepted = 0
    for round in 0..<rounds {
      let bytes = mutator.mutate(Array(CountFileTests.text.utf8))
      do {
        let source = ByteSource(bytes, name: "c")
        if round % 8 == 0 {
          _ = try LargeText(
            counts: source, order: 3, tokenizer: Tokenizer(),
            vocabulary: .counted(minimumCount: 1, maximumSize: nil),
            limit: CountingLimit(memory: 0, folder: folder.path, leastRoom: 64)
          ).train(NGramModel.Options())
        } else {
          let read = try CountedText(
            source, order: 3, tokenizer: Tokenizer(), vocabulary: .counted(minimumCount: 1, maximumSize: nil))
          _ = NGramModel(counts: read.counts, vocabulary: read.vocabulary, options: NGramModel.Options())
        }
        accepted += 1
      } catch is any UserError {
      }
    }
    #expect(accepted > rounds / 100)
  }
}
