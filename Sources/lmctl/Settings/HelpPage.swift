import LanguageModels

/// The page that `lmctl help COMMAND` shows, at most 80 columns wide.
struct HelpPage {
  /// No line is longer.
  static let width = 80
  private static let column = 26

  private let command: any Command.Type

  init(_ command: any Command.Type) { self.command = command }

  var text: String {
    var text =
      "lmctl \(command.name): \(command.summary)\n\nusage: lmctl \(command.name) \(command.operands)\n"
    text += "\nexamples:\n"
    for example in command.examples { text += Self.wrapped(example, indent: 2, hanging: 4, continued: true) }
    let (line, file) = command.configurationExample
    text += "  echo '\(file)' > run.json\n"
    text += "  \(line)\n"
    text += "\n" + Self.paragraphs(command.discussion)
    for group in command.options { text += "\n\(group.heading):\n" + Self.entries(group.options) }
    return text
      + "\nEvery option can stand in the environment, as \(Self.exampleOfVariable(command)); what\nis given otherwise wins.\n"
  }

  private static func exampleOfVariable(_ command: any Command.Type) -> String {
    let options = command.options.flatMap(\.options)
    return (options.first { $0.name == "threads" } ?? options.first)?.variable ?? ""
  }

  private static func entries(_ options: [Option]) -> String { options.map(entry).joined() }

  /// An option and what it does.
  private static func entry(_ option: Option) -> String {
    let short = option.short.map { "-\($0), " } ?? ""
    let left = "  \(short)--\(option.name)" + (option.placeholder.map { " \($0)" } ?? "")
    let lines = wrap(option.fullHelp, width: width - column)
    let indent = String(repeating: " ", count: column)
    let first =
      left.utf8.count < column - 1
      ? left + String(repeating: " ", count: column - left.count) : left + "\n" + indent
    return first + lines.joined(separator: "\n" + indent) + "\n"
  }

  /// Paragraphs, which blank lines separate, filled; lines that begin with a space stay as they are.
  static func paragraphs(_ text: String) -> String {
    var result = ""
    var paragraph: [Substring] = []
    func finish() {
      if !paragraph.isEmpty {
        result += wrap(paragraph.joined(separator: " "), width: width).joined(separator: "\n") + "\n"
      }
      paragraph = []
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty || line.hasPrefix(" ") {
        finish()
        result += line + "\n"
      } else {
        paragraph.append(line)
      }
    }
    finish()
    return result
  }

  /// `text` as lines with an indent, that of all but the first being `hanging`; with `continued`, each but the last ends in a backslash.
  static func wrapped(_ text: String, indent: Int, hanging: Int, continued: Bool = false) -> String {
    let lines = wrap(text, width: width - hanging - (continued ? 2 : 0))
    return lines.enumerated().map { i, line in
      String(repeating: " ", count: i == 0 ? indent : hanging) + line
        + (continued && i + 1 < lines.count ? " \\" : "")
    }.joined(separator: "\n") + "\n"
  }

  /// `text` in lines of at most `width` bytes, broken at spaces: no program counts fewer columns.
  static func wrap(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if line.isEmpty {
        line = String(word)
      } else if line.utf8.count + 1 + word.utf8.count <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = String(word)
      }
    }
    return lines + [line]
  }
}

extension HelpPage {
  /// The page that `lmctl help` shows.
  static var overview: String {
    let list =
      CommandLineTool.commands.map { ($0.name, $0.summary) } + [
        ("help", "show this page, or that of a command: lmctl help train"),
        ("help models", ModelsPage.summary),
        ("version", "show the version"),
      ]
    return """
      lmctl \(programVersion) trains, evaluates and samples language models on the CPU.

      first steps:
        lmctl train --model ngram --order 3 train.txt --valid valid.txt -o model.json
        lmctl eval model.json test.txt
        lmctl sample model.json --count 5

      usage: lmctl COMMAND [OPTION…] [FILE…]

      \(Format.table(list.map { ("  " + $0, $1) }))
      every command takes:
      \(entries(CommonSettings.options))
      Texts are files, or - for standard input; .gz, .bz2, .xz and .zst are
      decompressed on the way in. Results go to standard output, all else to
      standard error. Every option can stand in the environment: LMCTL_THREADS=1
      is --threads 1. 'lmctl help --man' is a manual page, 'lmctl help train
      --json' is for programs, 'lmctl completions bash' makes a shell complete
      options. Exit status: 0 done, 1 failed, 2 wrong usage; 130, 143, 129, 152
      ended by a signal, after saving.

      """
  }
}
