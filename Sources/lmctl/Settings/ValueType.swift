import LanguageModels
import NeuralModels

/// What the value of a setting can be: how it is read, written as JSON, and described.
struct ValueType<Value> {
  /// What the value is called in help.
  let placeholder: String
  /// All values, if there are only some.
  var choices: [String] = []
  /// The range in words, for help.
  var range: String?
  /// Whether it is the name of a file or a folder.
  var isPath = false
  /// Whether it can be several numbers.
  var isList = false
  /// The value that a text stands for; `nil` if it stands for none.
  let parse: (String) -> Value?
  /// What an option takes, said of a text that it does not take: `a whole number from 1`.
  let requirement: (String) -> String
  /// What was meant by a text that stands for no value.
  var suggestion: (String) -> String = { _ in "" }
  let json: (Value) -> JSONValue
  /// Texts that stand for some of its values, where it takes neither words from a list nor numbers.
  var examples: [String] = []

  /// Texts that stand for values, the choices or some that it takes, for whoever tries settings out.
  var trials: [String] {
    if !choices.isEmpty { return choices }
    if !examples.isEmpty || isPath { return examples }
    return ["5,4", "0.5", "0.25", "2", "3", "4"].filter { parse($0) != nil }
  }

  /// The value that `text` stands for.
  ///
  /// - Throws: `UsageError` that says what option `name` takes.
  func value(_ text: String, of name: String) throws -> Value {
    guard let value = parse(text) else {
      throw UsageError("--\(name) takes \(requirement(text)), not '\(text)'\(suggestion(text))")
    }
    return value
  }

  /// A value as help shows it.
  func shown(_ value: Value) -> String? {
    switch json(value) {
    case .null, .bool: nil
    case .string(let text): text
    case .number(let number): Format.significant(number, 6)
    case let other: other.text
    }
  }
}

extension ValueType where Value == Int {
  /// A whole number in `range`.
  static func whole(_ range: ClosedRange<Int>, _ placeholder: String = "N") -> Self {
    let (low, high) = (range.lowerBound, range.upperBound)
    return Self(
      placeholder: placeholder,
      // Bounds that only keep numbers within reason are not worth a word.
      range: high < 1_000_000 ? "\(low) to \(high)" : low > 1 ? "from \(low)" : nil,
      parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
      requirement: { text in
        let isTooLarge = !text.isEmpty && text.allSatisfy(\.isNumber) && Int(text) == nil
        return high == .max && !isTooLarge
          ? "a whole number from \(low)" : "a whole number from \(low) to \(high)"
      }, json: { .integer($0) })
  }
}

extension ValueType where Value == [Int] {
  /// One whole number in `range` for all layers, or whatever else there are several `of`, or one for each of them with commas between them.
  static func sizes(_ range: ClosedRange<Int>, layers: ClosedRange<Int>, of things: String = "layers") -> Self
  {
    let single = ValueType<Int>.whole(range)
    return Self(
      placeholder: "N[,N]", range: single.range, isList: true,
      parse: { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let sizes = parts.compactMap { single.parse(String($0)) }
        return sizes.count == parts.count && layers.contains(sizes.count) ? sizes : nil
      },
      requirement: { "\(single.requirement($0)), or as many as \(things) with commas between them" },
      json: { JSONValue(sizes: $0) })
  }
}

extension ValueType where Value == UInt64 {
  /// A whole number from 0.
  static var seed: Self {
    Self(
      placeholder: "N", parse: { text in Int(text).flatMap { UInt64(exactly: $0) } },
      requirement: { ValueType<Int>.whole(0...Int.max).requirement($0) }, json: { .integer(Int($0)) })
  }
}

extension ValueType where Value == Double {
  /// A number that `isValid` accepts; `requirement` says which ones those are, as in `above 0`.
  static func number(
    _ placeholder: String, _ requirement: String, _ isValid: @escaping (Double) -> Bool
  ) -> Self {
    Self(
      placeholder: placeholder, range: requirement.isEmpty ? nil : requirement,
      parse: { text in Double(text).flatMap { $0.isFinite && isValid($0) ? $0 : nil } },
      requirement: { _ in requirement.isEmpty ? "a number" : "a number \(requirement)" },
      json: { .number($0) })
  }

  /// A part of a whole, which it never is.
  static func share(_ placeholder: String = "X") -> Self {
    number(placeholder, "from 0 and below 1") { $0 >= 0 && $0 < 1 }
  }

  /// A number that is not negative.
  static func atLeastZero(_ placeholder: String = "X") -> Self { number(placeholder, "from 0") { $0 >= 0 } }
}

extension ValueType where Value == [Double] {
  /// Numbers with commas between them, none below 0, and not all 0.
  static var weights: Self {
    let single = ValueType<Double>.atLeastZero()
    return Self(
      placeholder: "W,...", range: "from 0", isList: true,
      parse: { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let weights = parts.compactMap { single.parse(String($0)) }
        return weights.count == parts.count && weights.contains { $0 > 0 } ? weights : nil
      },
      requirement: { _ in "numbers from 0, not all of them 0, with commas between them" },
      json: { .string($0.map { "\($0)" }.joined(separator: ",")) })
  }
}

extension ValueType where Value == Float {
  /// A probability, but not 1, with as many digits as single precision has.
  static var probability: Self {
    let double = ValueType<Double>.share("P")
    return Self(
      placeholder: "P", range: double.range, parse: { double.parse($0).map { Float($0) } },
      requirement: double.requirement, json: { .number(Double("\($0)") ?? Double($0)) })
  }
}

extension ValueType where Value == String {
  /// Any text.
  static func text(_ placeholder: String) -> Self {
    Self(placeholder: placeholder, parse: { $0 }, requirement: { _ in "a text" }, json: { .string($0) })
  }

  /// The name of a file.
  static var file: Self { path("FILE") }

  /// The name of a file or folder.
  static func path(_ placeholder: String) -> Self {
    var type = text(placeholder)
    type.isPath = true
    return type
  }
}

extension ValueType where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of an enumeration's cases.
  ///
  /// - Parameter typed: what people type for some of them.
  static func choice(_ placeholder: String, typed: [String: Value] = [:]) -> Self {
    let known = Value.allCases.map(\.rawValue)
    return Self(
      placeholder: placeholder, choices: known, parse: { Value(rawValue: $0) },
      requirement: { _ in "one of \(known.joined(separator: ", "))" },
      suggestion: {
        Suggestion.text(for: $0, among: known, typed: typed.mapValues { $0.rawValue })
      }, json: { .string($0.rawValue) })
  }
}
