import Glibc
import LanguageModels
import NeuralModels

/// What `lmctl inspect --check` finds: whether probabilities sum to one, and whether gradients are those of the loss.
struct ModelCheck {
  private let sums: [SumCheck.Result]
  private let gradients: GradientCheck?
  /// Why the sums need not be one; `nil` if they must.
  private let excuse: String?

  /// Sums of probabilities that are no further from one are right.
  private static let tolerance = 1e-3

  /// Checks a model; `isRounded` says whether its numbers are of few bits.
  init(_ stored: StoredModel, isRounded: Bool) throws {
    Progress.begin("checking")
    defer { Progress.end() }
    let engine = try Engine()
    switch stored {
    case .language(let model):
      var done = 0
      sums = Self.sums(model) {
        done += 1
        Progress.show("\(done) contexts")
      }
      excuse =
        !model.isNormalized
        ? "its numbers are scores, which sum to nothing in particular"
        : isRounded
          ? "its numbers are rounded to few bits; sampling divides by the sum, and eval says how much it matters"
          : nil
      Progress.begin("checking gradients")
      gradients = (model as? NeuralModel)?.checkGradients(engine: engine)
    case .filler(let filler):
      sums = [SumCheck.Result(filler.distributions(of: Self.texts(filler.vocabulary)))]
      excuse = nil
      gradients = filler.checkGradients(engine: engine)
    case .classifier(let classifier):
      let texts = Self.texts(classifier.vocabulary).map { LabelledText(tokens: $0, labels: [0]) }
      let found = classifier.evaluate(texts) { _ in }.probabilities
      sums = [SumCheck.Result(found.map { $0.map { log($0) }[...] })]
      excuse = classifier.rules.isMultiple ? "each label is decided by itself" : nil
      gradients = (classifier as? Classifier)?.checkGradients(engine: engine)
    case .translator(let translator):
      (sums, excuse) = ([], nil)
      gradients = translator.checkGradients(engine: engine)
    }
  }

  /// Texts of 8 words at random.
  private static func texts(_ vocabulary: Vocabulary) -> [[TokenID]] {
    var generator = SeededGenerator(seed: 1)
    return (0..<20).map { _ in
      (0..<8).map { _ in
        let word = TokenID.random(in: 0..<TokenID(vocabulary.count), using: &generator)
        return word == Vocabulary.endOfSentence ? Vocabulary.unknown : word
      }
    }
  }

  private static func sums(_ model: some LanguageModel, watch: () -> Void) -> [SumCheck.Result] {
    SumCheck().run(model) { watch() }
  }

  /// What is wrong, in a sentence; `nil` if nothing is.
  var fault: String? {
    if let bad = sums.first(where: { $0.notNumbers > 0 }) {
      return "\(bad.notNumbers) probabilities in \(bad.kind.rawValue) contexts are no numbers"
    }
    if let bad = sums.first(where: { $0.largestDisagreement > Self.tolerance }) {
      return "a probability in a context that is \(bad.kind.rawValue) differs when it is asked for alone"
    }
    if excuse == nil, let bad = sums.first(where: { $0.worst > Self.tolerance }) {
      return "the probabilities in a context that is \(bad.kind.rawValue) do not sum to one: they miss it by "
        + Format.significant(bad.worst, 3)
    }
    if let bad = gradients?.tensors.first(where: { !$0.isRight }) {
      return "the gradient of tensor '\(bad.name)' is not that of the loss"
    }
    return nil
  }

  /// The table for people.
  var table: String {
    var rows = [["contexts", "number", "smallest sum", "largest sum", "zeros", "worst difference"]]
    for sum in sums {
      rows.append([
        sum.kind.rawValue, "\(sum.contexts)", Format.fixed(sum.smallest, 6), Format.fixed(sum.largest, 6),
        "\(sum.zeros)", Format.significant(sum.largestDisagreement, 2),
      ])
    }
    var text = sums.isEmpty ? "" : Format.columns(rows, leftAligned: 1)
    if let gradients {
      var rows = [["gradient of tensor", "parameters", "norm", "relative error"]]
      for tensor in gradients.tensors {
        rows.append([
          tensor.name, "\(tensor.parameterCount)", Format.significant(tensor.gradientNorm, 4),
          Format.significant(tensor.worst?.relativeError ?? 0, 2) + (tensor.isRight ? "" : " (wrong)"),
        ])
      }
      text += (text.isEmpty ? "" : "\n") + Format.columns(rows, leftAligned: 1)
    }
    if let excuse, sums.contains(where: { $0.worst > Self.tolerance }) {
      text += "\nthe sums are not one: \(excuse)\n"
    }
    return text + "\n" + (fault.map { "fault: \($0)" } ?? "all is as it should be") + "\n"
  }

  /// The object for programs.
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init(
        "sums",
        .array(
          sums.map { sum in
            [
              "contexts": .string(sum.kind.rawValue), "number": .integer(sum.contexts),
              "smallest": .number(sum.smallest), "largest": .number(sum.largest),
              "zeros": .integer(sum.zeros),
              "not_numbers": .integer(sum.notNumbers),
              "largest_disagreement": .number(sum.largestDisagreement),
            ]
          }))
    ]
    if let gradients {
      members.append(
        .init(
          "gradients",
          .array(
            gradients.tensors.map { tensor in
              [
                "tensor": .string(tensor.name), "parameters": .integer(tensor.parameterCount),
                "norm": .number(tensor.gradientNorm),
                "relative_error": .number(tensor.worst?.relativeError ?? 0), "right": .bool(tensor.isRight),
              ]
            })))
    }
    members.append(.init("fault", fault.map { .string($0) } ?? .null))
    return .object(members)
  }
}

extension Filler {
  /// ln p of every token in the middle of each text; all are of one length.
  fileprivate func distributions(of texts: [[TokenID]]) -> [ArraySlice<Float>] {
    var all: [Float] = []
    logDistributions(texts, gap: texts[0].count / 2, into: &all)
    let size = vocabulary.count
    return texts.indices.map { all[$0 * size..<($0 + 1) * size] }
  }
}
