/// `lmctl completions`.
enum CompletionsCommand: Command {
  static let name = "completions"
  static let summary = "write what makes a shell complete lmctl's command lines"
  static let operands = "bash|zsh|fish"
  static let discussion = """
    Writes a script for the shell: commands, options, and the values of those that have only some.
    """
  static let examples = [
    "lmctl completions bash > lmctl.bash && . ./lmctl.bash",
    "lmctl completions zsh > _lmctl",
    "lmctl completions fish > lmctl.fish",
  ]
  static let typed = ["completion", "complete"]
  static let configurationExample = (line: "lmctl completions bash --config run.json", file: "{}")
  nonisolated(unsafe) static let settings = SettingTable<CompletionsSettings>(
    groups: [CommonSettings.group(\.common)])

  static func run(_ settings: CompletionsSettings, _ operands: [String], given: Arguments) throws {
    let shells = Shells.allCases.map(\.rawValue)
    guard let name = operands.first else {
      throw UsageError("no shell; it is one of \(shells.joined(separator: ", "))")
    }
    if operands.count > 1 { throw UsageError("'\(operands[1])' is one argument too many") }
    guard let shell = Shells(rawValue: name) else {
      throw UsageError(
        "completions takes one of \(shells.joined(separator: ", ")), not '\(name)'"
          + Suggestion.text(for: name, among: shells))
    }
    StandardOutput.shared.write(shell.script)
  }
}

/// Those of every command.
struct CompletionsSettings: CommandValues {
  var common = CommonSettings()
}

/// The shells that can be helped.
private enum Shells: String, CaseIterable {
  case bash
  case zsh
  case fish

  var script: String {
    switch self {
    case .bash: Self.bashScript
    case .zsh: Self.zshScript
    case .fish: Self.fishScript
    }
  }

  private static var commands: [any Command.Type] { CommandLineTool.commands }

  /// An option of each name; where several are called the same, the first.
  private static func options(_ command: any Command.Type) -> [Option] {
    var seen: Set<String> = []
    return command.allOptions.filter { seen.insert($0.name).inserted }
  }

  private static func words(_ option: Option) -> [String] {
    ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
  }

  // MARK: bash

  private static var bashScript: String {
    var values = ""
    var names = ""
    for command in commands {
      let options = options(command)
      names += "    \(command.name)) words=\"\(options.flatMap(words).joined(separator: " "))\" ;;\n"
      for option in options where option.value != nil {
        let pattern = words(option).map { "\(command.name):\($0)" }.joined(separator: "|")
        if !option.choices.isEmpty {
          values += "    \(pattern)) words=\"\(option.choices.joined(separator: " "))\" ;;\n"
        } else if !option.isPath {
          values += "    \(pattern)) return ;;\n"
        } else {
          values += "    \(pattern)) files=1 ;;\n"
        }
      }
    }
    let all = (commands.map { $0.name } + ["help"]).joined(separator: " ")
    // Options that every command takes may stand before it.
    let withValue = CommonSettings.options.filter { $0.value != nil }.flatMap(words).joined(separator: "|")
    return """
      # bash completion of lmctl: lmctl completions bash
      _lmctl() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} place=1 words= files=
        COMPREPLY=()
        while [ "$place" -lt "$COMP_CWORD" ]; do
          case "${COMP_WORDS[place]}" in
            \(withValue)) place=$((place + 2)) ;;
            -*) place=$((place + 1)) ;;
            *) break ;;
          esac
        done
        command=${COMP_WORDS[place]}
        if [ "$previous" = "=" ]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
        if [ "$current" = "=" ]; then current=; fi
        if [ "$COMP_CWORD" -le "$place" ]; then
          COMPREPLY=($(compgen -W "\(all)" -- "$current"))
          return
        fi
        if [ "$command" = help ]; then
          COMPREPLY=($(compgen -W "\(all) --man --json" -- "$current"))
          return
        fi
        if [ "$command" = completions ]; then words="bash zsh fish"; fi
        case "$command:$previous" in
      \(values)  esac
        if [ -z "$words$files" ] && [[ $current == -* ]]; then
          case "$command" in
      \(names)    esac
        fi
        if [ -n "$words" ]; then
          COMPREPLY=($(compgen -W "$words" -- "$current"))
        else
          compopt -o filenames 2>/dev/null
          local IFS=$'\\n'
          COMPREPLY=($(compgen -f -- "$current"))
        fi
      }
      complete -F _lmctl lmctl

      """
  }

  // MARK: zsh

  private static func zshEscaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "'": "'\\''"
      case "[", "]", ":", "\\": "\\\(character)"
      default: String(character)
      }
    }.joined()
  }

  private static var zshScript: String {
    var cases = ""
    for command in commands {
      var lines: [String] = []
      for option in options(command) {
        var action = ""
        if let value = option.value {
          action = ":\(zshEscaped(value)):"
          if !option.choices.isEmpty {
            action += "(\(option.choices.joined(separator: " ")))"
          } else if option.isPath {
            action += "_files"
          }
        }
        for word in words(option) {
          let equals = option.value != nil && word.hasPrefix("--") ? "=" : ""
          lines.append("'\(word)\(equals)[\(zshEscaped(option.help))]\(action)'")
        }
      }
      let operands = command.name == "completions" ? "'1:shell:(bash zsh fish)'" : "'*:file:_files'"
      cases +=
        "      \(command.name)) _arguments \((lines + [operands]).joined(separator: " \\\n        ")) ;;\n"
    }
    let names =
      commands.map { "'\($0.name):\(zshEscaped($0.summary))'" } + ["'help:show the page of a command'"]
    return """
      #compdef lmctl
      # zsh completion of lmctl: lmctl completions zsh
      _lmctl() {
        local context state line
        local -a commands
        commands=(
          \(names.joined(separator: "\n    "))
        )
        _arguments -C '1:command:->command' '*::argument:->argument'
        case $state in
          command) _describe 'command' commands ;;
          argument)
            case $line[1] in
            help) _arguments '--man[as a manual page]' '--json[for programs]' '1:command:(\(commands.map { $0.name }.joined(separator: " ")))' ;;
      \(cases)      esac ;;
        esac
      }
      if [ "$funcstack[1]" = "_lmctl" ]; then _lmctl "$@"; else compdef _lmctl lmctl; fi

      """
  }

  // MARK: fish

  private static func fishQuoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
  }

  private static var fishScript: String {
    var text =
      "# fish completion of lmctl: lmctl completions fish\ncomplete -c lmctl -n __fish_use_subcommand -f\n"
    for command in commands {
      text +=
        "complete -c lmctl -n __fish_use_subcommand -a \(command.name) -d \(fishQuoted(command.summary))\n"
    }
    text += "complete -c lmctl -n __fish_use_subcommand -a help -d 'show the page of a command'\n"
    text +=
      "complete -c lmctl -n '__fish_seen_subcommand_from help' -f -a '\(commands.map { $0.name }.joined(separator: " "))'\n"
    text += "complete -c lmctl -n '__fish_seen_subcommand_from help' -l man\n"
    text += "complete -c lmctl -n '__fish_seen_subcommand_from help' -l json\n"
    text += "complete -c lmctl -n '__fish_seen_subcommand_from completions' -f -a 'bash zsh fish'\n"
    for command in commands {
      for option in options(command) {
        text += "complete -c lmctl -n '__fish_seen_subcommand_from \(command.name)' -l \(option.name)"
        if let short = option.short { text += " -s \(short)" }
        if option.value != nil {
          text +=
            option.isPath
            ? " -r -F"
            : option.choices.isEmpty ? " -x" : " -x -a \(fishQuoted(option.choices.joined(separator: " ")))"
        }
        text += " -d \(fishQuoted(option.help))\n"
      }
    }
    return text
  }
}
