import CPUDetection
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The threads that the program works with.
///
/// All parallel work but that of networks shares one crew of threads, which is made when it is first needed, and takes
/// the threads that it gets: with none to be had, the caller does everything itself. Results never depend on how many
/// there are.
public enum Threads {
  /// The most threads that are ever used.
  public static let maximum = 64

  /// The processors that this process may run on.
  public static let available = Int(cpu_count_available())

  private static let chosen = Atomic<Int>(0)

  /// The most threads that work at a time, the main thread included; one for each available processor if `nil`.
  ///
  /// It is set once, before the work begins.
  public static var limit: Int? {
    get {
      let limit = chosen.load(ordering: .relaxed)
      return limit == 0 ? nil : limit
    }
    set { chosen.store(newValue.map { min(max($0, 1), maximum) } ?? 0, ordering: .relaxed) }
  }

  /// The threads that work at a time, if the system gives them.
  public static var count: Int { limit ?? min(available, maximum) }

  /// Calls `body` with each of 0..<`pieces` once, on all threads that are free, the caller's among them.
  ///
  /// Pieces are handed out one by one in their order. It may be called from any thread, also from within a piece.
  public static func perform(_ pieces: Int, _ body: @Sendable (_ piece: Int) -> Void) {
    let threads = min(pieces, count)
    guard threads > 1 else {
      for piece in 0..<pieces { body(piece) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let job = Job(pieces, body)
      let work = Work(room: threads - 1) { job.run() }
      Crew.shared.offer(work)
      job.run()
      Crew.shared.withdraw(work)
      job.body = nil
    }
  }

  /// Starts a thread that runs `body` and hears no signals; `nil` if the system gives none.
  static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let start = Unmanaged.passRetained(ThreadStart(body))
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let result = pthread_create(&thread, nil, threadMain, start.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard result == 0 else {
      start.release()
      return nil
    }
    return thread
  }
}

/// Pieces that several threads take, each the next one.
private final class Job: @unchecked Sendable {
  private let pieces: Int
  private let next = Atomic<Int>(0)
  /// Taken away once all pieces are done.
  var body: (@Sendable (Int) -> Void)?

  init(_ pieces: Int, _ body: @escaping @Sendable (Int) -> Void) { (self.pieces, self.body) = (pieces, body) }

  /// Takes pieces until there are none.
  @inline(never)
  func run() {
    while true {
      let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if piece >= pieces { return }
      body?(piece)
    }
  }
}

/// What a new thread is given.
private final class ThreadStart {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

#if canImport(Darwin)
  private let threadMain: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { argument in
    Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body()
    return nil
  }
#else
  private let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
    argument in
    if let argument { Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
  }
#endif
