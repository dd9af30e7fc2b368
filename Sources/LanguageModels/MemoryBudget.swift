import Glibc

/// What memory the system can still give, before it is asked.
public enum MemoryBudget {
  /// Bytes that the limit of this process (`ulimit -v`) leaves; `nil` if there is none.
  public static var withinLimit: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < UInt(Int.max)
    else { return nil }
    // Without /proc, what is taken already is not known.
    let pages = text(of: "/proc/self/statm").flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }
    return max(0, Int(limit.rlim_cur) - (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Bytes that the machine can give without taking them from another process: what is free, what caches hold, and what can
  /// be swapped out; all of its memory where that is not known.
  public static var free: Int {
    var bytes: Int?
    for line in text(of: "/proc/meminfo")?.split(separator: "\n") ?? [] {
      let fields = line.split(separator: " ")
      guard fields.count >= 2, fields[0] == "MemAvailable:" || fields[0] == "SwapFree:" else { continue }
      bytes = (bytes ?? 0) + (Int(fields[1]) ?? 0) * 1024
    }
    return bytes ?? sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Bytes that there are at most.
  public static var left: Int { min(withinLimit ?? .max, free) }

  /// What there is too little of, in words: "only 1.2 MB are left of the limit (ulimit -v)".
  public static var remark: String {
    let free = free
    func amount(_ bytes: Int) -> String { "\(bytes / 1_000_000) MB" }
    guard let limit = withinLimit, limit < free else {
      return "only \(amount(free)) of this machine's memory are free"
    }
    return "the limit (ulimit -v) leaves only \(amount(limit))"
  }

  /// Bytes below which it is not worth while to ask.
  private static let small = 4 << 20

  /// Makes sure that there are `bytes`, before they are taken.
  ///
  /// - Parameters:
  ///   - what: what needs them.
  ///   - remedy: what to do.
  /// - Throws: `MemoryError`.
  public static func require(
    _ bytes: Int, for what: @autoclosure () -> String, _ remedy: @autoclosure () -> String
  )
    throws
  {
    guard bytes > small, bytes > left else { return }
    throw MemoryError(
      "\(what()) needs at least \(bytes / 1_000_000) MB of memory, and \(remark); \(remedy())")
  }

  /// The first bytes of a small file of the system; `nil` if there is none.
  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
  }
}

/// Too little memory for what was asked.
public struct MemoryError: UserError {
  /// One sentence: what needs how much, what there is, and the remedy.
  public let description: String

  init(_ description: String) { self.description = description }
}
