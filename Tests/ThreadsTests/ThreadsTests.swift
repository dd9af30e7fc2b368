import Synchronization
import Testing
import Threads

@Suite("Threads for parallel work", .serialized) struct ThreadsTests {
  @Test("Every piece is done once, whatever the number of threads", arguments: [nil, 1, 2, 5])
  func pieces(_ limit: Int?) {
    Threads.limit = limit
    defer { Threads.limit = nil }
    #expect(Threads.count == limit ?? min(Threads.available, Threads.maximum))
    for pieces in [0, 1, 2, 3, 100, 1000] {
      let done = (0..<pieces).map { _ in Counter() }
      Threads.perform(pieces) { done[$0].add() }
      #expect(done.allSatisfy { $0.count == 1 })
    }
  }

  @Test("Pieces may have pieces, and several threads may have some at a time", arguments: [1, 2, 4])
  func nested(_ limit: Int) {
    Threads.limit = limit
    defer { Threads.limit = nil }
    let count = Counter()
    for _ in 0..<50 {
      let ahead = Ahead { Threads.perform(20) { _ in Threads.perform(20) { _ in count.add() } } }
      Threads.perform(20) { _ in
        let inner = Ahead { Threads.perform(5) { _ in count.add() } }
        Threads.perform(15) { _ in count.add() }
        inner.wait()
      }
      ahead.wait()
    }
    #expect(count.count == 50 * (400 + 400))
  }

  @Test("A value that is computed ahead is computed once, also if no thread is free", arguments: [1, 2, 4])
  func ahead(_ limit: Int) {
    Threads.limit = limit
    defer { Threads.limit = nil }
    let count = Counter()
    let values = (0..<200).map { i in
      Ahead { () -> Int in
        count.add()
        return i * i
      }
    }
    #expect(values.reversed().map(\.value) == (0..<200).reversed().map { $0 * $0 })
    #expect(values.map(\.value) == (0..<200).map { $0 * $0 })
    #expect(count.count == 200)
  }
}

/// Counts, from any thread.
private final class Counter: Sendable {
  private let value = Atomic(0)

  var count: Int { value.load(ordering: .relaxed) }

  func add() { value.wrappingAdd(1, ordering: .relaxed) }
}
