import LanguageModels

/// The program: it picks the command and turns errors into messages and exit statuses.
enum CommandLineTool {
  /// All commands, in the order of the help.
  static var commands: [any Command.Type] {
    [
      TrainCommand.self, EvalCommand.self, SampleCommand.self, TokenizeCommand.self, InspectCommand.self,
      CountCommand.self, ConvertCommand.self, PlotCommand.self, BenchmarkCommand.self,
    ]
  }

  /// Runs the command line and returns the exit status: 0 done, 1 failed, 2 wrong usage, 128 + the signal when interrupted.
  static func run(_ words: [String]) -> Int32 {
    var page = "help"
    do {
      guard let first = words.first else {
        Terminal.error(overview)
        return 2
      }
      switch first {
      case "help", "--help", "-h": try help(Array(words.dropFirst()))
      case "--version", "-V": StandardOutput.shared.write("lmctl \(programVersion)\n")
      default:
        guard let command = commands.first(where: { $0.name == first }) else { throw unknownCommand(first) }
        page = "help \(command.name)"
        if words.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
          StandardOutput.shared.write(command.helpText)
        } else {
          try run(command, Array(words.dropFirst()))
        }
      }
      try StandardOutput.shared.flush()
      return 0
    } catch is ClosedPipe {
      return 0
    } catch let interrupted as Interrupted {
      Terminal.error("lmctl: \(interrupted.message)\n")
      return 128 + interrupted.signal
    } catch let error as UsageError {
      Terminal.error("lmctl: \(error) (see 'lmctl \(page)')\n")
      return 2
    } catch {
      // What was already computed is worth having.
      try? StandardOutput.shared.flush()
      Terminal.error("lmctl: \(error)\n")
      return 1
    }
  }

  private static func run(_ command: any Command.Type, _ words: [String]) throws {
    let options = command.allOptions.flatMap(\.options)
    var arguments = try Arguments(words, options: options)
    if let path = arguments.string(Configuration.option.name) {
      try Configuration(path: path).add(
        to: &arguments, options, operandsName: command.operandsInConfiguration)
    }
    do {
      try command.run(arguments)
    } catch let error as UsageError {
      throw arguments.locating(error)
    }
  }

  private static func unknownCommand(_ name: String) -> UsageError {
    let names = commands.map { $0.name } + ["help"]
    return UsageError("unknown command '\(name)'" + Suggestion.text(for: name, among: names))
  }

  private static func help(_ words: [String]) throws {
    if words.count > 1 { throw UsageError("'\(words[1])' is one argument too many") }
    guard let name = words.first, !["help", "--help", "-h"].contains(name) else {
      return StandardOutput.shared.write(overview)
    }
    guard let command = commands.first(where: { $0.name == name }) else { throw unknownCommand(name) }
    StandardOutput.shared.write(command.helpText)
  }

  /// The page that `lmctl help` shows.
  private static var overview: String {
    let list = commands.map { command in
      "  \(command.name)\(String(repeating: " ", count: 11 - command.name.count))\(command.summary)\n"
    }
    return """
      lmctl \(programVersion) trains, evaluates and samples language models on the CPU.

      usage: lmctl COMMAND [OPTION…] [FILE…]

      \(list.joined())  help       show this page, or the page of a command: lmctl help train

      Texts are files, or - for standard input; .gz, .bz2, .xz and .zst are decompressed on the way in.
      Results go to standard output, all else to standard error.
      Exit status: 0 done, 1 failed, 2 wrong usage; 130, 143, 129 ended by a signal, after saving.

      first steps:
        lmctl train --model ngram --order 3 train.txt --valid valid.txt -o model.json
        lmctl eval model.json test.txt
        lmctl sample model.json --count 5

      """
  }
}
