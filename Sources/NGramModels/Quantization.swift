import LanguageModels

/// Few values that stand for many: the centres of bins that hold equally many of the values each, as in Federico and Bertoldi
/// (2006) and in KenLM.
struct QuantizationBins {
  /// The centres, in rising order.
  let centers: [Float]

  /// At most `count` bins for `values`.
  ///
  /// 0 and −∞ are kept as they are: ln 1 and ln 0 mean something.
  init(_ values: some Sequence<Float>, count: Int) {
    var kept: Set<Float> = []
    var others: [Float] = []
    for value in values {
      if value == 0 || !value.isFinite { kept.insert(value) } else { others.append(value) }
    }
    others.sort()
    let bins = min(count - kept.count, others.count)
    for bin in 0..<max(0, bins) {
      let part = others[bin * others.count / bins..<(bin + 1) * others.count / bins]
      kept.insert(Float(part.reduce(0) { $0 + Double($1) } / Double(part.count)))
    }
    centers = kept.sorted()
  }

  /// Bins whose centres are known.
  init(centers: [Float]) { self.centers = centers }

  /// The number of the centre that is nearest to `value`.
  func code(of value: Float) -> UInt8 {
    var (low, high) = (0, centers.count)
    while low < high {
      let middle = (low + high) / 2
      if centers[middle] < value { low = middle + 1 } else { high = middle }
    }
    if low == centers.count { return UInt8(low - 1) }
    if low == 0 || centers[low] == value { return UInt8(low) }
    return UInt8(centers[low] - value < value - centers[low - 1] ? low : low - 1)
  }
}

extension NGramModel {
  /// The model with probabilities and back-off weights of 2^`bits` values for each order, from 1 to 8 bits; those of single words stay
  /// as they are.
  ///
  /// Its probabilities sum to one only approximately.
  public func quantized(bits: Int) -> NGramModel {
    func quantize(_ values: [Float]) -> [Float] {
      var result = values
      for level in 1..<max(1, trie.order) where trie.levelStarts[level] < values.count {
        let range = trie.levelStarts[level]..<trie.levelStarts[level + 1]
        let bins = QuantizationBins(values[range], count: 1 << bits)
        for node in range { result[node] = bins.centers[Int(bins.code(of: values[node]))] }
      }
      return result
    }
    return replacing(
      trie.with(
        logProbabilities: quantize(trie.logProbabilities), logBackoffs: quantize(trie.logBackoffs)),
      record: "quantize", .integer(bits))
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
  var quantizationBits: Int? { smoothingRecord.last { $0.name == "quantize" }?.value.integerValue }
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
