import Glibc
import Synchronization

/// Descriptors of the system, read and written whatever interrupts it; one that does not block is waited for.
public enum Descriptor {
  private static let read = Atomic(0)
  private static let written = Atomic(0)

  /// Bytes that the program has read, and written, so far.
  public static var traffic: (read: Int, written: Int) {
    (read.load(ordering: .relaxed), written.load(ordering: .relaxed))
  }

  /// Writes all of `bytes`.
  ///
  /// - Returns: 0, or the error's number.
  public static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count >= 0 {
        written.wrappingAdd(count, ordering: .relaxed)
        rest = rest.dropFirst(count)
      } else if !isReadyAgain(descriptor, POLLOUT) {
        return errno
      }
    }
    return 0
  }

  /// Reads up to `buffer.count` bytes, at least one unless the end is reached.
  ///
  /// - Returns: how many; fewer than 0 if it failed, with the reason in `errno`.
  public static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { Self.read.wrappingAdd(count, ordering: .relaxed) }
      if count >= 0 || !isReadyAgain(descriptor, POLLIN) { return count }
    }
  }

  /// Opens `/dev/null` in the place of standard input, output and error where they are closed, so that no file takes their numbers.
  ///
  /// Each is opened the wrong way round: what is written to an output that is not there fails, rather than vanish.
  public static func openStandardOnes() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
      // The lowest number that is free is taken.
      if open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0 { _ = open("/", O_RDONLY) }
    }
  }

  /// After an error: whether the call can be made again, and if need be after a wait.
  private static func isReadyAgain(_ descriptor: Int32, _ event: Int32) -> Bool {
    let code = errno
    if code == EINTR { return true }
    guard code == EAGAIN else { return false }
    var waited = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    // Where that cannot be waited for, time passes all the same.
    if poll(&waited, 1, -1) < 0, errno != EINTR { usleep(1000) }
    return true
  }
}
