import Foundation

/// What a finished program left behind.
public struct Outcome: Sendable {
  /// Its exit status; 128 and more if a signal ended it.
  public let status: Int32
  /// What it wrote to standard output.
  public let output: String
  /// What it wrote to standard error.
  public let error: String
}

/// The built `lmctl`, driven as a user would.
public enum Executable {
  /// Its path: beside the test bundle.
  public static let path: String = {
    let test = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let candidates =
      CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) } + [test]
    return
      (candidates.map { $0.deletingLastPathComponent().appendingPathComponent("lmctl").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }) ?? "lmctl"
  }()

  /// Runs `lmctl` with `arguments` in `folder`, with `input` as standard input.
  public static func run(_ arguments: [String], in folder: TemporaryFolder, input: String = "") throws
    -> Outcome
  {
    try launch(path, arguments, in: folder.path, input: input)
  }

  /// Runs a shell command line in `folder`, with `lmctl` on the path.
  public static func shell(_ line: String, in folder: TemporaryFolder) throws -> Outcome {
    try launch("/bin/bash", ["-c", line], in: folder.path, input: "")
  }

  /// Starts a program, feeds it, and waits for its end.
  public static func launch(
    _ program: String, _ arguments: [String], in folder: String, input: String
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ProcessInfo.processInfo.environment
    let tools = URL(fileURLWithPath: path).deletingLastPathComponent().path
    environment["PATH"] = tools + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    process.environment = environment
    // Files rather than pipes, so that no order of reading and writing can block.
    let scratch = try TemporaryFolder()
    try scratch.write("in", text: input)
    for name in ["out", "err"] { try scratch.write(name, text: "") }
    process.standardInput = FileHandle(forReadingAtPath: scratch("in"))
    process.standardOutput = FileHandle(forWritingAtPath: scratch("out"))
    process.standardError = FileHandle(forWritingAtPath: scratch("err"))
    try process.run()
    process.waitUntilExit()
    let isSignal = process.terminationReason == .uncaughtSignal
    return Outcome(
      status: process.terminationStatus + (isSignal ? 128 : 0),
      output: String(decoding: try scratch.read("out"), as: UTF8.self),
      error: String(decoding: try scratch.read("err"), as: UTF8.self))
  }
}
