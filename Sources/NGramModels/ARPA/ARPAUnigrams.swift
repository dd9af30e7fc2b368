import LanguageModels

/// The 1-grams of a file, from which its vocabulary is settled once all are read.
struct UnigramSection {
  /// A word that stands there twice.
  struct Repetition: Error {
    let word: String
    let line: UInt32
  }

  /// The words with a meaning of their own; their numbers, but for the beginning of a sentence.
  enum Mark: UInt32, CaseIterable {
    case unknown = 0
    case endOfSentence = 1
    case sentenceStart = 2

    var text: String {
      switch self {
      case .unknown: "<unk>"
      case .endOfSentence: "</s>"
      case .sentenceStart: "<s>"
      }
    }

    /// Whether `word` is a mark, as it is usually written.
    static func isMark(_ word: String) -> Bool {
      allCases.contains { word.utf8.elementsEqual($0.text.utf8) }
    }
  }

  var words = ByteStrings()
  var section = ARPAContents.Section()
  /// How the marks are written in this file, where not as usual.
  private var spellings: [(text: [UInt8], mark: Mark)] = []

  /// The mark that `word` is.
  func mark(_ word: UnsafeRawBufferPointer) -> Mark? {
    guard word.first == UInt8(ascii: "<"), word.count <= 5 else { return nil }
    if let mark = Mark.allCases.first(where: { word.elementsEqual($0.text.utf8) }) { return mark }
    return spellings.first { word.elementsEqual($0.text) }?.mark
  }

  /// Settles the vocabulary and puts the section in its order: unknown words, the end of a sentence, words in the file's order, the
  /// beginning of a sentence.
  mutating func settle(_ remarks: inout [String]) throws -> Vocabulary {
    findSpellings()
    var builder = VocabularyBuilder(unit: .word)
    var places: [Int?] = [nil, nil]
    var sentenceStart: Int?
    for i in 0..<words.count {
      let (mark, number) = words.withBytes(of: i) { word -> (Mark?, Int) in
        let mark = self.mark(word)
        return (mark, mark == nil ? Int(builder.add(word)) : 0)
      }
      let isNew: Bool
      switch mark {
      case .sentenceStart?:
        isNew = sentenceStart == nil
        sentenceStart = i
      case let mark?:
        isNew = places[Int(mark.rawValue)] == nil
        places[Int(mark.rawValue)] = i
      case nil:
        isNew = number == places.count
        places.append(i)
      }
      guard isNew else {
        throw words.withBytes(of: i) {
          Repetition(word: String(decoding: $0, as: UTF8.self), line: section.lines[i])
        }
      }
    }
    if places[0] == nil {
      remarks.append("it has no <unk>; unknown words get the probability 1e-100, as in KenLM")
    }
    if places[1] == nil {
      remarks.append("it has no </s>; the end of a sentence gets the probability 1e-100")
    }
    if sentenceStart == nil {
      remarks.append("it has no <s>; the first word of a sentence gets its probability without a context")
    }
    guard let missing = ARPANumber(decimal: -100) else { return builder.inOrderOfAppearance }
    var ordered = ARPAContents.Section()
    for (number, place) in (places + [sentenceStart]).enumerated() {
      ordered.words.append(UInt32(number))
      if let place {
        ordered.append(place, of: section)
      } else {
        ordered.append(probability: missing, backoff: ARPANumber(natural: 0), line: 0)
      }
    }
    section = ordered
    words = ByteStrings()
    return builder.inOrderOfAppearance
  }

  /// Finds the marks that are written in other case, unless they are there as usual as well.
  private mutating func findSpellings() {
    var usual: Set<String> = []
    var others: [String] = []
    for i in 0..<words.count {
      words.withBytes(of: i) { word in
        guard word.first == UInt8(ascii: "<"), word.count <= 5 else { return }
        let text = String(decoding: word, as: UTF8.self)
        if Mark.allCases.contains(where: { $0.text == text }) {
          usual.insert(text)
        } else {
          others.append(text)
        }
      }
    }
    for text in others {
      guard let mark = Mark.allCases.first(where: { $0.text == text.lowercased() }),
        !usual.contains(mark.text)
      else { continue }
      usual.insert(mark.text)
      spellings.append((Array(text.utf8), mark))
    }
  }
}

/// Byte strings one after the other in one array.
struct ByteStrings {
  private var bytes: [UInt8] = []
  private var ends = [0]

  var count: Int { ends.count - 1 }

  mutating func append(_ string: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: string)
    ends.append(bytes.count)
  }

  func withBytes<R>(of i: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[ends[i]..<ends[i + 1]])) }
  }
}
