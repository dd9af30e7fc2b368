import Glibc
import LanguageModels

/// Whoever read our standard output has gone.
struct ClosedPipe: Error {}

/// Standard error and the terminal.
enum Terminal {
  /// Whether a person watches standard error.
  static let isWatched = isatty(STDERR_FILENO) == 1

  /// Writes `text` to standard error.
  static func error(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)[...]
      while !rest.isEmpty {
        let count = write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno != EINTR { return }
        rest = rest.dropFirst(max(0, count))
      }
    }
  }

  /// A remark of one line.
  static func note(_ text: String) { error("lmctl: \(text)\n") }

  /// Says that the program waits for what a person types, if that is so, so that it does not look hung.
  static func announce(_ source: ByteSource) {
    if source.isTerminal { note("reading text from the terminal; end with Ctrl-D") }
  }
}

/// One line on the terminal that shows how far a task has come; nothing where nobody watches.
struct ProgressLine {
  private var isShown = false
  private let isEnabled: Bool
  private let started = Stopwatch()
  private var shownAt = 0.0

  /// A line that moves only on a terminal, and only if `isQuiet` is false.
  init(isQuiet: Bool) { isEnabled = Terminal.isWatched && !isQuiet }

  /// Shows `text`, at most ten times a second, not before half a second.
  mutating func show(_ text: @autoclosure () -> String) {
    guard isEnabled, started.seconds > 0.5, started.seconds - shownAt > 0.1 else { return }
    shownAt = started.seconds
    isShown = true
    Terminal.error("\r\u{1B}[K\(text())")
  }

  /// Takes the line away.
  mutating func clear() {
    if isShown { Terminal.error("\r\u{1B}[K") }
    isShown = false
  }
}

/// Time since its creation.
struct Stopwatch {
  private let start = ContinuousClock.now

  /// Seconds so far.
  var seconds: Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

/// What happens on SIGINT and SIGTERM.
enum Interrupts {
  /// Removes temporary files and exits with 130 or 143; nothing else on disk is touched.
  ///
  /// The signals are blocked in all threads and awaited by one, which may then do anything, unlike a signal handler.
  static func removeTemporaryFilesAndExit() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        var received: Int32 = 0
        sigwait(&signals, &received)
        TemporaryFiles.deleteAll()
        Terminal.error("\n")
        _exit(128 + received)
      }, nil)
    pthread_detach(thread)
  }
}
