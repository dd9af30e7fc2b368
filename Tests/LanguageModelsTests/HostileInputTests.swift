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
}

extension Outcome {
  fileprivate func expectSuccess() { #expect(status == 0, "\(error)") }
}
