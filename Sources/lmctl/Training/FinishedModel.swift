import Glibc
import LanguageModels

/// A finished model that `--auto-resume` finds where the run's is to go.
struct FinishedModel {
  private let checkpoint: Checkpoint

  init(path: String) throws { checkpoint = try Checkpoint(path: path) }

  /// In what it is not the model of the command line: of its kind and task, by its options as far as a model has them, of its texts.
  func difference(from arguments: inout Arguments) throws -> String? {
    let kind = arguments.string("model")
    let (found, task) = (ModelKind(of: checkpoint)?.rawValue ?? checkpoint.model, TaskKind(of: checkpoint))
    guard kind == nil || kind == found else {
      return "is a finished model of kind '\(found)', not '\(kind ?? "")'"
    }
    guard arguments.string("task") ?? TaskKind.language.rawValue == task.rawValue else {
      return "is \(task.noun) that is finished"
    }
    arguments.addEnvironment(TrainCommand.allOptions)
    let members = TrainCommand.settings.members(of: checkpoint)
    for option in arguments.givenOrWithdrawn where !arguments.isFromEnvironment(option.name) {
      guard let member = members.first(where: { $0.name == option.name }),
        !Predecessor.agrees(option.value, member.value)
      else { continue }
      let list = member.value.elements?.map(\.text).joined(separator: ",")
      return "is finished, and was trained with another --\(option.name) "
        + "(\(list ?? member.value.stringValue ?? member.value.text))"
    }
    return try difference(from: arguments.operands)
  }

  private func difference(from texts: [String]) throws -> String? {
    guard let recorded = checkpoint.training["texts"]?.elements, !texts.isEmpty, !texts.contains("-") else {
      return nil
    }
    guard recorded.count == texts.count else {
      return "is finished, and was trained on \(Format.count(recorded.count, "text")), not on \(texts.count)"
    }
    for (path, text) in zip(texts, recorded) {
      guard let digest = text["sha256"]?.stringValue else { continue }
      let reader = LineReader(try ByteSource(path: path), hashing: true)
      while try reader.next() != nil {}
      guard reader.digest?.hexadecimal == digest else {
        return "is finished, and was trained on another text than \(path) is now (its SHA-256 differs)"
      }
    }
    return nil
  }
}
