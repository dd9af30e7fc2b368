import LanguageModels

/// A model that is evaluated: what it is called, and what of it decides with which others it can be compared.
struct EvaluatedModel {
  let path: String
  let tokenizer: Tokenizer
  let vocabularySize: Int
  /// Of the words and text rules: two models of the same fingerprint give comparable perplexities.
  let fingerprint: String

  init(path: String, tokenizer: Tokenizer, vocabulary: Vocabulary) {
    (self.path, self.tokenizer, vocabularySize) = (path, tokenizer, vocabulary.count)
    fingerprint = Self.fingerprint(tokenizer, vocabulary)
  }

  /// A sum over the rules and the words, in whatever order they are, so that nothing need be sorted.
  private static func fingerprint(_ tokenizer: Tokenizer, _ vocabulary: Vocabulary) -> String {
    let rules = tokenizer.comparable.json.members ?? []
    var sum = hash(Array(JSONValue.object(rules).text.utf8))
    for id in 0..<TokenID(vocabulary.count) {
      sum &+= vocabulary.withBytes(of: id) { hash($0) }
    }
    let digits = String((sum ^ sum >> 32) & 0xFFFF_FFFF, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// FNV-1a (Fowler, Noll and Vo), mixed so that sums of it keep what they are made of.
  private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    hash = (hash ^ hash >> 31) &* 0x7FB5_D329_728E_A185
    return hash ^ hash >> 29
  }
}
