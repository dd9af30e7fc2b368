import Glibc
import LanguageModels

/// What a training is measured by, and how that is shown and logged.
enum TaskFigures {
  /// Losses are nats per token, of which the perplexity is the exponential.
  case language
  /// The same of tokens that are predicted from all others: the exponential is a pseudo-perplexity.
  case filling
  /// The held-out loss is the share of texts that are labelled wrongly.
  case classification

  /// What is counted.
  var unit: String {
    switch self {
    case .language, .filling: "tokens"
    case .classification: "texts"
    }
  }

  /// What the exponential of a loss is called; `nil` if it is nothing.
  private var exponential: String? {
    switch self {
    case .language: "perplexity"
    case .filling: "pseudo-perplexity"
    case .classification: nil
    }
  }

  /// The same in logs.
  private var exponentialMember: String? {
    exponential.map { String($0.map { $0 == "-" ? "_" : $0 }) }
  }

  /// The loss of training, for people.
  func loss(_ loss: Double) -> String {
    let text = "loss \(Format.fixed(loss, 4))"
    return exponential.map { "\(text) \($0) \(Format.large(exp(loss), 2))" } ?? text
  }

  /// What was held out, for people.
  func heldOut(_ loss: Double) -> String {
    exponential != nil ? self.loss(loss) : "accuracy \(Format.fixed(100 * (1 - loss), 2)) %"
  }

  /// What stands beside the loss while it falls.
  func running(_ loss: Double) -> [String] {
    exponential.map { ["\($0) \(Format.significant(exp(loss), 4))"] } ?? []
  }

  /// What a log has beside the loss of training.
  func members(_ loss: Double) -> [JSONValue.Member] {
    exponentialMember.map { [.init($0, .number(exp(loss)))] } ?? []
  }

  /// What a log has of what was held out, and a model the first of.
  func heldOutMembers(_ loss: Double?) -> [JSONValue.Member] {
    let value = JSONValue.Member("held_out_loss", loss.map { .number($0) } ?? .null)
    if let exponentialMember {
      return [value, .init("held_out_\(exponentialMember)", loss.map { .number(exp($0)) } ?? .null)]
    }
    return [.init("held_out_accuracy", loss.map { .number(1 - $0) } ?? .null), value]
  }
}
