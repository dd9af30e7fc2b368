import Kernels
import Testing
import Threads

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 7]) func everyThreadRunsOnceAndBarriersOrderThem(_ threads: Int) {
    let pool = ThreadPool(threads: threads)
    #expect(pool.threadCount == threads)
    let slots = AlignedBuffer(count: threads)
    let sums = AlignedBuffer(count: threads)
    for round in 0..<50 {
      pool.run { thread in
        for step in 0..<20 {
          slots.pointer[thread] = Float(round + step + thread)
          pool.barrier()
          sums.pointer[thread] = (0..<threads).reduce(0) { $0 + slots.pointer[$1] }
          pool.barrier()
        }
      }
      let expected = (0..<threads).reduce(0) { $0 + Float(round + 19 + $1) }
      #expect((0..<threads).allSatisfy { sums.pointer[$0] == expected })
    }
  }

  @Test func sharesCoverEverythingOnce() {
    let pool = ThreadPool(threads: 3)
    for count in [0, 1, 2, 3, 10, 100] {
      #expect((0..<3).flatMap { Array(pool.share(count, of: $0)) } == Array(0..<count))
    }
  }

  @Test func namesAreCheckedNotTrapped() throws {
    #expect(throws: KernelError.unknown("sse9")) { try KernelTable.named("sse9") }
    #expect(try KernelTable.named("baseline").name == "baseline")
    #expect(try KernelTable.named(nil).name == KernelTable.supported.last?.name)
    #expect(KernelError.unknown("sse9").description.contains("baseline, avx2, avx512"))
    for name in ["avx2", "avx512"] where !tableNames.contains(name) {
      #expect(throws: KernelError.unsupported(name)) { try KernelTable.named(name) }
    }
  }
}
