import Glibc
import LanguageModels
import Synchronization
import Threads

/// How far the work has come, shown while it goes on: on a terminal in a line that moves, elsewhere in a line now and then.
///
/// The thread that waits for signals shows it, so that work which takes minutes without a word, as sorting does, is not silent, and
/// so that it costs nothing: the work only leaves a text when one is wanted. Where the system gives no such thread, nothing is shown.
enum Progress {
  /// How often lines come where none moves.
  enum Interval {
    /// After 10 seconds, then each 30, in long runs up to 600.
    case automatic
    /// Each so many seconds.
    case seconds(Double)
    /// Never; nothing moves either.
    case never
  }

  /// What is done now.
  private struct Stretch {
    let name: String
    var detail: String?
    let speaksForItself: Bool
    private let before = Descriptor.traffic

    init(_ name: String, speaksForItself: Bool) {
      (self.name, self.speaksForItself) = (name, speaksForItself)
    }

    /// What it is, and how far it has come; where nobody says that, what it has read and written tells that it goes on.
    var text: String {
      if let detail { return speaksForItself ? detail : "\(name): \(detail)" }
      let now = Descriptor.traffic
      let parts = [(now.read - before.read, "read"), (now.written - before.written, "written")]
        .compactMap { $0 >= 1_000_000 ? "\(Format.bytes($0)) \($1)" : nil }
      return parts.isEmpty ? name : "\(name): \(parts.joined(separator: ", "))"
    }
  }

  private nonisolated(unsafe) static let mutex = {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    return mutex
  }()
  // All of this is used under the lock.
  private nonisolated(unsafe) static var stretch: Stretch?
  private nonisolated(unsafe) static var interval = Interval.automatic
  private nonisolated(unsafe) static var watch: Stopwatch?
  private nonisolated(unsafe) static var nextLine = 0.0
  private nonisolated(unsafe) static var isLineShown = false

  private static let isWanted = Atomic(true)
  /// Milliseconds between two looks at the work; 0 if nobody looks.
  private static let pause = Atomic(100)
  /// Whether the work is over, at least for now.
  private static let isIdle = Atomic(false)

  private static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  // MARK: What the work calls

  /// Sets how often lines come.
  static func setInterval(_ new: Interval) {
    let milliseconds =
      switch new {
      case .never: 0
      case _ where Terminal.isWatched: 100
      case .automatic: 1000
      case .seconds(let seconds): Int(max(50, min(500 * seconds, 1000)))
      }
    pause.store(milliseconds, ordering: .relaxed)
    locked { interval = new }
  }

  /// The name of a stretch that writes to `path`; `nil` if that is the terminal, where progress would be in the way.
  static func writing(_ path: String) -> String? {
    guard OutputTarget.isStandardOutput(path) else { return "writing \(path)" }
    return isatty(STDOUT_FILENO) == 1 ? nil : "writing to standard output"
  }

  /// Begins a stretch of work, such as `reading`, in the place of the one before; with `nil`, one of which nothing is shown.
  ///
  /// - Parameter speaksForItself: whether details of it need no name before them.
  static func begin(_ name: String?, speaksForItself: Bool = false) {
    guard pause.load(ordering: .relaxed) > 0 else { return }
    locked {
      stretch = name.map { Stretch($0, speaksForItself: speaksForItself) }
      if watch != nil { return }
      watch = Stopwatch()
      nextLine = firstLine
    }
    isIdle.store(name == nil, ordering: .relaxed)
    isWanted.store(true, ordering: .relaxed)
  }

  /// Tells how far the stretch has come; `detail` is asked for only if it is wanted.
  static func show(_ detail: @autoclosure () -> String) {
    guard isWanted.load(ordering: .relaxed), pause.load(ordering: .relaxed) > 0 else { return }
    isWanted.store(false, ordering: .relaxed)
    let text = detail()
    locked { stretch?.detail = text }
  }

  /// Ends the work that is shown.
  static func end() {
    isIdle.store(true, ordering: .relaxed)
    locked {
      takeLineAway()
      stretch = nil
    }
  }

  /// Does `body` as a stretch of its own, and goes back to the one before.
  static func during<Result>(_ name: String?, _ body: () throws -> Result) rethrows -> Result {
    let before = locked { stretch }
    begin(name)
    defer {
      locked {
        takeLineAway()
        stretch = before
      }
      isIdle.store(before == nil, ordering: .relaxed)
    }
    return try body()
  }

  /// Does `body`, which writes whole lines, with no line in its way that moves.
  static func betweenLines(_ body: () -> Void) {
    locked {
      takeLineAway()
      body()
    }
  }

  private static func takeLineAway() {
    if isLineShown { Terminal.write("\r\u{1B}[K") }
    isLineShown = false
  }

  // MARK: What the thread that shows it calls

  /// How long it waits before it looks again; `nil` if it need not.
  static var wait: timespec? {
    let milliseconds = pause.load(ordering: .relaxed)
    guard milliseconds > 0 else { return nil }
    // A service that waits for its next line wakes seldom.
    let wait = isIdle.load(ordering: .relaxed) ? 1000 : milliseconds
    return timespec(tv_sec: wait / 1000, tv_nsec: wait % 1000 * 1_000_000)
  }

  /// Shows how far the work has come, if it is time to.
  ///
  /// Signals are heard by the same thread, so it waits neither for one that writes nor for whoever reads what is written.
  static func look() {
    isWanted.store(true, ordering: .relaxed)
    guard pthread_mutex_trylock(mutex) == 0 else { return }
    defer { pthread_mutex_unlock(mutex) }
    guard let stretch, let seconds = watch?.seconds, isDue(seconds), canWrite else { return }
    let text = "\(stretch.text), \(Format.duration(seconds))".shown.withVisibleControls
    if Terminal.isWatched {
      isLineShown = true
      let stamp = Terminal.hasTimestamps ? "\(UTCTime.text) " : ""
      Terminal.write("\r\u{1B}[K\((stamp + text).prefix(max(20, Terminal.columns - 1)))")
    } else {
      nextLine = seconds + secondsToNext(after: seconds)
      Terminal.stamp()
      Terminal.write("lmctl: \(text)\n")
    }
  }

  /// What is soon over is not worth a line that moves.
  private static func isDue(_ seconds: Double) -> Bool {
    seconds >= (Terminal.isWatched ? 0.5 : nextLine)
  }

  private static var canWrite: Bool {
    var output = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    return poll(&output, 1, 0) == 1 && output.revents & Int16(POLLOUT) != 0
  }

  private static var firstLine: Double {
    switch interval {
    case .automatic: 10
    case .seconds(let seconds): min(10, seconds)
    case .never: .infinity
    }
  }

  private static func secondsToNext(after elapsed: Double) -> Double {
    switch interval {
    case .automatic: max(30, min(elapsed / 20, 600))
    case .seconds(let seconds): seconds
    case .never: .infinity
    }
  }
}
