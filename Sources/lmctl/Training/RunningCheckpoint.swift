import Glibc
import LanguageModels
import Threads

/// The checkpoint beside the model that training writes on its way, and removes at its end.
struct RunningCheckpoint {
  /// What the model's name is followed by.
  static let suffix = ".partial"

  /// Where it goes.
  let path: String
  /// Where that of an older run is kept.
  private let oldPath: String
  private let interval: CheckpointInterval
  private var isOurs: Bool
  private var written = Stopwatch()
  private var secondsToWrite = 0.0
  private var epochs = 0

  /// A checkpoint beside `output`; `nil` if that is no file.
  ///
  /// - Parameter resumedFrom: the checkpoint that the run goes on from, which may be replaced.
  init?(beside output: String, interval: CheckpointInterval, resumedFrom: String?) {
    guard OutputTarget.isFile(output) else { return nil }
    path = Self.path(beside: output)
    oldPath = FileName.beside(output, Self.suffix + ".old")
    self.interval = interval
    isOurs = resumedFrom == path
    TemporaryFiles.removeLeftovers(beside: path)
  }

  /// The name of the running checkpoint beside `output`.
  static func path(beside output: String) -> String { FileName.beside(output, suffix) }

  /// Whether it is time to write it after step `number`.
  func isDue(afterStep number: Int) -> Bool {
    switch interval {
    case .steps(let count): number % count == 0
    case .time(let span): elapsed >= span.seconds
    // A hundredth of the time, and at most once a minute.
    case .automatic: elapsed >= max(60, 100 * secondsToWrite)
    case .epochs, .never: false
    }
  }

  /// Whether it is time to write it after an epoch.
  mutating func isDueAfterEpoch() -> Bool {
    guard case .epochs(let count) = interval else { return false }
    epochs += 1
    return epochs % count == 0
  }

  /// Whether this run has saved something, or gone on from it.
  var exists: Bool { isOurs }

  private var elapsed: Double { written.seconds }

  /// Writes `checkpoint`. A file that an older run left is kept beside it.
  mutating func write(_ checkpoint: Checkpoint) throws {
    let start = Stopwatch()
    if !isOurs, path.withSystemPath({ access($0, F_OK) }) == 0 {
      let isKept = path.withSystemPath { path in oldPath.withSystemPath { rename(path, $0) } } == 0
      guard isKept else { throw FileError(path: path, errno: errno) }
      Terminal.warn("\(path) was left by an earlier run; it is now \(oldPath)")
    }
    try checkpoint.write(to: path)
    isOurs = true
    written = Stopwatch()
    secondsToWrite = written.seconds(since: start)
  }

  /// Removes it, if it is this run's.
  func remove() {
    if exists { _ = path.withSystemPath { unlink($0) } }
  }
}
