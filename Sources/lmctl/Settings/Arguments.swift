import Glibc
import LanguageModels

/// A command line, taken apart by the options of its command.
struct Arguments {
  /// Where an option is given.
  private enum Source: Equatable {
    case commandLine
    case configuration(file: String)
    case environment(variable: String)
  }

  private struct Given {
    let text: String
    let source: Source
  }

  /// The arguments that are not options.
  private(set) var operands: [String]
  private var given: [String: Given]
  /// Options that `--no-NAME` takes back.
  private let withdrawn: Set<String>
  /// Options of the environment that do not fit.
  private var passedOver: Set<String> = []

  /// Takes `words` apart: `--name value`, `--name=value`, `-o value`, `-ovalue`, flags, `-q`, several as in `-qo value`, `--no-name`, `--`
  /// before operands that begin with a dash.
  ///
  /// - Parameter refused: why there is no option of this name.
  /// - Throws: `UsageError` for an unknown option (with the nearest real one), a missing or superfluous value.
  init(_ words: [String], options: [Option], refused: [String: String] = [:]) throws {
    var operands: [String] = []
    var withdrawn: Set<String> = []
    var given: [String: Given] = [:]
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      }
      guard word.hasPrefix("-"), word != "-" else {
        operands.append(word)
        continue
      }
      if let letters = Self.letters(word, options) {
        rest = letters + rest
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = options.first(where: { $0.isWritten(word) }) else {
        if let option = options.first(where: { "--no-\($0.name)" == word }) {
          withdrawn.insert(option.name)
          continue
        }
        if let reason = refused[String(name.drop { $0 == "-" })] { throw UsageError("\(name) \(reason)") }
        throw UsageError("unknown option '\(name)'" + Suggestion.text(forOption: name, among: options))
      }
      let earlier = given[option.name]?.text
      if earlier != nil, !option.isRepeatable { throw UsageError("option '\(name)' is given twice") }
      var text = ""
      switch (option.placeholder, parts.count) {
      case (nil, 1): break
      case (nil, _): throw UsageError("option '\(name)' takes no value")
      case (_?, 2): text = String(parts[1])
      case (let placeholder?, _):
        // A dash alone or a negative number is a value; another word with a dash is the next option.
        guard let value = rest.first, !value.hasPrefix("--") else {
          throw UsageError("option '\(name)' needs a value: \(name) \(placeholder)")
        }
        text = value
        rest = rest.dropFirst()
      }
      given[option.name] = Given(text: (earlier.map { $0 + "\n" } ?? "") + text, source: .commandLine)
    }
    for option in options where withdrawn.contains(option.name) && given[option.name] != nil {
      throw UsageError("--\(option.name) and --no-\(option.name) exclude each other")
    }
    self.operands = operands
    self.withdrawn = withdrawn
    self.given = given
  }

  /// Options of one letter that stand in one word, as words of their own: `-qofile` is `-q` and `-o=file`; `nil` if `word` is none of that.
  private static func letters(_ word: String, _ options: [Option]) -> [String]? {
    var rest = word.dropFirst()
    let bare = String(rest.prefix { $0 != "=" })
    // A dash that is missing is a slip.
    guard bare.count > 1, !bare.hasPrefix("-"), !options.contains(where: { $0.isCalled(bare) }) else {
      return nil
    }
    var letters: [String] = []
    while let letter = rest.popFirst() {
      guard let option = options.first(where: { $0.short == letter }) else { return nil }
      guard option.value != nil || rest.first == "=", !rest.isEmpty else {
        letters.append("-\(letter)")
        continue
      }
      letters.append("-\(letter)=\(rest.first == "=" ? rest.dropFirst() : rest)")
      break
    }
    return letters
  }

  /// Adds what a configuration says about options that the command line does not speak of.
  ///
  /// - Parameter operands: the operands where the command line has none.
  mutating func add(values: [String: String], operands: [String], from file: String) {
    for (name, text) in values where given[name] == nil && !withdrawn.contains(name) {
      given[name] = Given(text: text, source: .configuration(file: file))
    }
    if self.operands.isEmpty { self.operands = operands }
  }

  /// Adds what the environment says about options that nothing else speaks of; a flag is given by `1`, and is not by `0` or nothing.
  mutating func addEnvironment(_ options: [Option]) {
    for option in options
    where given[option.name] == nil && !withdrawn.contains(option.name) && !passedOver.contains(option.name) {
      guard let value = getenv(option.variable) else { continue }
      let text = String(systemText: value)
      if text.isEmpty || option.value == nil && ["0", "false", "no", "off", "n"].contains(text.lowercased()) {
        continue
      }
      given[option.name] = Given(text: text, source: .environment(variable: option.variable))
    }
  }

  /// An error if the environment gives a flag neither 1 nor 0.
  func checkFlags(_ options: [Option]) throws {
    for option in options where option.value == nil && isFromEnvironment(option.name) {
      let text = string(option.name) ?? ""
      guard ["1", "true", "yes", "on", "y"].contains(text.lowercased()) else {
        throw UsageError(
          "\(option.variable) stands for the flag --\(option.name): it takes 1 or 0, not '\(text)'")
      }
    }
  }

  /// Forgets what only the environment gives, of the options that contradict others in `error`.
  ///
  /// - Returns: whether there was anything.
  mutating func removeFromEnvironment(namedIn error: UsageError) -> Bool {
    guard error.isContradiction else { return false }
    let guilty = named(in: error).filter(isFromEnvironment)
    for name in guilty { passOver(name) }
    return !guilty.isEmpty
  }

  /// The options given that `error` speaks of.
  private func named(in error: UsageError) -> [String] {
    let words = error.description.split { !($0.isLetter || $0.isNumber || $0 == "-") }
    return names.filter { words.contains("--\($0)") }
  }

  /// Gives an option that others imply.
  mutating func give(_ name: String, _ text: String) { given[name] = Given(text: text, source: .commandLine) }

  /// The names of all options that are given.
  var names: [String] { given.keys.sorted() }

  /// The options that are given, and those that are taken back, which have no value.
  var givenOrWithdrawn: [(name: String, value: String?)] {
    names.map { ($0, given[$0]?.text) } + withdrawn.sorted().map { ($0, nil) }
  }

  /// Whether only the environment gives `name`.
  func isFromEnvironment(_ name: String) -> Bool {
    if case .environment? = given[name]?.source { true } else { false }
  }

  /// Forgets that the environment gives `name`.
  mutating func passOver(_ name: String) {
    given[name] = nil
    passedOver.insert(name)
  }

  /// `error`, and where those of the options that it speaks of stand that the command line does not give.
  func locating(_ error: UsageError) -> UsageError {
    let guilty = named(in: error)
    var places: [(place: String, names: [String])] = []
    for name in guilty {
      let place: String
      switch given[name]?.source {
      case .configuration(let file)?: place = file
      case .environment(let variable)?: place = "the environment as \(variable)"
      default: continue
      }
      if let i = places.firstIndex(where: { $0.place == place }) {
        places[i].names.append("--\(name)")
      } else {
        places.append((place, ["--\(name)"]))
      }
    }
    if places.isEmpty { return error }
    let text = places.map { place, names in
      "\(names.joined(separator: ", ")) \(names.count == 1 ? "stands" : "stand") in \(place)"
    }
    return UsageError("\(error) (\(text.joined(separator: "; ")))")
  }

  /// Whether option or flag `name` is given.
  func has(_ name: String) -> Bool { given[name] != nil }

  /// The value of option `name` as it stands.
  func string(_ name: String) -> String? { given[name]?.text }
}
