import Foundation
import TestSupport
import Testing

/// One wrong command line and what must come of it.
struct Mistake: Sendable, CustomTestStringConvertible {
  let line: String
  let status: Int32
  let message: String

  init(_ line: String, _ status: Int32, _ message: String) {
    (self.line, self.status, self.message) = (line, status, message)
  }

  var testDescription: String { line }
}

/// Expects that a wrong command line ends as it should, with a sentence that is the only one unless remarks go before it.
func expect(_ mistake: Mistake, in folder: TemporaryFolder, afterRemarks: Bool = false) throws {
  let outcome = try Executable.shell(mistake.line, in: folder)
  let what: Comment = "\(mistake.line): \(outcome.status) \(outcome.error)"
  #expect(outcome.status == mistake.status && outcome.error.contains(mistake.message), what)
  #expect(afterRemarks || outcome.error.split(separator: "\n").count == 1, what)
}

/// A folder with train.txt and test.txt of the prose that ships with the project.
func proseFolder() throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  for part in ["train", "test"] {
    let path = "\(projectFolder)/corpora/prose/\(part).txt"
    try folder.write("\(part).txt", [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
  }
  return folder
}

/// What command lines print, all of which must end well.
@discardableResult
func run(_ line: String, _ folder: TemporaryFolder) throws -> String {
  let outcome = try Executable.shell("set -e\n\(line)", in: folder)
  #expect(outcome.status == 0, "\(line): \(outcome.error)")
  return outcome.output
}

/// A folder with a good text, a model of it, and much that is wrong.
func badInputFolder() throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  try folder.write("good.txt", text: String(repeating: "the cat sat on the mat\nthe dog ran\n", count: 10))
  try folder.write("empty.txt", text: "")
  try folder.write("blank.txt", text: "\n  \n\t\n")
  try folder.write("latin1.txt", Array("fine\nna\u{0}\n".utf8).map { $0 == 0 ? 0xEF : $0 })
  try folder.write("nul.txt", text: "fine\nfine\na\0b\n")
  try folder.write("plain.json", text: "[1, 2]")
  try folder.write("other.json", text: "{\"format\":\"other\"}")
  try folder.write("damaged.txt.gz", text: "this is not gzip")
  try FileManager.default.createDirectory(atPath: folder("dir"), withIntermediateDirectories: false)
  let trained = try Executable.run(
    ["train", "--model", "ngram", "good.txt", "--quiet", "-o", "model.json"], in: folder)
  let remarks = trained.error.split(separator: "\n").filter { !$0.hasPrefix("lmctl: warning: ") }
  #expect(trained.status == 0 && remarks.isEmpty, "\(trained.error)")
  return folder
}

/// A folder with all small inputs of `Fixtures`.
func fixtureFolder() throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  let fixtures = "\(projectFolder)/Tests/lmctlTests/Fixtures"
  for name in try FileManager.default.contentsOfDirectory(atPath: fixtures) {
    try folder.write(name, [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name)"))))
  }
  return folder
}

/// The number that a command line prints.
func number(_ line: String, _ folder: TemporaryFolder) throws -> Double {
  try #require(Double(try run(line, folder).trimmingCharacters(in: .whitespacesAndNewlines)))
}

/// The kinds of models that there are.
enum Kinds {
  static let networks = ["nnlm", "rnn", "gru", "lstm", "sru", "qrnn", "mingru", "minlstm"]
  static let all = ["ngram"] + networks
}

/// The JSON object that a command line writes.
func object(_ line: String, _ folder: TemporaryFolder) throws -> [String: Any] {
  let text = try run(line, folder)
  return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
