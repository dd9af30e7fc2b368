#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Time since its creation, or since another was created; it goes on while the machine sleeps.
///
/// The standard library's clocks would bring all of its concurrency, with thread pools of its own, into the program.
public struct Stopwatch: Sendable {
  private let start: timespec

  /// A watch that starts now.
  public init() { start = Self.now }

  /// Seconds so far.
  public var seconds: Double { Self.seconds(from: start, to: Self.now) }

  /// Seconds from the start of `other` to that of this one.
  public func seconds(since other: Stopwatch) -> Double { Self.seconds(from: other.start, to: start) }

  private static func seconds(from start: timespec, to end: timespec) -> Double {
    Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) * 1e-9
  }

  private static var now: timespec {
    var now = timespec()
    #if os(Linux)
      clock_gettime(CLOCK_BOOTTIME, &now)
    #else
      clock_gettime(CLOCK_MONOTONIC_RAW, &now)
    #endif
    return now
  }
}
