import LanguageModels

/// The options of a command for programs: `lmctl help train --json`.
struct OptionList {
  private let command: any Command.Type

  init(_ command: any Command.Type) { self.command = command }

  /// One JSON object, an option a line; an option that differs between models stands there once for each.
  var text: String {
    let lines = command.allOptions.map { "    \(Self.json($0).text)" }
    return """
      {
        "command": \(JSONValue.string(command.name).text),
        "options": [
      \(lines.joined(separator: ",\n"))
        ]
      }

      """
  }

  /// - Returns: `value` is what the value is called, `null` of a flag; `examples` are values that the option takes by itself; `models` are those
  ///   that take it, all if there are none.
  private static func json(_ option: Option) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    func list(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    return .object([
      .init("name", .string(option.name)), .init("short", text(option.short.map { String($0) })),
      .init("value", text(option.value)), .init("choices", list(option.choices)),
      .init("range", text(option.range)), .init("default", text(option.defaultText)),
      .init("models", list(option.models.map(\.rawValue))),
      .init("tasks", list(option.tasks.map(\.rawValue))), .init("path", .bool(option.isPath)),
      .init("examples", list(option.examples)), .init("help", .string(option.help)),
    ])
  }
}
