import Glibc
import LanguageModels

/// What mixing came to.
struct MixResult {
  let members: [MixedModel]
  let mixture: Mixture
  /// λ, also where the mixture has become one n-gram model.
  let weights: MixtureWeights
  let tuning: MixCommand.Tuning?
  let isStatic: Bool

  /// exp of the mean of −ln p.
  private static func perplexity(_ logProbabilities: [Float]) -> Double {
    exp(-logProbabilities.reduce(0) { $0 + Double($1) } / Double(logProbabilities.count))
  }

  /// On the held-out text, each model's and the mixture's.
  private var perplexities: (members: [Double], mixture: Double)? {
    guard let tuning else { return nil }
    let evaluation = mixture.evaluate(tuning.tokens, context: mixture.defaultContext) { _ in }
    return (tuning.evidence.logProbabilities.map(Self.perplexity), evaluation.perplexity)
  }

  /// Whether there are tokens that some of the models do not know.
  private var hasForeignTokens: Bool { mixture.tokens.members.contains { $0.missing > 0 } }

  /// The table for people.
  var table: String {
    let perplexities = perplexities
    let orders = weights.sets.indices.map { weights.dependOnOrder ? "weight \($0)" : "weight" }
    var rows = [["model"] + orders + (perplexities == nil ? [] : ["perplexity"])]
    for (i, member) in members.enumerated() {
      rows.append(
        [member.path.shown] + weights.sets.map { Format.fixed($0[i], 4) }
          + (perplexities.map { [Format.large($0.members[i], 3)] } ?? []))
    }
    if let perplexities {
      let name = isStatic ? "static mixture" : "mixture"
      rows.append([name] + weights.sets.map { _ in "" } + [Format.large(perplexities.mixture, 3)])
    }
    var text = Format.columns(rows, leftAligned: 1)
    if perplexities != nil, hasForeignTokens {
      text +=
        "perplexities over all words that any of the models knows: <unk> is shared, unlike in lmctl eval\n"
    }
    if weights.dependOnOrder {
      text += "weight N: after contexts of N words that the first n-gram model holds\n"
    }
    return text
  }

  /// The object for programs.
  var json: JSONValue {
    let perplexities = perplexities
    return .object([
      .init(
        "models",
        .array(
          members.enumerated().map { i, member in
            .object([
              .init("model", .string(member.path)), .init("kind", .string(member.checkpoint.model)),
              .init("weight", weights.dependOnOrder ? .null : .number(weights.sets[0][i])),
              .init("weights", .array(weights.sets.map { .number($0[i]) })),
              .init("perplexity", perplexities.map { .number($0.members[i]) } ?? .null),
            ])
          })),
      .init("perplexity", perplexities.map { .number($0.mixture) } ?? .null),
      .init("text", tuning.map { .string($0.path) } ?? .null),
      .init("tokens", tuning.map { .integer($0.tokens.count) } ?? .null),
      .init("iterations", tuning.map { .integer($0.choice.iterations) } ?? .null),
      .init("vocabulary_size", .integer(mixture.vocabulary.count)),
      .init("warnings", .array(Terminal.warnings.map { .string($0) })),
    ])
  }
}
