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

  /// The first 32 bits of the SHA-256 digest of the rules and of the words in the order of their bytes.
  private static func fingerprint(_ tokenizer: Tokenizer, _ vocabulary: Vocabulary) -> String {
    // What is done about bytes that are not text does not matter to what tokens are. Which white space separates words does so little
    // that models of other programs, which know that of ASCII only, can be compared.
    var comparable = tokenizer
    comparable.invalid = .error
    if comparable.separator == .ascii { comparable.separator = .whiteSpace }
    let rules = comparable.json.members ?? []
    var digest = SHA256()
    func add(_ text: [UInt8]) { (text + [0]).withUnsafeBytes { digest.update($0) } }
    add(Array(JSONValue.object(rules).text.utf8))
    let words = (0..<TokenID(vocabulary.count)).map { id in vocabulary.withBytes(of: id) { Array($0) } }
    for word in words.sorted(by: { $0.lexicographicallyPrecedes($1) }) { add(word) }
    return String(digest.hexadecimal.prefix(8))
  }
}
