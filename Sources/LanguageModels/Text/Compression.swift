import Glibc

/// The system's compression programs, by the extensions of file names.
enum Compression {
  /// The program for each extension.
  static let programs = [".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"]

  /// The program that `path`'s extension asks for; `nil` for plain files.
  static func program(for path: String) -> String? {
    programs.first { path.hasSuffix($0.key) }?.value
  }
}

extension String {
  /// The path without the extension of a compression program: `a.arpa` for `a.arpa.gz`.
  public var withoutCompressionExtension: String {
    guard let suffix = Compression.programs.keys.first(where: hasSuffix) else { return self }
    return String(dropLast(suffix.count))
  }
}

/// A program that runs beside this one and reads and writes descriptors of ours.
struct ChildProcess {
  private let process: pid_t

  /// Starts `program`, or returns `nil` if it is not installed; the descriptors remain open here.
  init?(_ program: String, _ arguments: [String], input: Int32, output: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // What is wrong with the file is said in our own words.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    // The program may have blocked or ignored signals for itself; its children start as from a shell.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = [program] + arguments
    let pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    guard posix_spawnp(&process, program, &actions, &attributes, pointers, environ) == 0 else { return nil }
    self.process = process
  }

  /// Waits for its end; whether it succeeded.
  func finish() -> Bool {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status == 0
  }

  /// Ends it before its time.
  func cancel() {
    kill(process, SIGTERM)
    _ = finish()
  }

  /// The two ends of a new pipe, neither of which other programs inherit; `nil` when the system has no more.
  static func pipe() -> (reading: Int32, writing: Int32)? {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
