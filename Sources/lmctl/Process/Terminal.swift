import Glibc
import LanguageModels
import Synchronization

/// Standard error: what the program says besides its results, one sentence a line.
///
/// There are errors; warnings, which say that a result means little or that data was passed over; and remarks, which `--quiet` takes
/// away. Lines come from the main thread and from the one that waits for signals.
enum Terminal {
  /// Whether remarks are kept back.
  nonisolated(unsafe) static var isQuiet = false
  /// Whether colours are not wanted, whatever the terminal can do.
  nonisolated(unsafe) static var avoidsColour = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
  /// All warnings so far.
  nonisolated(unsafe) private(set) static var warnings: [String] = []
  private static let stampsLines = Atomic(false)

  /// Whether lines begin with the time.
  static var hasTimestamps: Bool {
    get { stampsLines.load(ordering: .relaxed) }
    set { stampsLines.store(newValue, ordering: .relaxed) }
  }

  /// Whether the terminal understands more than lines of text.
  private static let isCapable = getenv("TERM").map { strcmp($0, "dumb") != 0 } ?? true

  /// Whether standard error is a terminal.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Whether it is one on which a line can move.
  static let isWatched = isTerminal && isCapable

  /// Whether standard output is a terminal that shows colours, and they are wanted.
  static var isColoured: Bool { isatty(STDOUT_FILENO) == 1 && isCapable && !avoidsColour }

  /// The width of the terminal; 80 where it is not known.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// A remark.
  static func note(_ text: String) { if !isQuiet { line(text) } }

  /// A warning, said once.
  static func warn(_ text: String) {
    if warnings.contains(text) { return }
    warnings.append(text)
    line("warning: \(text)")
  }

  /// An error, or what else must be said.
  static func fail(_ text: String) { line(text) }

  /// One line; whatever names and words it holds, they do not steer the terminal.
  private static func line(_ text: String) { error("lmctl: \(text.withVisibleControls)\n") }

  /// Writes lines to standard error.
  static func error(_ text: String) {
    Progress.betweenLines {
      write(hasTimestamps ? UTCTime.stamped(text.shown) : text.shown)
    }
  }

  /// Writes `text` as it is.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Descriptor.write(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
  }

  /// Begins a line with the time, if lines do; it takes no memory and waits for nobody, so it can be called anywhere.
  static func stamp() {
    guard hasTimestamps else { return }
    UTCTime.withBytes { _ = Descriptor.write($0, to: STDERR_FILENO) }
  }

  /// Says that the program waits for what a person types, if that is so, so that it does not look hung.
  static func announce(_ source: ByteSource) {
    if source.isTerminal { note("reading text from the terminal; end with Ctrl-D") }
  }
}
