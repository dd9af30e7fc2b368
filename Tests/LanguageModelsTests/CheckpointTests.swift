import Foundation
import LanguageModels
import TestSupport
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
  private func example() -> Checkpoint {
    Checkpoint(
      model: "example", programVersion: "1.2.3", tokenizer: Tokenizer(unit: .char, lowercase: true),
      vocabulary: Vocabulary(unit: .char, tokens: ["a", "\"", "\\", "\u{7F}", "é", "😀", "\u{1}"]),
      otherVocabularies: [
        ("source", Vocabulary(unit: .char, tokens: ["x", "y"])),
        ("target", Vocabulary(unit: .char, tokens: [])),
      ],
      configuration: ["order": 3, "rate": 0.1, "deep": [1, [2, true]]],
      training: ["sha256": "abc"],
      tensors: [
        Tensor("weights", shape: [2, 3], [0, -1.5, .infinity, -.infinity, 3.4e38, .leastNonzeroMagnitude]),
        Tensor("ids", [0, 1, UInt32.max, 7, 8]),
        Tensor("none", [Float]()),
      ])
  }

  private func expectEqual(_ a: Checkpoint, _ b: Checkpoint) throws {
    #expect(a.model == b.model && a.programVersion == b.programVersion && a.tokenizer == b.tokenizer)
    #expect(a.vocabulary.tokens == b.vocabulary.tokens)
    for name in ["source", "target"] {
      #expect(try a.vocabulary(name).tokens == b.vocabulary(name).tokens)
    }
    #expect(throws: CheckpointError.self) { try a.vocabulary("labels") }
    #expect(a.configuration == b.configuration && a.training == b.training)
    // By name, as models find them: a tensor whose name was damaged is missing.
    #expect(try a.floats("weights") == b.floats("weights"))
    #expect(try a.integers("ids") == b.integers("ids"))
    #expect(try a.floats("none") == b.floats("none"))
    #expect(a.tensors.map(\.shape) == b.tensors.map(\.shape))
  }

  @Test("What is written is read", arguments: TensorFormat.allCases)
  func roundTrip(format: TensorFormat) throws {
    let folder = try TemporaryFolder()
    try example().write(to: folder("m.json"), tensors: format)
    try expectEqual(try Checkpoint(path: folder("m.json")), example())
    #expect(folder.contents == ["m.json"])
  }

  @Test("Tensors larger than any block are read as written", arguments: [1, 2, 3, 700_001])
  func largeTensors(count: Int) throws {
    let folder = try TemporaryFolder()
    var checkpoint = example()
    let values = (0..<count).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    checkpoint.tensors = [Tensor("ids", values)]
    try checkpoint.write(to: folder("m.json"))
    #expect(try Checkpoint(path: folder("m.json")).integers("ids") == values)
  }

  @Test("A change of any one byte is an error, or changes nothing", arguments: [UInt8(0x01), 0x20, 0x80])
  func flippedBytes(mask: UInt8) throws {
    let folder = try TemporaryFolder()
    try example().write(to: folder("m.json"))
    let bytes = try folder.read("m.json")
    for i in bytes.indices {
      var damaged = bytes
      damaged[i] ^= mask
      try folder.write("d.json", damaged)
      do {
        try expectEqual(try Checkpoint(path: folder("d.json")), example())
      } catch let error as CheckpointError {
        #expect(!error.reason.contains("\n"))
      }
    }
  }

  @Test("A file cut short anywhere is an error")
  func truncated() throws {
    let folder = try TemporaryFolder()
    try example().write(to: folder("m.json"))
    let bytes = try folder.read("m.json")
    for length in 0..<bytes.count - 1 {
      try folder.write("d.json", bytes[..<length])
      #expect(throws: CheckpointError.self) { try Checkpoint(path: folder("d.json")) }
    }
  }

  private func edited(_ old: String, _ new: String) throws -> String {
    let folder = try TemporaryFolder()
    try example().write(to: folder("m.json"))
    let text = String(decoding: try folder.read("m.json"), as: UTF8.self)
    #expect(text.contains(old))
    try folder.write("d.json", text: text.replacingOccurrences(of: old, with: new))
    do {
      _ = try Checkpoint(path: folder("d.json"))
      return ""
    } catch { return "\(error)" }
  }

  @Test("Each kind of damage is named")
  func messages() throws {
    #expect(try edited("\"format\":\"lmctl\"", "\"format\":\"other\"").contains("its format is \"other\""))
    #expect(try edited("\"format_version\":1", "\"format_version\":2").contains("newer lmctl"))
    #expect(
      try edited("\"shape\":[2,3]", "\"shape\":[2,30000000000]").contains("more than the file can hold"))
    #expect(
      try edited("\"shape\":[2,3]", "\"shape\":[9223372036854775807,9]").contains(
        "more than the file can hold"))
    #expect(try edited("\"shape\":[2,3]", "\"shape\":[2,4]").contains("the 8 elements of its shape"))
    #expect(try edited("\"shape\":[2,3]", "\"shape\":[2,-3]").contains("whole numbers"))
    #expect(try edited("\"float32\"", "\"float8\"").contains("'float8'"))
    #expect(try edited("\"order\":3", "\"order\":4").contains("header_crc32"))
    #expect(try edited("\"é\"", "\"a\"").contains("repeats a token"))
    #expect(try edited("{\"format\"", "[" + String(repeating: "[", count: 100) + "{\"format\"") != "")
    #expect(
      try edited("\"training\":{", "\"training\":\(String(repeating: "[", count: 500)){").contains("nested"))
    #expect(try edited("\n]}\n", "\n]} x\n").contains("something follows"))
  }

  @Test("Layout does not matter, and a header without checksum may be edited")
  func foreignLayout() throws {
    #expect(try edited(",\n\"", " ,\r\n\t \"") == "")
    let folder = try TemporaryFolder()
    try example().write(to: folder("m.json"))
    var text = String(decoding: try folder.read("m.json"), as: UTF8.self)
    text = text.replacingOccurrences(of: "\"order\":3", with: "\"order\":4")
    let start = try #require(text.range(of: "\"header_crc32\""))
    let end = try #require(text.range(of: "\"tensors\""))
    text.removeSubrange(start.lowerBound..<end.lowerBound)
    try folder.write("d.json", text: text)
    #expect(try Checkpoint(path: folder("d.json")).configuration["order"] == 4)
  }

  @Test("A failed write leaves the old file as it was")
  func failedWrite() throws {
    let folder = try TemporaryFolder()
    try folder.write("m.json", text: "old")
    #expect(throws: FileError.self) { try example().write(to: folder("missing/m.json")) }
    #expect(throws: FileError.self) { try example().write(to: folder.path) }
    #expect(String(decoding: try folder.read("m.json"), as: UTF8.self) == "old")
    #expect(folder.contents == ["m.json"])
  }
}
