/// Watches a text as it is read, so that the sentences that are held out at its end have statistics of their own.
///
/// Memory: 24 bytes for each sentence that is held out.
public struct HeldOutTail: Sendable {
  /// What one sentence, and the empty lines before it, add to the statistics.
  private struct Sentence {
    var bytes: UInt32
    var sentenceBytes: UInt32
    var sentenceCharacters: UInt32
    var tokens: UInt32
    var emptyLines: UInt32
    var droppedMarkers: UInt32
  }

  private let fraction: Double
  /// The last sentences, behind some that are no longer needed.
  private var tail: [Sentence] = []
  private var first = 0
  /// The statistics of the sentences before `tail[first]`.
  private var before = TextStatistics()
  private var last = TextStatistics()

  /// To hold out the last `fraction` of the sentences.
  public init(fraction: Double) { self.fraction = fraction }

  /// To be called after each sentence, with the statistics of all that has been read.
  public mutating func add(_ statistics: TextStatistics) {
    tail.append(
      Sentence(
        bytes: UInt32(clamping: statistics.bytes - last.bytes),
        sentenceBytes: UInt32(clamping: statistics.sentenceBytes - last.sentenceBytes),
        sentenceCharacters: UInt32(clamping: statistics.sentenceCharacters - last.sentenceCharacters),
        tokens: UInt32(clamping: statistics.tokens - last.tokens),
        emptyLines: UInt32(clamping: statistics.emptyLines - last.emptyLines),
        droppedMarkers: UInt32(clamping: statistics.droppedMarkers - last.droppedMarkers)))
    last = statistics
    // One more than is needed now, should rounding make it two more for the next sentence.
    let heldOut = TextStatistics.heldOutSentences(of: statistics.sentences, fraction)
    while tail.count - first > heldOut + 1 { dropFirst() }
    if first > 1024, 2 * first > tail.count {
      tail.removeFirst(first)
      first = 0
    }
  }

  private mutating func dropFirst() {
    let sentence = tail[first]
    first += 1
    before.sentences += 1
    before.bytes += Int(sentence.bytes)
    before.sentenceBytes += Int(sentence.sentenceBytes)
    before.sentenceCharacters += Int(sentence.sentenceCharacters)
    before.tokens += Int(sentence.tokens)
    before.emptyLines += Int(sentence.emptyLines)
    before.droppedMarkers += Int(sentence.droppedMarkers)
    before.lines += 1 + Int(sentence.emptyLines)
  }

  /// The statistics of the text without what is held out, and of what is held out, once `whole` has been read.
  ///
  /// Both name the texts, and say of all of it whether it has words.
  public func parts(of whole: TextStatistics) -> (training: TextStatistics, heldOut: TextStatistics) {
    var settled = self
    let count = TextStatistics.heldOutSentences(of: whole.sentences, fraction)
    while settled.tail.count - settled.first > count { settled.dropFirst() }
    let before = settled.before
    var (training, heldOut) = (before, whole)
    (training.texts, training.unspaced) = (whole.texts, whole.unspaced)
    heldOut.lines -= before.lines
    heldOut.sentences -= before.sentences
    heldOut.emptyLines -= before.emptyLines
    heldOut.tokens -= before.tokens
    heldOut.droppedMarkers -= before.droppedMarkers
    heldOut.bytes -= before.bytes
    heldOut.sentenceBytes -= before.sentenceBytes
    heldOut.sentenceCharacters -= before.sentenceCharacters
    return (training, heldOut)
  }
}

extension TextStatistics {
  /// How many of the last of `sentences` are held out.
  static func heldOutSentences(of sentences: Int, _ holdout: Double) -> Int {
    Int((Double(sentences) * holdout).rounded(.up))
  }

  /// How many sentences are left when the last `holdout` of them are held out.
  ///
  /// - Throws: `FileError` if there are some, and none are left.
  public func sentences(without holdout: Double) throws -> Int {
    let left = sentences - Self.heldOutSentences(of: sentences, holdout)
    guard left > 0 || sentences == 0 else {
      throw FileError(
        path: "--holdout \(holdout)",
        reason: "leaves nothing to train on of a text of \(sentences) sentence\(sentences == 1 ? "" : "s")")
    }
    return left
  }
}
