import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

@Suite("Batches")
struct StreamBatchesTests {
  /// The batches of an epoch, with the position of each row and step in the text.
  private func forEachTarget(
    _ batches: StreamBatches, _ body: (_ batch: Batch, _ index: Int, _ position: Int) -> Void
  ) {
    var batch = Batch()
    var first = 0
    for sequence in 0..<batches.count {
      batches.fill(
        &batch, from: sequence * batches.sequenceLength, steps: batches.sequenceLength)
      let size = batch.steps * batch.rows
      #expect(batch.rows == batches.batchSize && (1...batches.sequenceLength).contains(batch.steps))
      #expect(batch.targets.count == size && batch.inputs.count == size * batches.window)
      #expect(batch.restarts.count == (batches.context == .sentence ? size : 0))
      #expect(batch.targetCount == batch.targets.filter { $0 != Batch.ignored }.count)
      for i in 0..<size {
        body(batch, i, i % batch.rows * batches.streamLength + first + i / batch.rows)
      }
      first += batch.steps
    }
    #expect(first == batches.streamLength)
  }

  @Test("Every token is a target once, whatever the sizes", arguments: [1, 2, 5, 7, 20, 53], [1, 2, 3, 7])
  func everyToken(count: Int, rows: Int) {
    for steps in [1, 2, 5, 60] {
      for (window, context) in [(1, ContextMode.stream), (3, .stream), (1, .sentence), (3, .sentence)] {
        // All different, but for the end of sentence after every fifth.
        let text = (0..<count).map { $0 % 5 == 4 ? Vocabulary.endOfSentence : TokenID($0 + 2) }
        let batches = StreamBatches(
          tokens: text, batchSize: rows, sequenceLength: steps, window: window, context: context)
        var seen = [Int](repeating: 0, count: count)
        forEachTarget(batches) { batch, i, position in
          guard batch.targets[i] != Batch.ignored else {
            #expect(position >= count)
            return
          }
          seen[position] += 1
          #expect(batch.targets[i] == text[position])
          #expect(
            Array(batch.inputs[i * window..<(i + 1) * window])
              == expectedWindow(text, position, window, context))
          if context == .sentence {
            #expect(batch.restarts[i] == (position == 0 || text[position - 1] == Vocabulary.endOfSentence))
          }
        }
        #expect(seen.allSatisfy { $0 == 1 })
      }
    }
  }

  /// The tokens before `position`; before the text, and in sentence context before the sentence, stand ends of sentences.
  private func expectedWindow(
    _ text: [TokenID], _ position: Int, _ window: Int, _ context: ContextMode
  ) -> [TokenID] {
    var before = Array(text[..<position])
    if context == .sentence, let end = before.lastIndex(of: Vocabulary.endOfSentence) {
      before.removeSubrange(...end)
    }
    return Array((Array(repeating: Vocabulary.endOfSentence, count: window) + before).suffix(window))
  }
}

@Suite("Schedules")
struct ScheduleTests {
  @Test("Factors at the beginning, in the middle and at the end")
  func factors() {
    for (schedule, expected) in [
      (Schedule.constant, [1.0, 1, 1]), (.newbob, [1, 1, 1]), (.cosine, [1, 0.5, 0]), (.linear, [1, 0.5, 0]),
      (.stableDecay, [1, 1, 0]),
    ] {
      for (progress, factor) in zip([0, 0.5, 1], expected) {
        #expect(abs(schedule.factor(progress: progress) - factor) < 1e-12)
        #expect(
          abs(schedule.factor(updates: Int(progress * 100), total: 100, warmUp: 0) - factor) < 1e-12)
      }
    }
    // ½ (1 + cos(π / 4)) at a quarter of the way.
    #expect(abs(Schedule.cosine.factor(progress: 0.25) - (2 + 2.0.squareRoot()) / 4) < 1e-12)
    // Half of the last quarter is behind.
    #expect(abs(Schedule.stableDecay.factor(progress: 0.875) - 0.5) < 1e-12)
  }

  @Test("The warm-up rises in a straight line, and the schedule follows it", arguments: Schedule.allCases)
  func warmUp(schedule: Schedule) {
    let factors = (0..<30).map { schedule.factor(updates: $0, total: 30, warmUp: 10) }
    for step in 0..<10 { #expect(abs(factors[step] - Double(step + 1) / 10) < 1e-12) }
    #expect(factors[10] == 1)
    #expect(abs(factors[20] - schedule.factor(progress: 0.5)) < 1e-12)
    #expect(factors.allSatisfy { $0 > 0 && $0 <= 1 })
    // A warm-up longer than the training is no reason to stop.
    #expect(schedule.factor(updates: 4, total: 5, warmUp: 10) == 0.5)
  }

  @Test("Newbob halves from the first epoch that improves too little, and ends when patience does")
  func newbob() {
    var newbob = Newbob(ratio: 1.01, patience: 2)
    func after(_ loss: Double) -> [Double] {
      newbob.take(loss)
      return [newbob.isOver ? 0 : 1, newbob.factor]
    }
    #expect(after(5) == [1, 1])
    #expect(after(4) == [1, 1])
    // 4 / 3.99 < 1.01: too little.
    #expect(after(3.99) == [1, 0.5])
    // Improved again, but once halving, always halving.
    #expect(after(3.5) == [1, 0.25])
    #expect(after(3.6) == [1, 0.125])
    #expect(after(3.6) == [0, 0.0625])
    // A loss that is not a number is no improvement.
    var diverged = Newbob(ratio: 1.01, patience: 1)
    diverged.take(.nan)
    #expect(diverged.isOver)
  }
}
