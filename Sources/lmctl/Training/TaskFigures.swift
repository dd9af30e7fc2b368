import Glibc
import LanguageModels

/// What a training is measured by, and how that is shown and logged.
enum TaskFigures {
  /// Losses are nats per token, of which the perplexity is the exponential.
  case language
  /// The held-out loss is the share of texts that are labelled wrongly.
  case classification

  /// What is counted.
  var unit: String {
    switch self {
    case .language: "tokens"
    case .classification: "texts"
    }
  }

  /// The loss of training, for people.
  func loss(_ loss: Double) -> String {
    let text = "loss \(Format.fixed(loss, 4))"
    return self == .language ? "\(text) perplexity \(Format.large(exp(loss), 2))" : text
  }

  /// What was held out, for people.
  func heldOut(_ loss: Double) -> String {
    self == .language ? self.loss(loss) : "accuracy \(Format.fixed(100 * (1 - loss), 2)) %"
  }

  /// What stands beside the loss while it falls.
  func running(_ loss: Double) -> [String] {
    self == .language ? ["perplexity \(Format.significant(exp(loss), 4))"] : []
  }

  /// What a log has beside the loss of training.
  func members(_ loss: Double) -> [JSONValue.Member] {
    self == .language ? [.init("perplexity", .number(exp(loss)))] : []
  }

  /// What a log has of what was held out.
  func heldOutMembers(_ loss: Double?) -> [JSONValue.Member] {
    let value = JSONValue.Member("held_out_loss", loss.map { .number($0) } ?? .null)
    switch self {
    case .language: return [value, .init("held_out_perplexity", loss.map { .number(exp($0)) } ?? .null)]
    case .classification:
      return [value, .init("held_out_accuracy", loss.map { .number(1 - $0) } ?? .null)]
    }
  }
}
