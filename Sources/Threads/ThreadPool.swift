import CPUDetection
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A fixed team of threads that run the same body together and meet at barriers.
///
/// `run` wakes the team, runs the body once per thread, the caller being thread 0, and returns when all are done.
/// A thread that waits spins for some microseconds, then yields, then sleeps: a barrier between busy cores costs
/// well under a microsecond, an idle pool costs nothing, and more threads than cores still make progress.
/// One pool serves one caller at a time, and `run` does not nest.
public final class ThreadPool: @unchecked Sendable {
  /// The number of threads, the caller's included.
  public let threadCount: Int

  private let team: Team
  private var workers: [pthread_t] = []

  /// Starts the threads, as many of them as the system gives.
  ///
  /// - Parameter threads: is cut to 1…`Threads.maximum`; nil means `Threads.count`.
  public init(threads: Int? = nil) {
    let wanted = min(max(threads ?? Threads.count, 1), Threads.maximum)
    let team = Team(threads: wanted, spins: wanted <= Threads.available ? 200 : 1)
    self.team = team
    for index in 1..<max(wanted, 1) {
      guard let worker = Threads.start({ team.work(index) }) else { break }
      workers.append(worker)
    }
    threadCount = workers.count + 1
    // Those that have started wait for this thread, whatever number they see.
    team.threads.store(threadCount, ordering: .relaxed)
  }

  deinit {
    team.stop()
    for worker in workers { pthread_join(worker, nil) }
  }

  /// Runs `body(thread)` for every thread 0..<`threadCount` at the same time.
  public func run(_ body: (_ thread: Int) -> Void) {
    if threadCount == 1 { return body(0) }
    withoutActuallyEscaping(body) { team.run($0) }
  }

  /// Waits, inside `run`, until every thread of the team has come here.
  ///
  /// What a thread wrote before the barrier is seen by all of them after it.
  @inline(__always)
  public func barrier() {
    if threadCount > 1 { team.meet() }
  }

  /// The share of thread `thread` when `count` units of work are split into nearly equal runs.
  public func share(_ count: Int, of thread: Int) -> Range<Int> {
    count * thread / threadCount..<count * (thread + 1) / threadCount
  }
}

/// A counter alone on its cache lines.
private struct Counter: ~Copyable {
  private let before = InlineArray<16, Int>(repeating: 0)
  let value = Atomic<Int>(0)
  private let after = InlineArray<15, Int>(repeating: 0)
}

/// What the threads of a pool share.
private final class Team: @unchecked Sendable {
  /// Set before the first `run` and never after.
  let threads: Atomic<Int>
  private let spins: Int
  private var body: ((Int) -> Void)?
  private var stopping = false

  private let arrived = Counter()
  private let phase = Counter()
  private let sleepers = Counter()
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init(threads: Int, spins: Int) {
    self.threads = Atomic(threads)
    self.spins = spins
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func run(_ body: @escaping (Int) -> Void) {
    precondition(self.body == nil, "ThreadPool.run must not nest")
    self.body = body
    meet()
    body(0)
    meet()
    self.body = nil
  }

  func stop() {
    stopping = true
    if threads.load(ordering: .relaxed) > 1 { meet() }
  }

  /// A worker's life: meet for a body, run it, meet when it is done.
  func work(_ index: Int) {
    while true {
      meet()
      if stopping { return }
      body?(index)
      meet()
    }
  }

  /// The barrier: the last to arrive begins the next phase, the others wait for it.
  @inline(__always)
  func meet() {
    let current = phase.value.load(ordering: .relaxed)
    if arrived.value.wrappingAdd(1, ordering: .acquiringAndReleasing)
      .newValue == threads.load(ordering: .relaxed)
    {
      arrived.value.store(0, ordering: .relaxed)
      phase.value.store(current &+ 1, ordering: .sequentiallyConsistent)
      if sleepers.value.load(ordering: .sequentiallyConsistent) > 0 { wake() }
      return
    }
    var spin = 0
    while phase.value.load(ordering: .acquiring) == current {
      if spin == spins { return sleep(while: current) }
      cpu_spin_hint()
      spin &+= 1
    }
  }

  @inline(never)
  private func wake() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Yields for two milliseconds, long enough for the scheduler to see that there is work for another processor, and
  /// then sleeps.
  @inline(never)
  private func sleep(while current: Int) {
    let watch = Stopwatch()
    repeat {
      sched_yield()
      if phase.value.load(ordering: .acquiring) != current { return }
    } while watch.seconds < 0.002
    pthread_mutex_lock(mutex)
    sleepers.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while phase.value.load(ordering: .sequentiallyConsistent) == current {
      pthread_cond_wait(condition, mutex)
    }
    sleepers.value.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }
}
