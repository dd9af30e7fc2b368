import Glibc
import LanguageModels

/// Few values that stand for many, with the least mean square error (Lloyd 1982), weighted by what each counts for.
///
/// Bins that hold equally many values each are coarse where values are rare, at both ends; but likely n-grams and strong back-offs
/// are there, and used often.
struct QuantizationBins {
  /// The centres, in rising order.
  let centers: [Float]

  /// A value, and what it counts for.
  struct Item {
    let value: Float
    let weight: Float

    /// A value that counts for something, if only for very little.
    init(_ value: Float, _ weight: Double) {
      self.value = value
      self.weight = max(Float(weight), .leastNormalMagnitude)
    }
  }

  /// At most `count` bins for `values`, which all count the same.
  init(_ values: some Sequence<Float>, count: Int) {
    self.init(values.lazy.map { Item($0, 1) }, count: count)
  }

  /// At most `count` bins for the values of `items`.
  ///
  /// 0 and −∞ are kept as they are: ln 1 and ln 0 mean something.
  init(_ items: some Sequence<Item>, count: Int) {
    var kept: Set<Float> = []
    var others: [Item] = []
    var distinct: Set<Float> = []
    for item in items {
      if item.value == 0 || !item.value.isFinite {
        kept.insert(item.value)
      } else {
        others.append(item)
        if distinct.count <= count { distinct.insert(item.value) }
      }
    }
    let bins = count - kept.count
    if distinct.count <= bins {
      centers = kept.union(distinct).sorted()
    } else {
      others.sort { $0.value < $1.value }
      centers = kept.union(Self.refined(Self.initial(others, count: bins), on: others)).sorted()
    }
  }

  /// Centres as dense as the cube root of the density of the values, which is best where bins are small (Panter and Dite 1951).
  private static func initial(_ sorted: [Item], count: Int) -> [Float] {
    let low = Double(sorted[0].value)
    let cells = 4096
    let width = (Double(sorted[sorted.count - 1].value) - low) / Double(cells)
    var weights = [Double](repeating: 0, count: cells)
    for item in sorted {
      weights[min(cells - 1, Int((Double(item.value) - low) / width))] += Double(item.weight)
    }
    for cell in weights.indices { weights[cell] = cbrt(weights[cell]) }
    let step = weights.reduce(0, +) / Double(count)
    var centers: [Float] = []
    var sum = 0.0
    for (cell, weight) in weights.enumerated() {
      while centers.count < count, (Double(centers.count) + 0.5) * step <= sum + weight {
        let part = ((Double(centers.count) + 0.5) * step - sum) / weight
        centers.append(Float(low + (Double(cell) + part) * width))
      }
      sum += weight
    }
    return centers
  }

  /// Moves every centre to the mean of the values that are nearest to it, again and again.
  private static func refined(_ start: [Float], on items: [Item]) -> [Float] {
    var (weights, sums) = ([0.0], [0.0])
    weights.reserveCapacity(items.count + 1)
    sums.reserveCapacity(items.count + 1)
    for (i, item) in items.enumerated() {
      weights.append(weights[i] + Double(item.weight))
      sums.append(sums[i] + Double(item.weight) * Double(item.value))
    }
    let sorted = items.map(\.value)
    var centers = start
    for _ in 0..<20 {
      var first = 0
      for i in centers.indices {
        let end =
          i + 1 == centers.count
          ? sorted.count : index(of: (centers[i] + centers[i + 1]) / 2, in: sorted)
        if end > first, weights[end] > weights[first] {
          centers[i] = Float((sums[end] - sums[first]) / (weights[end] - weights[first]))
        }
        first = max(first, end)
      }
    }
    return centers
  }

  /// The first place of `sorted` whose value is not below `value`.
  private static func index(of value: Float, in sorted: [Float]) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Bins whose centres are known.
  init(centers: [Float]) { self.centers = centers }

  /// The number of the centre that is nearest to `value`.
  func code(of value: Float) -> UInt8 {
    let low = Self.index(of: value, in: centers)
    if low == centers.count { return UInt8(low - 1) }
    if low == 0 || centers[low] == value { return UInt8(low) }
    return UInt8(centers[low] - value < value - centers[low - 1] ? low : low - 1)
  }

  /// The centre that is nearest to `value`.
  func nearest(to value: Float) -> Float { centers[Int(code(of: value))] }
}

extension NGramModel {
  /// The model with probabilities and back-off weights of 2^`bits` values for each order, from 1 to 8 bits; those of single words stay
  /// as they are.
  ///
  /// Its probabilities sum to one as nearly as the values allow.
  public func quantized(bits: Int) -> NGramModel {
    let rounded =
      isNormalized
      ? TrieQuantizer(trie, binCount: 1 << bits).quantized() : trie.rounded(binCount: 1 << bits)
    return replacing(rounded, record: Self.quantizationRecord, .integer(bits))
  }

  /// By how much the model's logarithms of probabilities differ from those of `other`, which holds the same n-grams: on average and at most.
  public func distance(from other: NGramModel) -> (mean: Double, largest: Double) {
    var (sum, largest) = (0.0, 0.0)
    for (a, b) in zip(trie.logProbabilities, other.trie.logProbabilities) where a != b {
      sum += Double(abs(a - b))
      largest = max(largest, Double(abs(a - b)))
    }
    return (sum / Double(trie.logProbabilities.count), largest)
  }

  /// The bits of a quantized model.
  var quantizationBits: Int? {
    smoothingRecord.last { $0.name == Self.quantizationRecord }?.value.integerValue
  }
}

extension NGramTrie {
  /// Every number from the bigrams on as the nearest of so many values for each order, whatever the sums.
  func rounded(binCount: Int) -> NGramTrie {
    func round(_ values: [Float]) -> [Float] {
      var result = values
      for level in 1..<max(1, order) where levelStarts[level] < values.count {
        let range = levelStarts[level]..<levelStarts[level + 1]
        let bins = QuantizationBins(values[range], count: binCount)
        for node in range { result[node] = bins.nearest(to: values[node]) }
      }
      return result
    }
    return with(logProbabilities: round(logProbabilities), logBackoffs: round(logBackoffs))
  }
}

/// The numbers of a quantized model as they are stored: one byte each, and what the bytes mean for each order from 2.
struct QuantizedValues {
  /// Values of a byte, for each order.
  static let binCount = 256

  /// The values of the single words, as they are.
  let unigrams: [Float]
  /// The meaning of each byte, 256 for each order from 2; unused ones repeat the last.
  let bins: [Float]
  /// A byte for each node from the bigrams on.
  let codes: [UInt8]

  /// Takes apart `values` that have at most 256 different ones in each level.
  init(_ values: [Float], _ levelStarts: [Int]) {
    unigrams = Array(values.prefix(levelStarts[1]))
    var bins: [Float] = []
    var codes: [UInt8] = []
    codes.reserveCapacity(values.count - unigrams.count)
    for level in 1..<levelStarts.count where levelStarts[level] < values.count {
      let range = levelStarts[level]..<levelStarts[level + 1]
      let table = QuantizationBins(centers: Set(values[range]).sorted())
      bins += table.centers
      bins += repeatElement(
        table.centers[table.centers.count - 1], count: Self.binCount - table.centers.count)
      codes += values[range].lazy.map { table.code(of: $0) }
    }
    (self.bins, self.codes) = (bins, codes)
  }

  /// Puts values together again.
  static func values(unigrams: [Float], bins: [Float], codes: [UInt8], _ levelStarts: [Int]) -> [Float] {
    var values = unigrams
    values.reserveCapacity(unigrams.count + codes.count)
    for level in 1..<levelStarts.count where levelStarts[level] < unigrams.count + codes.count {
      let first = (level - 1) * binCount
      for node in levelStarts[level]..<levelStarts[level + 1] {
        values.append(bins[first + Int(codes[node - unigrams.count])])
      }
    }
    return values
  }
}
