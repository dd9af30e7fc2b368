/// What was seen of scripts that are written without spaces (Han, kana, Yi, Thai, Javanese and others; Hangul and Ethiopic where a text lacks
/// their spaces), to tell whether what was read as
/// words are words.
///
/// Only units with words are looked at, and only until `maximumLines` lines beyond ASCII have been seen.
public struct UnspacedText: Sendable, Equatable {
  /// The words looked at.
  public private(set) var words = 0
  /// Those of them that look like several words without spaces between them.
  public private(set) var suspiciousWords = 0
  /// The characters (code points) of the lines looked at.
  public private(set) var characters = 0
  /// Those of them that belong to scripts without spaces.
  public private(set) var unspacedCharacters = 0
  /// Those of them that stand in suspicious words.
  public private(set) var suspiciousCharacters = 0
  private var linesLeft = Self.maximumLines

  /// Lines beyond ASCII that are looked at.
  public static let maximumLines = 10_000

  /// Nothing seen.
  public init() {}

  /// Whether the text is one of sentences without spaces: most of what it has of such scripts stands in suspicious words, and that is a
  /// third of the text.
  public var looksUnsegmented: Bool {
    2 * suspiciousCharacters > unspacedCharacters && 3 * suspiciousCharacters > characters
  }

  /// Looks at the words of a line of `length` bytes.
  @inline(__always)
  mutating func add(_ tokens: TokenSpans, length: Int) {
    guard linesLeft > 0 else { return }
    words += tokens.count
    if tokens.isASCII {
      characters += length
    } else {
      linesLeft -= 1
      tokens.forEach { add($0) }
    }
  }

  /// Han, kana and syllables of Yi that a word can have: in text with spaces, five are rare, and mostly kana of a name.
  private static let longestWord = 4
  /// Letters of Thai and its like, or syllables of Hangul or Ethiopic, that a word can have.
  private static let longestAlphabeticWord = 11

  private mutating func add(_ word: UnsafeRawBufferPointer) {
    guard word.contains(where: { $0 >= 0xE0 }) else {
      characters += word.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
      return
    }
    var (ideographs, kana, letters) = (0, 0, 0)
    // Letters of the longest stretch, and before the last one.
    var (longest, before) = (0, 0)
    for scalar in String(decoding: word, as: UTF8.self).unicodeScalars {
      characters += 1
      // The word space of Ethiopic ends a word, though it is no white space.
      if scalar == "\u{1361}" {
        longest = max(longest, letters - before)
        before = letters
      }
      if scalar.isHan || scalar.isHiragana || scalar.isYi {
        ideographs += 1
      } else if scalar.isKatakana {
        kana += 1
      } else if scalar.isOfUnspacedAlphabet {
        letters += 1
      }
    }
    longest = max(longest, letters - before)
    let count = ideographs + kana + letters
    unspacedCharacters += count
    // Katakana alone are long names and loanwords.
    guard ideographs > 0 && ideographs + kana > Self.longestWord || longest > Self.longestAlphabeticWord
    else { return }
    suspiciousWords += 1
    suspiciousCharacters += count
  }
}

extension TextStatistics {
  /// How many words were looked at, and how many of them look like several words without spaces between them.
  public var wordsWithoutSpaces: (words: Int, suspicious: Int) {
    (unspaced.words, unspaced.suspiciousWords)
  }

  /// Whether what was read as words are sentences of a script without spaces, for which the unit should be another.
  public var looksUnsegmented: Bool { unspaced.looksUnsegmented }
}
