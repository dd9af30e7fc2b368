import Threads

/// The positions of a text in the order of the n-grams that begin there, which end with their sentences at the latest.
struct SortedPositions: Sendable {
  /// A part of the work that one thread does: all n-grams that begin with some words.
  struct Piece: Sendable {
    /// Their first words.
    let words: Range<Int>
    /// Their places in the order.
    let positions: Range<Int>
    /// Index k − 1: how many different k-grams there are among them.
    var newNGrams: [Int]
  }

  /// Positions of the text, sorted.
  private(set) var positions: [UInt32]
  /// How many words each n-gram shares with the one before it.
  private(set) var shared: [UInt8]
  /// How many words each n-gram has.
  private(set) var lengths: [UInt8]
  private(set) var pieces: [Piece]

  /// Sorts the n-grams of up to `order` words.
  ///
  /// A counting sort by the first word, then, word by word of these on all cores, radix sorts by as many of the next words as fit into
  /// 64 bits, and again among those that are equal so far.
  init(_ text: PaddedText, order: Int) {
    let vocabularySize = text.vocabularySize
    var buckets = [Int](repeating: 0, count: vocabularySize + 2)
    if let starts = text.starts {
      for start in starts { buckets[Int(text.words[Int(start)]) + 1] += 1 }
    } else {
      for word in text.words[..<text.beginnings] { buckets[Int(word) + 1] += 1 }
    }
    for word in 1..<buckets.count { buckets[word] += buckets[word - 1] }
    let count = buckets[vocabularySize + 1]
    var next = buckets
    positions = [UInt32](unsafeUninitializedCapacity: count) { positions, initialized in
      if let starts = text.starts {
        for start in starts {
          let word = Int(text.words[Int(start)])
          positions[next[word]] = start
          next[word] += 1
        }
      } else {
        for (position, word) in text.words[..<text.beginnings].enumerated() {
          positions[next[Int(word)]] = UInt32(position)
          next[Int(word)] += 1
        }
      }
      initialized = count
    }
    pieces = Self.pieces(of: buckets, order: order)
    shared = [UInt8](repeating: 0, count: count)
    lengths = [UInt8](repeating: 0, count: count)
    let bucketStarts = buckets
    positions.withUnsafeMutableBufferPointer { positions in
      shared.withUnsafeMutableBufferPointer { shared in
        lengths.withUnsafeMutableBufferPointer { lengths in
          pieces.withUnsafeMutableBufferPointer { pieces in
            nonisolated(unsafe) let (positions, shared, lengths, pieces) = (
              positions, shared, lengths, pieces
            )
            Threads.perform(pieces.count) { i in
              text.words.withUnsafeBufferPointer { words in
                let largest = pieces[i].words.reduce(0) { max($0, bucketStarts[$1 + 1] - bucketStarts[$1]) }
                let sorter = BucketSorter(
                  words: words, sentenceStart: UInt32(vocabularySize), order: order, positions: positions,
                  shared: shared, lengths: lengths, capacity: largest)
                for word in pieces[i].words {
                  sorter.sort(bucketStarts[word]..<bucketStarts[word + 1], from: 1)
                }
                for position in pieces[i].positions where shared[position] < lengths[position] {
                  for k in Int(shared[position])..<Int(lengths[position]) { pieces[i].newNGrams[k] += 1 }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Pieces of about the same size, cut between first words.
  private static func pieces(of buckets: [Int], order: Int) -> [Piece] {
    let words = buckets.count - 1
    let size = max(1, buckets[words] / 64)
    var pieces: [Piece] = []
    var first = 0
    for word in 0..<words where buckets[word + 1] - buckets[first] >= size || word == words - 1 {
      pieces.append(
        Piece(
          words: first..<word + 1, positions: buckets[first]..<buckets[word + 1],
          newNGrams: [Int](repeating: 0, count: order)))
      first = word + 1
    }
    return pieces
  }
}

/// Sorts positions of the text whose n-grams have the same first words.
private final class BucketSorter {
  private let words: UnsafeBufferPointer<UInt32>
  private let sentenceStart: UInt32
  private let order: Int
  private let positions: UnsafeMutableBufferPointer<UInt32>
  private let shared: UnsafeMutableBufferPointer<UInt8>
  private let lengths: UnsafeMutableBufferPointer<UInt8>
  private let keys: UnsafeMutableBufferPointer<UInt64>
  private let spareKeys: UnsafeMutableBufferPointer<UInt64>
  private let sparePositions: UnsafeMutableBufferPointer<UInt32>
  /// Bits of a digit: word + 1, or 0 behind the end of an n-gram.
  private let digitBits: Int
  private let digitsInKey: Int

  /// - Parameter capacity: the size of the largest bucket.
  init(
    words: UnsafeBufferPointer<UInt32>, sentenceStart: UInt32, order: Int,
    positions: UnsafeMutableBufferPointer<UInt32>, shared: UnsafeMutableBufferPointer<UInt8>,
    lengths: UnsafeMutableBufferPointer<UInt8>, capacity: Int
  ) {
    (self.words, self.sentenceStart, self.order) = (words, sentenceStart, order)
    (self.positions, self.shared, self.lengths) = (positions, shared, lengths)
    keys = .allocate(capacity: capacity)
    spareKeys = .allocate(capacity: capacity)
    sparePositions = .allocate(capacity: capacity)
    digitBits = max(1, 32 - sentenceStart.leadingZeroBitCount)
    digitsInKey = 64 / digitBits
  }

  deinit {
    keys.deallocate()
    spareKeys.deallocate()
    sparePositions.deallocate()
  }

  /// Sorts the places `bucket`, whose n-grams share their first `offset` words; the first place's `shared` is left alone.
  func sort(_ bucket: Range<Int>, from offset: Int) {
    guard !bucket.isEmpty else { return }
    guard offset < order else {
      for i in bucket { lengths[i] = UInt8(order) }
      for i in bucket.dropFirst() { shared[i] = UInt8(order) }
      return
    }
    let digits = min(digitsInKey, order - offset)
    let count = bucket.count
    let keys = UnsafeMutableBufferPointer(rebasing: self.keys[..<count])
    let positions = UnsafeMutableBufferPointer(rebasing: self.positions[bucket])
    for i in 0..<count { keys[i] = key(at: Int(positions[i]) + offset, digits: digits) }
    RadixSort.sort(
      keys, positions, spareKeys: UnsafeMutableBufferPointer(rebasing: spareKeys[..<count]),
      spareValues: UnsafeMutableBufferPointer(rebasing: sparePositions[..<count]))
    // What comes deeper overwrites the keys, so all that they tell is taken down first.
    var tied: [Range<Int>] = []
    var start = 0
    while start < count {
      let key = keys[start]
      var end = start + 1
      while end < count, keys[end] == key { end += 1 }
      if start > 0 {
        let difference = (key ^ keys[start - 1]).leadingZeroBitCount - (64 - digits * digitBits)
        shared[bucket.lowerBound + start] = UInt8(offset + difference / digitBits)
      }
      let missing = key == 0 ? digits : key.trailingZeroBitCount / digitBits
      let places = bucket.lowerBound + start..<bucket.lowerBound + end
      if missing == 0, offset + digits < order {
        tied.append(places)
      } else {
        let length = UInt8(offset + digits - missing)
        for i in places { lengths[i] = length }
        for i in places.dropFirst() { shared[i] = length }
      }
      start = end
    }
    for places in tied { sort(places, from: offset + digits) }
  }

  /// The words from `position` on as the digits of a number, as far as the n-gram goes.
  @inline(__always)
  private func key(at position: Int, digits: Int) -> UInt64 {
    var key: UInt64 = 0
    var digit = 0
    while digit < digits, position + digit < words.count {
      let word = words[position + digit]
      if word == sentenceStart { break }
      key = key << UInt64(digitBits) | UInt64(word + 1)
      digit += 1
    }
    // A shift by 64 would be one by nothing.
    return key == 0 ? 0 : key << UInt64((digits - digit) * digitBits)
  }
}
