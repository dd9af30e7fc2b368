import CPUDetection
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Something that threads of the crew may help with.
final class Work: @unchecked Sendable {
  fileprivate let help: () -> Void
  /// How many more threads may help; changed under the crew's lock.
  fileprivate var room: Int
  /// How many threads help now.
  fileprivate let helpers = Atomic<Int>(0)

  init(room: Int, _ help: @escaping () -> Void) { (self.room, self.help) = (room, help) }
}

/// The threads that help whoever has work that can be shared.
///
/// Whoever offers work can do it alone: it never waits for a thread that has not yet begun. So no use of it, nested or from
/// several threads at a time, can hang, and it works without any thread.
final class Crew: @unchecked Sendable {
  static let shared = Crew()

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let offered = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let finished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// What has room for helpers, in the order in which it came.
  private var open: [Work] = []
  /// Changes when something is offered, so that threads that still spin notice.
  private let offers = Atomic<Int>(0)
  private var (threads, sleepers, spinners) = (0, 0, 0)
  /// Whether the system gave a thread less than was asked for.
  private var isComplete = false

  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(offered, nil)
    pthread_cond_init(finished, nil)
  }

  /// Lets threads help with `work` until it is withdrawn.
  func offer(_ work: Work) {
    pthread_mutex_lock(mutex)
    open.append(work)
    offers.wrappingAdd(1, ordering: .releasing)
    var missing = work.room - spinners
    for _ in 0..<max(0, min(missing, sleepers)) { pthread_cond_signal(offered) }
    missing -= sleepers
    while missing > 0, !isComplete, threads < Threads.count - 1 {
      guard let thread = Threads.start({ Crew.shared.serve() }) else {
        isComplete = true
        break
      }
      pthread_detach(thread)
      threads += 1
      missing -= 1
    }
    pthread_mutex_unlock(mutex)
  }

  /// Lets no more threads help with `work`, and waits for those that do.
  func withdraw(_ work: Work) {
    pthread_mutex_lock(mutex)
    if work.room > 0 {
      work.room = 0
      open.removeAll { $0 === work }
    }
    if work.helpers.load(ordering: .acquiring) > 0 {
      pthread_mutex_unlock(mutex)
      Self.spin { work.helpers.load(ordering: .acquiring) > 0 }
      pthread_mutex_lock(mutex)
      while work.helpers.load(ordering: .acquiring) > 0 { pthread_cond_wait(finished, mutex) }
    }
    pthread_mutex_unlock(mutex)
  }

  /// A thread's life: it helps where it can.
  private func serve() {
    pthread_mutex_lock(mutex)
    while true {
      while let work = open.first {
        work.room -= 1
        work.helpers.wrappingAdd(1, ordering: .relaxed)
        if work.room == 0 { open.removeFirst() }
        pthread_mutex_unlock(mutex)
        work.help()
        pthread_mutex_lock(mutex)
        if work.helpers.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
          pthread_cond_broadcast(finished)
        }
      }
      // More of the same often comes at once.
      let seen = offers.load(ordering: .relaxed)
      spinners += 1
      pthread_mutex_unlock(mutex)
      Self.spin { offers.load(ordering: .relaxed) == seen }
      pthread_mutex_lock(mutex)
      spinners -= 1
      if open.isEmpty {
        sleepers += 1
        pthread_cond_wait(offered, mutex)
        sleepers -= 1
      }
    }
  }

  /// Waits for some microseconds, while `condition` holds.
  private static func spin(while condition: () -> Bool) {
    var spin = 0
    while spin < 1000, condition() {
      cpu_spin_hint()
      spin += 1
    }
  }
}
