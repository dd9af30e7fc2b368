import Glibc
import LanguageModels
import Threads

/// Standard error and the terminal.
enum Terminal {
  /// Whether a person watches standard error.
  static let isWatched = isatty(STDERR_FILENO) == 1

  /// The width of the terminal; 80 where it is not known.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes `text` to standard error.
  static func error(_ text: String) {
    var text = text.shown
    text.withUTF8 { _ = Descriptor.write(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
  }

  /// A remark of one line, or an error; whatever names and words it holds, they do not steer the terminal.
  static func note(_ text: String) { error("lmctl: \(text.withVisibleControls)\n") }

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

  /// Whether `show` would show something: at most ten times a second, not before half a second.
  var isDue: Bool { isEnabled && started.seconds > 0.5 && started.seconds - shownAt > 0.1 }

  /// Shows `text`, if it is due, cut to the width of the terminal.
  mutating func show(_ text: @autoclosure () -> String) {
    guard isDue else { return }
    shownAt = started.seconds
    isShown = true
    Terminal.error("\r\u{1B}[K\(text().withVisibleControls.prefix(max(20, Terminal.columns - 1)))")
  }

  /// Takes the line away.
  mutating func clear() {
    if isShown { Terminal.error("\r\u{1B}[K") }
    isShown = false
  }
}
