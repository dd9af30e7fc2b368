import LanguageModels
import NeuralModels

/// How translations are looked for.
struct TranslationSearch {
  /// K.
  var width = 5
  var penalty = LengthPenalty.power(0.75)
  /// β of the coverage penalty.
  var coverageWeight = 0.0
  /// How many of the best are wanted.
  var count = 1
  var maximumTokens = 250
  var leavesOutUnknown = false

  /// The likeliest translations of each source, best first.
  func run(_ translator: Translator, _ sources: [[TokenID]]) -> [[Hypothesis]] {
    var search = BeamSearch(width: width, count: count)
    (search.penalty, search.maximumTokens, search.endsEarly) = (penalty, maximumTokens, true)
    search.includesUnknown = !leavesOutUnknown
    return translator.translations(of: sources, search, coverageWeight: coverageWeight)
  }
}

extension Vocabulary {
  /// The tokens of a translation as text, without its end.
  ///
  /// - Parameter unknown: what stands in the place of each unknown token, if it is not to be `<unk>`.
  func text(of translation: [TokenID], _ separator: Separator, unknown: [[UInt8]?] = []) -> [UInt8] {
    var text: [UInt8] = []
    for (t, token) in translation.enumerated() where token != Vocabulary.endOfSentence {
      if token == Vocabulary.unknown, t < unknown.count, let word = unknown[t] {
        word.withUnsafeBytes { append(bytes: $0, to: &text, isFirst: text.isEmpty, separator: separator) }
      } else {
        append(token, to: &text, isFirst: text.isEmpty, separator: separator)
      }
    }
    return text
  }
}
