/// A manual page in the man macros of troff: `lmctl help --man > lmctl.1; man -l lmctl.1`.
struct ManualPage {
  private let commands: [any Command.Type]

  /// The page of one command, or of several.
  init(_ commands: [any Command.Type]) { self.commands = commands }

  var text: String {
    let only = commands.count == 1 ? commands.first : nil
    let name = only.map { "lmctl-\($0.name)" } ?? "lmctl"
    var text = ".TH \(Self.escaped(name.uppercased())) 1 \"\" \"lmctl \(programVersion)\" \"User Commands\"\n"
    text +=
      ".SH NAME\n\(Self.escaped(name)) \\- \(Self.escaped(only?.summary ?? "train, evaluate and sample language models"))\n"
    text += ".SH SYNOPSIS\n"
    for command in commands { text += ".B lmctl \(command.name)\n\(Self.escaped(command.operands))\n.br\n" }
    for command in commands {
      text += only == nil ? ".SH LMCTL \(Self.escaped(command.name.uppercased()))\n" : ".SH DESCRIPTION\n"
      text += Self.paragraphs(command.discussion)
      // What all commands take stands once on the page of all.
      let groups = command.options.filter { only != nil || $0.heading != CommonSettings.heading }
      for group in groups {
        text += ".SS \(Self.escaped(group.heading))\n"
        for option in group.options { text += Self.entry(option) }
      }
      text += ".SS examples\n.nf\n"
      for example in command.examples { text += Self.line(example) }
      text += ".fi\n"
    }
    if only == nil {
      text += ".SH OPTIONS OF \(CommonSettings.heading.uppercased())\n"
      for option in CommonSettings.options { text += Self.entry(option) }
    }
    return text + """
      .SH ENVIRONMENT
      Every option can stand in the environment, in capitals, behind LMCTL_ and with underscores: LMCTL_THREADS=1 is
      \\-\\-threads 1, LMCTL_QUIET=1 is \\-\\-quiet. What the command line or a configuration says wins.
      .SH EXIT STATUS
      0 done, 1 failed, 2 wrong usage; 130, 143, 129 or 152 ended by a signal, after saving.

      """
  }

  private static func entry(_ option: Option) -> String {
    let short = option.short.map { "\\fB\\-\($0)\\fR, " } ?? ""
    let value = option.placeholder.map { " \\fI\(escaped($0))\\fR" } ?? ""
    return ".TP\n\(short)\\fB\(escaped("--\(option.name)"))\\fR\(value)\n" + line(option.fullHelp)
  }

  /// Paragraphs; lines that begin with a space stay as they are.
  private static func paragraphs(_ text: String) -> String {
    var result = ""
    var isVerbatim = false
    for content in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if content.hasPrefix(" ") != isVerbatim {
        result += isVerbatim ? ".fi\n" : ".nf\n"
        isVerbatim.toggle()
      }
      result += content.isEmpty ? ".PP\n" : line(String(content))
    }
    return result + (isVerbatim ? ".fi\n" : "")
  }

  /// A line of text; one that begins with a dot or an apostrophe is no request.
  private static func line(_ text: String) -> String {
    let escaped = escaped(text)
    return (escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" : "") + escaped + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\": "\\e"
      case "-": "\\-"
      case "'": "\\(aq"
      case "`": "\\(ga"
      case "^": "\\(ha"
      case "~": "\\(ti"
      default: String(character)
      }
    }.joined()
  }
}
