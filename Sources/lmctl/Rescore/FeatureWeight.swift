import LanguageModels

/// How much a feature counts.
struct FeatureWeight {
  let name: String
  let value: Double

  /// `name=value`, as `--weight` takes it.
  var text: String { "\(name)=\(value)" }
}

extension FeatureWeight {
  /// What `name=value` says; `nil` if it is something else.
  init?(_ text: String) {
    guard let equals = text.lastIndex(of: "="), equals > text.startIndex,
      let value = Double(text[text.index(after: equals)...]), value.isFinite
    else { return nil }
    self.init(name: String(text[..<equals]), value: value)
  }
}

extension ValueType where Value == [FeatureWeight] {
  /// `NAME=X`, several with commas between them or on lines of their own.
  static var featureWeights: Self {
    Self(
      placeholder: "NAME=X",
      parse: { text in
        var weights: [FeatureWeight] = []
        for line in text.split(separator: "\n") {
          // Names of Moses may have commas of their own, so that a weight ends where its number does.
          var part = ""
          for piece in line.split(separator: ",") {
            part += (part.isEmpty ? "" : ",") + piece
            guard let weight = FeatureWeight(part) else { continue }
            weights.append(weight)
            part = ""
          }
          if !part.isEmpty { return nil }
        }
        return weights.isEmpty ? nil : weights
      },
      requirement: { _ in "names and numbers, as in lm=0.5,words=-0.3" },
      json: { $0.isEmpty ? .null : .string($0.map(\.text).joined(separator: ",")) },
      examples: ["words=0.5"])
  }
}

/// The total of a hypothesis: Σ weight · feature, over the features that have weights.
struct RescoringTotal {
  private let weights: [FeatureWeight]
  /// The new features, in the order of their values.
  private let added: [String]

  /// - Parameter weights: the new features count 1, and nothing else, if `nil`.
  init(_ weights: [FeatureWeight]?, added: [String]) {
    self.weights = weights ?? added.map { FeatureWeight(name: $0, value: 1) }
    self.added = added
  }

  /// Makes sure that there is a feature for each weight, and none of the name of a new one.
  ///
  /// - Throws: `UsageError`, which names the nearest feature.
  func check(_ hypothesis: NBestLine, file: String) throws {
    let own = hypothesis.features.map(\.name)
    if let name = added.first(where: { own.contains($0) || $0 == FeatureName.words }) {
      throw UsageError("\(file) has a feature '\(name)'; call the new one something else with --name")
    }
    let known = own + added + [FeatureName.words]
    for weight in weights where !known.contains(weight.name) {
      let lower = Dictionary(known.map { ($0.lowercased(), $0) }) { first, _ in first }
      var nearest = Suggestion.text(for: weight.name, among: known, typed: lower)
      if nearest.isEmpty { nearest = "; there are \(known.joined(separator: ", "))" }
      throw UsageError("--weight names '\(weight.name)', which is no feature of \(file)\(nearest)")
    }
  }

  /// The total of a hypothesis, whose new features have the values `scores`.
  func total(_ hypothesis: NBestLine, _ scores: [Double], file: String) throws -> Double {
    var total = 0.0
    for weight in weights where weight.value != 0 {
      let value: Double
      if let i = added.firstIndex(of: weight.name) {
        value = scores[i]
      } else if weight.name == FeatureName.words {
        value = Double(hypothesis.words.count)
      } else {
        guard let own = hypothesis[weight.name] else {
          throw TextError(
            file: file, line: hypothesis.line, reason: "has no feature '\(weight.name)', which has a weight")
        }
        value = own
      }
      total += weight.value * value
    }
    return total
  }
}

extension NBestLine {
  /// Its words as they stand there: what white space separates.
  var words: [String] {
    var words: [String] = []
    // What is not UTF-8 is replaced, so nothing is thrown.
    _ = try? Tokenizer(invalid: .replace).forEachToken(of: text) {
      words.append(String(decoding: $0, as: UTF8.self))
    }
    return words
  }
}
