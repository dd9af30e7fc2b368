import LanguageModels

/// The program: it picks the command and turns errors into messages and exit statuses.
enum CommandLineTool {
  /// All commands, in the order of the help.
  static var commands: [any Command.Type] {
    [
      TrainCommand.self, EvalCommand.self, SampleCommand.self, PredictCommand.self, FillCommand.self,
      MixCommand.self, RescoreCommand.self, TranslateCommand.self, BLEUCommand.self,
      NeighborsCommand.self, EncodeCommand.self, TokenizeCommand.self, InspectCommand.self,
      CountCommand.self, ConvertCommand.self, PlotCommand.self,
      BenchmarkCommand.self,
      CompletionsCommand.self,
    ]
  }

  /// Runs the command line and returns the exit status: 0 done, 1 failed, 2 wrong usage, 128 + the signal when interrupted.
  static func run(_ words: [String]) -> Int32 {
    let words = commandFirst(words)
    var page = "help"
    defer { Progress.end() }
    do {
      guard let first = words.first else {
        Terminal.error(HelpPage.overview)
        return 2
      }
      switch first {
      case "help", "--help", "-h": try help(withoutCommonOptions(words.dropFirst()))
      case "version", "--version", "-V":
        if let odd = withoutCommonOptions(words.dropFirst()).first {
          throw UsageError("'\(odd)' is one argument too many")
        }
        StandardOutput.shared.write(version)
      default:
        let command = try self.command(first)
        page = "help \(command.name)"
        let options = words.prefix { $0 != "--" }
        if options.contains("--help") || options.contains("-h") {
          StandardOutput.shared.write(HelpPage(command).text)
        } else if options.contains("--version") || options.contains("-V") {
          StandardOutput.shared.write(version)
        } else {
          try run(command, Array(words.dropFirst()))
        }
      }
      try StandardOutput.shared.flush()
      return 0
    } catch is ClosedPipe {
      return 0
    } catch let interrupted as Interrupted {
      fail(interrupted.message)
      return 128 + interrupted.signal
    } catch let error as UsageError {
      fail("\(error) (see 'lmctl \(page)')")
      return 2
    } catch {
      // What was already computed is worth having.
      try? StandardOutput.shared.flush()
      fail("\(error)")
      return 1
    }
  }

  /// The words with the command before the options that every command takes, which may stand before it.
  private static func commandFirst(_ words: [String]) -> [String] {
    var rest = words[...]
    while let length = lengthOfCommonOption(rest) { rest = rest.dropFirst(length) }
    guard let command = rest.popFirst() else { return words }
    return [command] + words.prefix(words.count - rest.count - 1) + rest
  }

  /// How many of the first words are an option that every command takes; `nil` if they are none.
  private static func lengthOfCommonOption(_ words: ArraySlice<String>) -> Int? {
    guard let word = words.first, let option = CommonSettings.options.first(where: { $0.isWritten(word) })
    else { return nil }
    return option.value == nil || word.contains("=") ? 1 : 2
  }

  /// The words that are none of the options that every command takes, or of their values.
  private static func withoutCommonOptions(_ words: ArraySlice<String>) -> [String] {
    var (rest, others) = (words, [String]())
    while let word = rest.first {
      let length = lengthOfCommonOption(rest)
      if length == nil { others.append(word) }
      rest = rest.dropFirst(length ?? 1)
    }
    return others
  }

  private static let version = "lmctl \(programVersion)\n"

  private static func fail(_ text: String) {
    Progress.end()
    Terminal.fail(text)
  }

  private static func run(_ command: any Command.Type, _ words: [String]) throws {
    let options = command.allOptions
    // Errors have the time too, before all options are understood.
    Terminal.hasTimestamps = words.prefix { $0 != "--" }.contains("--timestamps")
    var arguments = try Arguments(words, options: options, refused: command.refused)
    arguments.addEnvironment(options.filter { $0.name == Configuration.optionName })
    if let path = arguments.string(Configuration.optionName) {
      try FileKind.require([.configuration], path, "a configuration")
      try Configuration(path: path).add(
        to: &arguments, options, operandsName: command.operandsInConfiguration)
    }
    try command.run(arguments)
  }

  /// The command called `name`.
  static func command(_ name: String) throws -> any Command.Type {
    if let command = commands.first(where: { $0.name == name }) { return command }
    if name.hasPrefix("-") {
      throw UsageError(
        "no command before '\(name)'; only the options that every command takes may stand there")
    }
    let names = commands.map { $0.name } + ["help", "version"]
    let typed = commands.flatMap { command in command.typed.map { ($0, command.name) } }
    throw UsageError(
      "unknown command '\(name)'"
        + Suggestion.text(for: name, among: names, typed: Dictionary(typed) { first, _ in first }))
  }

  private static func help(_ words: [String]) throws {
    let (isManual, isJSON) = (words.contains("--man"), words.contains("--json"))
    let names = words.filter { !["--man", "--json"].contains($0) }
    if let odd = names.first(where: { $0.hasPrefix("-") && !["--help", "-h"].contains($0) }) {
      throw UsageError("unknown option '\(odd)'; help takes --man and --json")
    }
    if names == [ModelsPage.name], !isManual, !isJSON { return StandardOutput.shared.write(ModelsPage.text) }
    if names.count > 1 { throw UsageError("'\(names[1])' is one argument too many") }
    if names == [ModelsPage.name] {
      throw UsageError("the page '\(ModelsPage.name)' is text only; --man and --json go with commands")
    }
    // What these two do stands in the overview.
    let command = try names.first.flatMap {
      ["help", "--help", "-h", "version"].contains($0) ? nil : try self.command($0)
    }
    if isJSON {
      guard let command, !isManual else {
        throw UsageError("--json goes with the page of one command, as in lmctl help train --json")
      }
      return StandardOutput.shared.write(OptionList(command).text)
    }
    if isManual { return StandardOutput.shared.write(ManualPage(command.map { [$0] } ?? commands).text) }
    StandardOutput.shared.write(command.map { HelpPage($0).text } ?? HelpPage.overview)
  }
}
