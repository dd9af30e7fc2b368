/// A value that another thread computes while this one goes on; if no thread is free by the time that it is asked for, it
/// is computed then.
public final class Ahead<Value>: @unchecked Sendable {
  /// The computation and what comes out.
  private final class Computation: @unchecked Sendable {
    var body: (() -> Value)?
    var result: Value?

    init(_ body: @escaping () -> Value) { self.body = body }

    func run() {
      guard let body else { return }
      result = body()
      self.body = nil
    }
  }

  private let computation: Computation
  private var work: Work?

  /// Begins to compute what `body` returns; nothing that it uses may be touched before it has ended.
  public init(_ body: @escaping () -> Value) {
    let computation = Computation(body)
    self.computation = computation
    guard Threads.count > 1 else { return }
    let work = Work(room: 1) { computation.run() }
    self.work = work
    Crew.shared.offer(work)
  }

  /// Waits until it has ended.
  public func wait() {
    if let work { Crew.shared.withdraw(work) }
    work = nil
    computation.run()
  }

  /// The value, as soon as there is one.
  public var value: Value {
    wait()
    guard let result = computation.result else { preconditionFailure("the computation has ended") }
    return result
  }
}
