import Foundation
import LanguageModels

/// Feeds readers damaged files in this process: each is read, or refused by an error that is meant for the user.
///
/// A few hundred of each kind by default. With `LMCTL_FUZZ=100000` in the environment, so many of each, and then each may take
/// no more than 2 seconds of processor time and 500 MB: to be run alone, as `scripts/check-hostile --in-process 100000` does. What a
/// reader is given lies in the folder `LMCTL_FUZZ_FOLDER` while it is read, so a trap or a hang leaves it there.
public struct Fuzz {
  /// How many inputs of the kind were read.
  public private(set) var accepted = 0
  /// How many were refused.
  public private(set) var refused = 0
  /// What was met badly.
  public private(set) var complaints: [String] = []

  private static let asked = ProcessInfo.processInfo.environment["LMCTL_FUZZ"].flatMap(Int.init)
  private static let folder = ProcessInfo.processInfo.environment["LMCTL_FUZZ_FOLDER"]
  private static let (mostSeconds, mostMegabytes) = (2.0, 500)

  /// Gives `read` each of `originals`, which it must take, and then damaged forms of them in turn.
  ///
  /// - Parameters:
  ///   - kind: names the readers, as a file can be named.
  ///   - share: the part of the usual number of inputs, for readers that are slow by nature.
  ///   - read: reads the bytes; the number of the input may choose how. What it throws must be a `UserError`.
  public init(
    _ kind: String, _ originals: [[UInt8]], seed: UInt64 = 1, share: Double = 1,
    read: (_ bytes: [UInt8], _ round: Int) throws -> Void
  ) rethrows {
    // What is JSON is damaged as a document, too.
    let documents = originals.map { try? JSONValue(parsing: $0, file: kind) }
    var mutator = Mutator(seed: seed)
    // What is not damaged is read.
    for (round, original) in originals.enumerated() { try read(original, round) }
    let base = Self.usage.megabytes
    let recording = Self.folder.map { "\($0)/\(kind)" }
    let descriptor = recording.map { open($0, O_WRONLY | O_CREAT | O_TRUNC, 0o600) } ?? -1
    defer { if descriptor >= 0 { close(descriptor) } }
    for round in 0..<max(originals.count, Int(Double(Self.asked ?? 300) * share)) {
      let i = round % originals.count
      let bytes =
        if let document = documents[i], round / originals.count % 3 > 0 {
          mutator.mutate(document: document)
        } else {
          mutator.mutate(originals[i])
        }
      if descriptor >= 0 {
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count,
          ftruncate(descriptor, bytes.count) == 0
        else { fatalError("what is read cannot be kept in \(recording ?? "")") }
        alarm(60)
      }
      let start = Self.usage.seconds
      do {
        try read(bytes, round)
        accepted += 1
      } catch is any UserError {
        refused += 1
      }
      guard Self.asked != nil else { continue }
      let (end, peak) = Self.usage
      let (seconds, megabytes) = (end - start, peak - base)
      if seconds > Self.mostSeconds || megabytes > Self.mostMegabytes {
        complaints.append("\(kind), input \(round) of seed \(seed): \(seconds) s, \(megabytes) MB")
        if let recording { try? Data(bytes).write(to: URL(fileURLWithPath: "\(recording).\(round)")) }
        if megabytes > Self.mostMegabytes { break }
      }
    }
    if let recording {
      alarm(0)
      unlink(recording)
      print("\(kind): \(accepted) read, \(refused) refused, \(complaints.count) met badly")
    }
  }

  /// The processor time of this process so far, because a busy machine lets all take long, and the most memory that it had at a time.
  private static var usage: (seconds: Double, megabytes: Int) {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let (user, system) = (usage.ru_utime, usage.ru_stime)
    return (
      Double(user.tv_sec + system.tv_sec) + 1e-6 * Double(user.tv_usec + system.tv_usec),
      usage.ru_maxrss / 1024
    )
  }
}
