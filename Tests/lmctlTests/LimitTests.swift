import Foundation
import TestSupport
import Testing

@Suite("Few threads, few descriptors, little memory, no /proc")
struct LimitTests {
  /// Command lines and what they must write.
  private static let lines = [
    "lmctl train --model ngram --order 4 text.txt --quiet -o -",
    "lmctl train --model lstm --hidden 16 --embed 8 --max-steps 2 text.txt --quiet -o -",
    "lmctl eval ngram.json text.txt --perplexity", "lmctl sample ngram.json --count 3 --seed 1",
  ]

  private func folder() throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("for i in 1 2 3; do cat train.txt; done > text.txt", folder)
    try run("lmctl train --model ngram --order 4 text.txt --quiet -o ngram.json", folder)
    return folder
  }

  /// A limited run works as if there were no limit, or ends with one sentence; the loader may fail before.
  private func check(_ limits: [String], mayFail: Bool) throws {
    let folder = try folder()
    for line in Self.lines {
      let expected = try Executable.shell(line, in: folder)
      try #require(expected.status == 0)
      for limit in limits {
        let outcome = try Executable.shell("\(limit) exec timeout -s KILL 60 \(line)", in: folder)
        if outcome.status == 0 {
          #expect(outcome.output == expected.output, "\(limit) \(line)")
        } else {
          #expect(mayFail && outcome.status == 1, "\(limit) \(line): \(outcome.status) \(outcome.error)")
          #expect(outcome.error.hasPrefix("lmctl: "), "\(limit) \(line): \(outcome.error)")
          #expect(outcome.error.split(separator: "\n").count == 1)
        }
      }
    }
  }

  @Test("With few threads everything works, and signals are heard", .enabled(if: getuid() == 0))
  func threads() throws {
    let folder = try folder()
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    let user = 61_000 + Int(getpid()) % 4000
    // A user of its own may have as many threads as there are processes with `timeout`.
    for line in Self.lines {
      let expected = try Executable.shell(line, in: folder)
      for threads in [1, 2, 4] {
        let outcome = try Executable.shell(
          "timeout -s KILL 60 setpriv --reuid \(user) --clear-groups "
            + "bash -c 'ulimit -u \(threads); exec \(line)'", in: folder)
        #expect(outcome.status == 0 && outcome.output == expected.output, "\(threads): \(outcome.error)")
      }
    }
    let interrupted = try Executable.shell(
      """
      setpriv --reuid \(user) --clear-groups bash -c 'ulimit -u 1; exec lmctl train --model lstm --hidden 16 \
      --epochs 100000 text.txt -o lstm.json' 2> errors & sleep 2; kill $!; sleep 5; kill -KILL $! 2> /dev/null; wait $!
      """, in: folder)
    #expect(interrupted.status == 143)
    #expect(folder.contents.contains("lstm.json.partial"))
  }

  @Test("With few descriptors a run works or says so")
  func descriptors() throws {
    try check([8, 10, 12, 16].map { "ulimit -n \($0);" }, mayFail: true)
  }

  @Test("With little memory a run works or says so")
  func memory() throws {
    try check([60, 80, 100, 150, 300].map { "ulimit -v \($0 << 10);" }, mayFail: true)
  }

  @Test("Without /proc the arguments are seen", .enabled(if: HarshConditionsTests.canMount))
  func withoutProcessFiles() throws {
    let folder = try folder()
    let line = "lmctl eval ngram.json text.txt --perplexity"
    let outcome = try Executable.shell("unshare -rm bash -c 'mount -t tmpfs none /proc; \(line)'", in: folder)
    #expect(outcome.status == 0)
    #expect(outcome.output == (try Executable.shell(line, in: folder).output))
  }
}
