import Glibc
import LanguageModels
import Synchronization

/// What happens on SIGINT, SIGTERM, SIGHUP, which comes when a terminal closes, and SIGXCPU, which comes when the processor time
/// that the program may have (ulimit -t) is over.
///
/// The signals are blocked in all threads and awaited by one, which may then do anything, unlike a signal handler; while it waits, it
/// shows how far the work has come. Only where the system gives no thread for that, a handler hears them.
enum Interrupts {
  private static let isGraceful = Atomic(false)
  private static let received = Atomic<Int32>(0)
  /// When the first signal came, in milliseconds of the system's clock.
  private static let receivedAt = Atomic<Int>(0)

  private static var milliseconds: Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }

  /// The signal that asks the program to stop; `nil` if none does.
  static var pending: Int32? {
    let signal = received.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }

  /// Runs `body`, which looks at `pending` and stops by itself; a signal that comes two seconds after another still ends the program at once.
  static func deferred<Result>(_ body: () throws -> Result) rethrows -> Result {
    isGraceful.store(true, ordering: .relaxed)
    defer { isGraceful.store(false, ordering: .relaxed) }
    return try body()
  }

  /// From now on, a signal removes temporary files and ends the program with status 128 + its number (130 for SIGINT, 143 for
  /// SIGTERM), but within `deferred` only sets `pending`. Nothing else on disk is touched.
  static func watch() {
    leaveTimeToSave()
    var signals = handled
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { _ in
        Interrupts.wait()
        return nil
      }, nil)
    if result == 0 { pthread_detach(thread) } else { handle(signals) }
  }

  /// Where processor time ends for good (ulimit -t), SIGXCPU comes a little before.
  private static func leaveTimeToSave() {
    let resource = __rlimit_resource_t(RLIMIT_CPU.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur == limit.rlim_max, limit.rlim_max > 1,
      limit.rlim_max < rlim_t(UInt32.max)
    else { return }
    limit.rlim_cur -= max(1, min(10, limit.rlim_max / 20))
    setrlimit(resource, &limit)
  }

  /// Lets a handler hear `signals`, which does no more than a handler may.
  private static func handle(_ signals: sigset_t) {
    // What is made when it is first used must be there.
    _ = (
      isGraceful.load(ordering: .relaxed), received.load(ordering: .relaxed),
      receivedAt.load(ordering: .relaxed)
    )
    _ = Terminal.isWatched
    _ = Terminal.hasTimestamps
    TemporaryFiles.prepare()
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { Interrupts.receive($0) }
    action.sa_mask = signals
    action.sa_flags = SA_RESTART
    var signals = signals
    for number in [SIGINT, SIGTERM, SIGHUP, SIGXCPU] where sigismember(&signals, number) == 1 {
      sigaction(number, &action, nil)
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  private static func wait() {
    var signals = handled
    while true {
      var number: Int32 = 0
      if var pause = Progress.wait {
        number = sigtimedwait(&signals, nil, &pause)
        if number > 0 { receive(number) } else { Progress.look() }
      } else if sigwait(&signals, &number) == 0 {
        receive(number)
      }
    }
  }

  /// Does what a signal asks for; it takes and gives no memory, because a handler may have been called anywhere.
  private static func receive(_ number: Int32) {
    if isGraceful.load(ordering: .relaxed) {
      if received.load(ordering: .relaxed) == 0 {
        receivedAt.store(milliseconds, ordering: .relaxed)
        received.store(number, ordering: .relaxed)
        endEcho()
        Terminal.stamp()
        Terminal.write(
          "lmctl: interrupted; it finishes the step and saves (once more, after two seconds, to leave at once)\n"
        )
        return
      }
      // Job managers signal a program and its group: that is one request. The end of processor time is told every second.
      if milliseconds - receivedAt.load(ordering: .relaxed) < 2000 || number == SIGXCPU { return }
    }
    TemporaryFiles.deleteAll()
    endEcho()
    _exit(128 + number)
  }

  /// Leaves the line in which the terminal shows ^C, or one that moves.
  private static func endEcho() { if Terminal.isWatched { Terminal.write("\n") } }

  /// SIGHUP is left alone where `nohup` or a parent has it ignored.
  private static var handled: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGXCPU)
    var action = sigaction()
    sigaction(SIGHUP, nil, &action)
    let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    if !isIgnored { sigaddset(&signals, SIGHUP) }
    return signals
  }
}

/// The program was asked to stop, and did.
struct Interrupted: Error {
  /// By this signal.
  let signal: Int32
  /// What to tell the user: what was saved, and how to go on.
  let message: String
}
