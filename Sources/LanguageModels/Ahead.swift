import Dispatch

/// A value that another thread computes while this one goes on.
final class Ahead<Value>: @unchecked Sendable {
  private let group = DispatchGroup()
  private var result: Value?

  /// Begins to compute what `body` returns; nothing that it uses may be touched before it has ended.
  init(_ body: @escaping () -> Value) {
    nonisolated(unsafe) let body = body
    DispatchQueue.global().async(group: group) { self.result = body() }
  }

  /// Waits until it has ended.
  func wait() { group.wait() }

  /// The value, as soon as there is one.
  var value: Value {
    wait()
    guard let result else { preconditionFailure("the computation has ended") }
    return result
  }
}
