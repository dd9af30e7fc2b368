import LanguageModels
import NeuralModels

/// The settings of `lmctl train --task translate`.
struct TranslatorSettings: SettingValues {
  var attention = AttentionKind.general
  var isBidirectional = false
  var feedsInput = false
  var sharesVocabulary = false
  var ownTokens = 0.0
  var lengthLimit = 1000

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    Setting(
      "attention", \.attention,
      .choice("HOW", typed: ["bahdanau": .additive, "luong": .general, "mlp": .additive]),
      "what each step of the decoder finds of the source: none, only the state that the encoder ends with; dot, general, additive: a mean of "
        + "what the encoder gave, weighted by the product of both, by one with weights, or by a hidden layer"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("attention")).rule { values, _ in
      values.attention == .dot && values.isBidirectional
        ? "dot does not go with --bidirectional, whose encoder gives twice as many numbers as the decoder; use general"
        : nil
    }.typed("attn", "attention-type", "global-attention")
    Setting(
      flag: "bidirectional", \.isBidirectional, "each layer of the encoder reads in both directions"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("bidirectional")).typed(
      "bidir", "brnn", "birnn", "bilstm")
    Setting(
      flag: "input-feeding", \.feedsInput,
      "each step of the decoder is given what came of the step before, too; trains step by step, which takes about twice as long"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("input_feeding")).typed(
      "input-feed", "feed-input")
    Setting(
      flag: "shared-vocab", \.sharesVocabulary, "one vocabulary, and one embedding, for both sides"
    ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("shared_vocabulary")).typed(
      "share-vocab", "share-vocabulary", "shared-vocabulary", "joined-dictionary", "share-all-embeddings")
    Setting(
      "scheduled-sampling", \.ownTokens, .share(),
      "in training, give the decoder its own likeliest token in the place of this share of the right ones"
    ).models(ModelKind.recurrent).recorded("scheduled_sampling", .set, rank: 1).typed(
      "sampling-rate", "teacher-forcing")
    Setting(
      "max-length", \.lengthLimit, .whole(1...1_000_000), "the most tokens that a sentence may have"
    ).models(ModelKind.recurrent).changes(.free).typed("max-len", "max-tokens", "max-sent-length")
  }
}

extension TrainSettings {
  /// The shape of the network that is trained to translate.
  var translatorConfiguration: TranslatorConfiguration {
    var configuration = TranslatorConfiguration(network: network)
    configuration.network.context = .sentence
    (configuration.attention, configuration.isBidirectional) = (
      translator.attention, translator.isBidirectional
    )
    (configuration.feedsInput, configuration.sharesVocabulary) = (
      translator.feedsInput, translator.sharesVocabulary
    )
    return configuration
  }
}
