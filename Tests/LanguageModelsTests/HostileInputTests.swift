import Foundation
import LanguageModels
import TestSupport
import Testing

/// Files that nobody wrote in good faith: each ends in a sentence, in bounded time and memory.
@Suite("Hostile input")
struct HostileInputTests {
  private static let head =
    #"{"format":"lmctl","format_version":1,"model":"m","tokenizer":{"unit":"word"},"vocabulary":["<unk>","</s>"],"#
    + #""configuration":{},"training":{},"tensors":["#

  private func refusal(_ text: String) -> String {
    do {
      _ = try Checkpoint(ByteSource(Array(text.utf8), name: "m.json"))
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("Signs before a number are one sign, however many there are")
  func signs() {
    for text in [String(repeating: "- ", count: 60_000), String(repeating: "-", count: 60_000), "- Infinity"]
    {
      let line = Array(#"{"event":"step","step":\#(text)"#.utf8)
      #expect(throws: TextError.self) {
        _ = try line.withUnsafeBytes { try JSONValue(parsing: $0, file: "l", allowsNonFinite: true) }
      }
    }
    let line = Array("[-Infinity, Infinity, NaN]".utf8)
    let value = try? line.withUnsafeBytes { try JSONValue(parsing: $0, file: "l", allowsNonFinite: true) }
    #expect(value?.elements?.first == .number(-.infinity))
  }

  @Test("Deep, many and huge values are refused")
  func values() {
    for text in [
      String(repeating: "[", count: 100_000), "[" + String(repeating: "1,", count: 1 << 20) + "1]", "1e999",
      "\"" + String(repeating: "a", count: 1 << 26) + "a\"", String(repeating: " ", count: 1 << 25) + "1",
    ] {
      #expect(throws: TextError.self) { _ = try JSONValue(parsing: Array(text.utf8), file: "x") }
    }
  }

  @Test("A hundred thousand tensors are read in the time of their bytes")
  func manyTensors() throws {
    let tensors = (0..<100_000).map { #"{"name":"t\#($0)","shape":[0],"dtype":"float32","data":""}"# }
    let start = ContinuousClock.now
    let text = Self.head + tensors.joined(separator: ",") + "]}"
    let checkpoint = try Checkpoint(ByteSource(Array(text.utf8), name: "m.json"))
    #expect(checkpoint.tensors.count == 100_000)
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("A shape behind the data of a tensor, or a second one, is not believed")
  func shapes() {
    let data = #""dtype":"float32","data":"AAAAAA==""#
    #expect(
      refusal(Self.head + #"{"name":"w","shape":[1],\#(data),"shape":[1000]}]}"#).contains(
        "has 'shape' twice"))
    #expect(refusal(Self.head + #"{"name":"w",\#(data),"shape":[1]}]}"#).contains("before its name, shape"))
    for shape in [
      "[4294967296,4294967296]", "[9223372036854775807]", "[1000000000]", "[-1]", "[1.5]", "[null]",
    ] {
      #expect(refusal(Self.head + #"{"name":"w","shape":\#(shape),\#(data)}]}"#) != "")
    }
  }

  @Test("What comes through a pipe takes memory as it comes, and the same checkpoint comes of it")
  func pipes() throws {
    let folder = try TemporaryFolder()
    let values = (0..<1_500_001).map { Float($0) }
    let checkpoint = Checkpoint(
      model: "m", programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Vocabulary(unit: .word, tokens: []),
      configuration: [:], training: [:],
      tensors: [
        Tensor("w", values), Tensor("codes", [UInt8](repeating: 7, count: 1_000_000)), Tensor("e", [Float]()),
      ])
    try checkpoint.write(to: folder("m.json.gz"))
    let read = try Checkpoint(path: folder("m.json.gz"))
    #expect(try read.floats("w") == values && read.bytes("codes").count == 1_000_000)
    // A shape of gigabytes with nothing behind it.
    let text = Self.head + #"{"name":"w","shape":[1000000000],"dtype":"float32","data":"AAAA"}]}"#
    try folder.write("short.json", text: text)
    try Executable.launch("/bin/sh", ["-c", "gzip -k short.json"], in: folder.path, input: "").expectSuccess()
    #expect(throws: CheckpointError.self) { try Checkpoint(path: folder("short.json.gz")) }
  }

  @Test("A vocabulary that repeats a token is refused where it does")
  func repeatedTokens() {
    let text = Self.head.replacing(#""</s>"]"#, with: #""</s>","a","a"]"#)
    #expect(refusal(text + "]}").contains("repeats a token"))
    #expect(refusal(Self.head.replacing(#""</s>"]"#, with: "]") + "]}") != "")
  }

  @Test("A line without an end is refused, and one with a NUL byte before it is over")
  func endlessLines() throws {
    let reader = LineReader(
      ByteSource([UInt8](repeating: 65, count: 3 << 20), name: "x"), maximumLength: 1 << 20)
    #expect(throws: TextError.self) { while try reader.next() != nil {} }
    let sentences = SentenceReader(["/dev/zero"], tokenizer: Tokenizer())
    #expect(throws: TextError.self) { try sentences.next() }
    let bytes = SentenceReader(["/dev/zero"], tokenizer: Tokenizer(unit: .byte))
    #expect { try bytes.next() } throws: {
      "\($0)" == "/dev/zero:1: 16 MB of NUL bytes and nothing else; is this the right file?"
    }
    // A file may hold as many.
    let zeros = LineReader(ByteSource([UInt8](repeating: 0, count: 20 << 20), name: "x"))
    #expect(try zeros.next()?.count == 20 << 20)
    #expect(throws: FileError.self) { try Vocabulary(file: "/dev/zero", unit: .word) }
    #expect(throws: CheckpointError.self) { try Checkpoint(path: "/dev/zero") }
    // A long line is read all the same.
    let long = LineReader(ByteSource([UInt8](repeating: 65, count: 50 << 20), name: "x"))
    #expect(try long.next()?.count == 50 << 20)
  }

  @Test("Control characters are made visible, and nothing else is changed")
  func controls() {
    #expect("a\u{1B}[31m\u{9B}2J\n\t\u{7F}".withVisibleControls == #"a\u{1b}[31m\u{9b}2J\u{a}\u{9}\u{7f}"#)
    #expect(
      "\u{202E}\u{2066}\u{2028}\u{200F}\u{61C}".withVisibleControls
        == #"\u{202e}\u{2066}\u{2028}\u{200f}\u{61c}"#)
    for text in ["", "plain", "Grüße, 日本 👩‍👩‍👧 é\u{301}", "a\u{A0}b"] {
      #expect(text.withVisibleControls == text)
    }
  }

  @Test("Damaged checkpoints end in a sentence or a checkpoint, with checksums and without")
  func fuzz() throws {
    let rounds = ProcessInfo.processInfo.environment["LMCTL_FUZZ_ROUNDS"].flatMap(Int.init) ?? 3000
    let folder = try TemporaryFolder()
    try Checkpoint(
      model: "m", programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Vocabulary(unit: .word, tokens: ["a", "é"]),
      configuration: ["order": 3, "deep": [1, [2, true]]], training: ["x": "y"],
      tensors: [
        Tensor("w", shape: [2, 3], [0, 1, 2, 3, 4, 5] as [Float]), Tensor("c", [1, 2, 3] as [UInt8]),
      ]
    ).write(to: folder("m.json"))
    let whole = String(decoding: try folder.read("m.json"), as: UTF8.self)
    let bare = whole.replacing(/"(header_)?crc32":"[0-9a-f]*",/, with: "")
    var generator = SeededGenerator(seed: 5)
    var read = 0
    for round in 0..<rounds {
      var bytes = Array((round % 2 == 0 ? whole : bare).utf8)
      for _ in 0...Int.random(in: 0..<3, using: &generator) { Self.damage(&bytes, &generator) }
      do {
        let checkpoint = try Checkpoint(ByteSource(bytes, name: "m.json"))
        for tensor in checkpoint.tensors {
          #expect(tensor.shape.reduce(1, *) == tensor.elements.count)
        }
        read += 1
      } catch is CheckpointError {
      }
    }
    #expect(read > rounds / 100)
  }

  @Test("Damaged vocabularies, configurations and lines of logs end in a sentence or in what they say")
  func fuzzLists() throws {
    let rounds = ProcessInfo.processInfo.environment["LMCTL_FUZZ_ROUNDS"].flatMap(Int.init) ?? 3000
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 6)
    let vocabulary = Array("<unk>\n</s>\nthe\ncat\t3\n日本\n\\u{20}\n".utf8)
    let line = Array(
      #"{"event":"step","step":10,"loss":-Infinity,"x":[NaN,1e5,"\u00e9"],"deep":{"a":[null]}}"#.utf8)
    for round in 0..<rounds {
      var bytes = line
      for _ in 0...Int.random(in: 0..<3, using: &generator) { Self.damage(&bytes, &generator) }
      _ = try? bytes.withUnsafeBytes { try JSONValue(parsing: $0, file: "l", allowsNonFinite: true) }
      guard round % 10 == 0 else { continue }
      bytes = vocabulary
      Self.damage(&bytes, &generator)
      try folder.write("v", bytes)
      do {
        _ = try Vocabulary(file: folder("v"), unit: round % 20 == 0 ? .word : .char)
      } catch is UserError {
      }
    }
  }

  /// One change at random.
  private static func damage(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &generator)
    let end = min(bytes.count, place + Int.random(in: 1..<20, using: &generator))
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.removeSubrange(place..<end)
    case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 4:
      let tokens = ["-1", "1e999", "18446744073709551616", "null", "\"", "[", "{", "\\ud800", "\u{0}", ","]
      bytes.insert(contentsOf: tokens[Int.random(in: 0..<tokens.count, using: &generator)].utf8, at: place)
    default: bytes.removeSubrange(place...)
    }
  }
}

extension Outcome {
  fileprivate func expectSuccess() { #expect(status == 0, "\(error)") }
}
