import LanguageModels
import NeuralModels

/// The settings of `lmctl train --task classify`.
struct ClassifierSettings: SettingValues {
  /// How much labels count.
  enum LabelWeights: Equatable {
    case same
    /// Each as much as all others together: n / (C n_c).
    case balanced
    case given([Given])

    struct Given: Equatable {
      let label: String
      let weight: Double
    }
  }

  var rules = LabelRules()
  var lengthLimit = ClassifierCheckpoint.usualLengthLimit
  var isBidirectional = false
  var pooling = PoolingKind.max
  var wordOrder = 1
  var buckets = 1 << 18
  var weights = LabelWeights.same
  var freezes = false
  var unfreezeInterval: Int?

  /// Whether texts may have several labels.
  var isMultiple: Bool {
    get { rules.isMultiple }
    set { rules.isMultiple = newValue }
  }
  var prefix: String {
    get { rules.prefix }
    set { rules.prefix = newValue }
  }

  /// What stays as it is of a model that a classifier begins with.
  var freezing: Classify.Freezing {
    freezes ? .always : unfreezeInterval.map { .gradual(epochs: $0) } ?? .never
  }

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    Setting(
      flag: "multi-label", \.isMultiple,
      "texts may have several labels, each of which is decided by itself (sigmoid, binary cross-entropy)"
    ).models(ModelKind.networks).changes(.shape).stored(.configuration("multi_label")).typed(
      "multilabel", "one-vs-all", "ova", "several-labels")
    Setting(
      "label-prefix", \.prefix, .prefix, "what labels begin with in fastText's format"
    ).changes(.shape).stored(.configuration("label_prefix")).typed("label", "prefix")
    Setting(
      "max-length", \.lengthLimit, .whole(1...1_000_000),
      "the tokens of a text that are read; those behind them are left out"
    ).changes(.shape).stored(.configuration("max_length")).typed("max-len", "truncate", "max-tokens")
    Setting(
      flag: "bidirectional", \.isBidirectional,
      "each layer reads texts in both directions, half of what it gives from each"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("bidirectional")).tasks(
      .classify,
      because:
        "a language model would see the word that is to be predicted; fillers (--task fill) always read in both directions"
    ).typed("bidir", "brnn", "birnn", "bilstm")
    Setting(
      "pool", \.pooling, .choice("HOW", typed: ["average": .mean, "self-attention": .attention]),
      "how the steps of a text become one vector: the last one (the first of a backward direction), the largest or the mean of each feature, "
        + "or a mean by weights that are learnt"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("pool")).typed("pooling", "readout")
    Setting(
      "word-ngrams", \.wordOrder, .whole(1...10),
      "n-grams of up to N words have vectors too, as in fastText; the mean of these is read beside what the layers make of a text"
    ).models([.bag] + ModelKind.recurrent).changes(.shape).stored(.configuration("word_ngrams")).typed(
      "wordngrams", "wordNgrams")
    Setting(
      "buckets", \.buckets, .whole(1...100_000_000),
      "how many vectors the n-grams share, by their hashes"
    ).models([.bag] + ModelKind.recurrent).changes(.shape).stored(.configuration("buckets")).typed("bucket")
      .inEffect {
        $0.wordOrder > 1
      }.rule { values, _ in values.wordOrder > 1 ? nil : "goes with --word-ngrams 2 and more" }
    Setting(
      "label-weights", \.weights, .labelWeights,
      "how much labels count in the loss: balanced, as much in all as each other; or weights by name, those that are not named 1"
    ).models(ModelKind.networks).recorded("label_weights", .set, rank: 1).typed(
      "class-weights", "class-weight", "weights")
    Setting(
      flag: "freeze", \.freezes, "with --init-from: embeddings and layers stay as they are"
    ).models(ModelKind.networks).recorded("freeze", .set, rank: 1).rule(beginsWithModel)
    Setting(
      "unfreeze", \.unfreezeInterval, .whole(1...1_000_000),
      "with --init-from: they stay at first; from the top down, one more layer learns after each N epochs"
    ).models(ModelKind.networks).recorded("unfreeze", .inEffect, rank: 1).rule(beginsWithModel).excludes(
      "freeze"
    ).typed("gradual-unfreezing")
  }
}

extension ClassifierSettings {
  /// What a run that goes on began with is not said again.
  private static func beginsWithModel(_ values: Self, _ given: Arguments) -> String? {
    given.has("init-from") || given.has("resume") ? nil : "goes with --init-from"
  }
}

extension ValueType where Value == String {
  /// What begins a word.
  fileprivate static var prefix: Self {
    Self(
      placeholder: "TEXT", parse: { $0.isEmpty || $0.contains(where: \.isWhitespace) ? nil : $0 },
      requirement: { _ in "a text without white space" }, json: { .string($0) }, examples: ["__label__", "#"])
  }
}

extension ValueType where Value == ClassifierSettings.LabelWeights {
  fileprivate static var labelWeights: Self {
    Self(
      placeholder: "balanced|LABEL=W,…",
      parse: { text in
        if text == "balanced" { return .balanced }
        let given = text.split(separator: ",").map { part -> Value.Given? in
          guard let sign = part.lastIndex(of: "="), sign > part.startIndex,
            let weight = Double(part[part.index(after: sign)...]), weight > 0, weight.isFinite
          else { return nil }
          return Value.Given(label: String(part[..<sign]), weight: weight)
        }
        let valid = given.compactMap { $0 }
        return !given.isEmpty && valid.count == given.count ? .given(valid) : nil
      },
      requirement: { _ in "balanced, or weights above 0 by label with commas between them, as in good=1,bad=2"
      },
      json: { weights in
        switch weights {
        case .same: .null
        case .balanced: "balanced"
        case .given(let given): .string(given.map { "\($0.label)=\($0.weight)" }.joined(separator: ","))
        }
      }, examples: ["balanced"])
  }
}
