import LanguageModels

/// Wrong usage: exit status 2.
struct UsageError: UserError {
  let description: String
  /// Whether settings do not go together, each of which would be right by itself.
  let isContradiction: Bool

  init(_ description: String, isContradiction: Bool = false) {
    (self.description, self.isContradiction) = (description, isContradiction)
  }
}

/// An option as a person sees it: what the command line is taken apart by, and what help, man page and completions show.
struct Option {
  /// Its name without dashes.
  let name: String
  /// A one-letter name, without the dash.
  var short: Character?
  /// What its value is called; `nil` for a flag.
  var value: String?
  /// The values that it can have, if there are only some.
  var choices: [String] = []
  /// The range of its values, in words.
  var range: String?
  /// What holds where it is not given, in words.
  var defaultText: String?
  /// What it does.
  var help: String
  /// What people type who mean it.
  var typed: [String] = []
  /// The models that take it; all if empty.
  var models: [ModelKind] = []
  /// The tasks that it is for; all if empty.
  var tasks: [TaskKind] = []
  /// Why it is not for the others, if that should be said.
  var taskReason: String?
  /// Whether its value is the name of a file or a folder.
  var isPath: Bool = false
  /// Whether its value can be several numbers with commas between them, in a configuration an array.
  var isList: Bool = false
  /// Whether it may be given several times: the values then stand on lines of their own.
  var isRepeatable: Bool = false
  /// Some of its values, as they are typed; none of a path, whose files are others' business, or a flag.
  var examples: [String] = []

  /// Whether `word` gives it, in full or by its letter, the value behind a sign of equality or yet to come.
  func isWritten(_ word: String) -> Bool {
    let name = word.prefix { $0 != "=" }
    return name == "--\(self.name)" || short.map { name == "-\($0)" } == true
  }

  /// Whether `name`, without dashes, is its name, or what people type who mean it.
  func isCalled(_ name: String) -> Bool { self.name == name || typed.contains(name) }

  /// The environment variable that gives it where neither the command line nor a configuration does.
  var variable: String {
    "LMCTL_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
  }

  /// Its value as help shows it: the choices where they are few.
  var placeholder: String? {
    guard value != nil, !choices.isEmpty else { return value }
    let listed = choices.joined(separator: "|")
    return listed.count <= 28 ? listed : value
  }

  /// What it does, with its choices, its range and its default.
  var fullHelp: String {
    var notes: [String] = []
    if let value, !choices.isEmpty, placeholder == value {
      notes.append("\(value): \(choices.joined(separator: ", "))")
    }
    if let range { notes.append(range) }
    if let defaultText { notes.append("default: \(defaultText)") }
    return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
  }
}

/// Options under a heading.
struct OptionGroup {
  let heading: String
  let options: [Option]
}
