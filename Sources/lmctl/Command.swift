/// One of lmctl's commands.
protocol Command: Sendable {
  /// Its name on the command line.
  static var name: String { get }
  /// What it does, in a few words.
  static var summary: String { get }
  /// Its operands, for the usage line.
  static var operands: String { get }
  /// What it does, in a paragraph or two.
  static var discussion: String { get }
  /// What a configuration calls its operands; `nil` if they stand on the command line only.
  static var operandsInConfiguration: String? { get }
  /// Its own options in groups, each with a heading.
  static var options: [(heading: String, options: [Option])] { get }
  /// Command lines that work.
  static var examples: [String] { get }

  /// Does it.
  static func run(_ arguments: Arguments) throws
}

extension Command {
  static var operandsInConfiguration: String? { nil }

  /// Its own options, and those that every command takes.
  static var allOptions: [(heading: String, options: [Option])] {
    options + [("configuration", [Configuration.option])]
  }

  /// The page that `lmctl help` shows.
  static var helpText: String {
    var text = "lmctl \(name): \(summary)\n\nusage: lmctl \(name) \(operands)\n\n\(discussion)\n"
    for group in allOptions {
      text += "\n\(group.heading):\n"
      for option in group.options {
        let short = option.short.map { "-\($0), " } ?? ""
        let left = "  \(short)--\(option.name)" + (option.value.map { " \($0)" } ?? "")
        let column = 30
        text += left + (left.count < column - 1 ? spaces(column - left.count) : "\n" + spaces(column))
        text += option.help.split(separator: "\n").joined(separator: "\n" + spaces(column)) + "\n"
      }
    }
    text += "\nexamples:\n" + examples.map { "  \($0)\n" }.joined()
    return text
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}

/// The version of the program.
let programVersion = "0.1.0"
