import LanguageModels

/// What a model came to on a text, for people and for programs.
protocol ShownResult {
  /// The table for people.
  var forPeople: String { get }
  /// The object for programs.
  var forPrograms: JSONValue { get }
}

extension EvaluationResult: ShownResult {
  var forPeople: String { table() }
  var forPrograms: JSONValue { json() }
}
