/// How near lines of text are to those that they should be.
public struct TranslationScores: Sendable {
  /// BLEU of all lines together.
  public private(set) var bleu = BLEU()
  /// chrF of all lines together.
  public private(set) var chrF = ChrF()
  /// The sum of `BLEU.halvingScore` over the lines.
  public private(set) var halvingSum = 0.0
  /// Lines.
  public private(set) var lines = 0
  /// Lines that have the words of their references, and no others.
  public private(set) var exact = 0
  /// The longest n-grams of `BLEU.halvingScore`.
  public let halvingOrder: Int

  private var words = VocabularyBuilder(unit: .word)

  /// Of no line.
  public init(halvingOrder: Int = BLEU.order) { self.halvingOrder = halvingOrder }

  /// Takes a line and what it should be; words are what white space separates.
  public mutating func add(_ hypothesis: [UInt8], reference: [UInt8]) {
    let (own, right) = (numbers(hypothesis), numbers(reference))
    let one = BLEU(of: own, BLEU.References([right]))
    bleu.add(one)
    halvingSum += one.halvingScore(order: halvingOrder)
    chrF.add(ChrF(of: Self.characters(hypothesis), reference: Self.characters(reference)))
    lines += 1
    if own == right { exact += 1 }
  }

  /// Its words as numbers, the same for the same word.
  private mutating func numbers(_ text: [UInt8]) -> [TokenID] {
    var numbers: [TokenID] = []
    // What is not UTF-8 is replaced, so nothing is thrown.
    _ = try? Tokenizer(invalid: .replace).forEachToken(of: text) { numbers.append(words.number(of: $0)) }
    return numbers
  }

  /// All but white space.
  private static func characters(_ text: [UInt8]) -> [UInt32] {
    String(decoding: text, as: UTF8.self).unicodeScalars
      .filter { !$0.properties.isWhitespace }.map(\.value)
  }

  /// The mean of `BLEU.halvingScore` over the lines.
  public var halvingScore: Double { halvingSum / Double(max(1, lines)) }
  /// The share of lines that are their references.
  public var exactShare: Double { Double(exact) / Double(max(1, lines)) }
}
