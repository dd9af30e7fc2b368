/// Watches a text as it is read, chooses the sentences that are held out, and keeps the statistics of these apart.
///
/// Memory: up to 24 bytes for each sentence that is held out.
public struct HeldOutSentences: Sendable {
  /// What one sentence, and the empty lines before it, add to the statistics.
  fileprivate struct Sentence {
    var bytes: UInt32
    var sentenceBytes: UInt32
    var sentenceCharacters: UInt32
    var tokens: UInt32
    var emptyLines: UInt32
    var droppedMarkers: UInt32
  }

  /// So many sentences are decided on together where chance decides.
  private static let blockSize = 4096

  private let holdout: Holdout
  private var generator: SeededGenerator
  /// The last sentences, which are not decided on, behind some that are.
  private var waiting: [Sentence] = []
  private var first = 0
  /// The numbers of the sentences that are held out, of those that are decided on.
  private var heldOut: [Int] = []
  /// The statistics of the sentences that are left to train on.
  private var training = TextStatistics()
  private var last = TextStatistics()

  /// To hold out a part of the sentences.
  public init(_ holdout: Holdout) {
    self.holdout = holdout
    generator = SeededGenerator(seed: holdout.seed)
  }

  /// To be called after each sentence, with the statistics of all that has been read.
  public mutating func add(_ statistics: TextStatistics) {
    waiting.append(
      Sentence(
        bytes: UInt32(clamping: statistics.bytes - last.bytes),
        sentenceBytes: UInt32(clamping: statistics.sentenceBytes - last.sentenceBytes),
        sentenceCharacters: UInt32(clamping: statistics.sentenceCharacters - last.sentenceCharacters),
        tokens: UInt32(clamping: statistics.tokens - last.tokens),
        emptyLines: UInt32(clamping: statistics.emptyLines - last.emptyLines),
        droppedMarkers: UInt32(clamping: statistics.droppedMarkers - last.droppedMarkers)))
    last = statistics
    switch holdout.lines {
    case .last: passOver(count: waiting.count - first - holdout.count(of: statistics.sentences) - 1)
    case .every: choose(of: statistics.sentences)
    case .random: if waiting.count == Self.blockSize { choose(of: statistics.sentences) }
    }
  }

  /// Leaves the first sentences that wait to the training. One more waits than is needed now, should rounding make it two more for the next
  /// sentence.
  private mutating func passOver(count: Int) {
    for _ in 0..<max(0, count) {
      training.add(waiting[first])
      first += 1
    }
    if first > 1024, 2 * first > waiting.count {
      waiting.removeFirst(first)
      first = 0
    }
  }

  /// Decides on the sentences that wait, the last of `count`, so that as many of all are held out as should be: each with the probability that
  /// leaves every choice as likely (Knuth's algorithm S).
  private mutating func choose(of count: Int) {
    let start = count - waiting.count
    var needed = holdout.count(of: count) - holdout.count(of: start)
    for (i, sentence) in waiting.enumerated() {
      let left = waiting.count - i
      if needed == left || needed > 0 && generator.uniform() * Double(left) < Double(needed) {
        heldOut.append(start + i)
        needed -= 1
      } else {
        training.add(sentence)
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  /// What is held out once `whole` has been read: the numbers of the sentences, from 0 and rising, and the statistics of the text without
  /// them and of them.
  ///
  /// Both statistics name the texts, and say of all of it whether it has words.
  ///
  /// - Throws: `FileError` if there are sentences, and none are left to train on.
  public func parts(
    of whole: TextStatistics
  ) throws -> (sentences: [Int], training: TextStatistics, heldOut: TextStatistics) {
    try holdout.check(sentences: whole.sentences)
    var settled = self
    if holdout.lines == .last {
      let left = whole.sentences - holdout.count(of: whole.sentences)
      settled.passOver(count: left - training.sentences)
      settled.heldOut = Array(left..<whole.sentences)
    } else {
      settled.choose(of: whole.sentences)
    }
    var (training, heldOut) = (settled.training, whole)
    (training.texts, training.unspaced) = (whole.texts, whole.unspaced)
    heldOut.lines -= training.lines
    heldOut.sentences -= training.sentences
    heldOut.emptyLines -= training.emptyLines
    heldOut.tokens -= training.tokens
    heldOut.droppedMarkers -= training.droppedMarkers
    heldOut.bytes -= training.bytes
    heldOut.sentenceBytes -= training.sentenceBytes
    heldOut.sentenceCharacters -= training.sentenceCharacters
    return (settled.heldOut, training, heldOut)
  }
}

extension TextStatistics {
  fileprivate mutating func add(_ sentence: HeldOutSentences.Sentence) {
    sentences += 1
    bytes += Int(sentence.bytes)
    sentenceBytes += Int(sentence.sentenceBytes)
    sentenceCharacters += Int(sentence.sentenceCharacters)
    tokens += Int(sentence.tokens)
    emptyLines += Int(sentence.emptyLines)
    droppedMarkers += Int(sentence.droppedMarkers)
    lines += 1 + Int(sentence.emptyLines)
  }
}
