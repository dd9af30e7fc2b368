import Foundation

/// A folder that is deleted with the value that made it.
public final class TemporaryFolder {
  /// Its path.
  public let path: String

  /// Makes a new, empty folder.
  public init() throws {
    path = NSTemporaryDirectory() + "lmctl-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in the folder.
  public func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }

  /// Writes a file of text and returns its path.
  @discardableResult
  public func write(_ name: String, text: String) throws -> String { try write(name, text.utf8) }

  /// The bytes of a file.
  public func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
  }

  /// The names of the files in the folder.
  public var contents: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

/// The project's own folder, for tests that use its corpora and its README.
public let projectFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
