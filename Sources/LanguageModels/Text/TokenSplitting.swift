/// The rules for digits and punctuation, and the unit mixed: words are taken apart, characters changed or left out.
extension Tokenizer {
  /// A stretch of a word that stays together: a character.
  private struct Piece {
    var start: Int
    var end: Int
    var kind: CharacterClass
    /// Whether it is one of those of Han and kana text.
    var isWide: Bool
  }

  /// What becomes of an ASCII character by itself; `nil` if it is left out.
  func changed(_ byte: UInt8) -> UInt8? {
    switch CharacterClass(Unicode.Scalar(byte)) {
    case .digit: digits == .drop ? nil : digits == .zero ? UInt8(ascii: "0") : byte
    case .mark: punctuation == .drop ? nil : byte
    default: byte
    }
  }

  /// Finds the tokens of `line`, which is valid UTF-8, where there are such rules; `tokens` is overwritten.
  ///
  /// - Returns: how many literal sentence markers were dropped.
  func splitFurther(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) -> Int {
    tokens.begin(copying: [])
    var pieces: [Piece] = []
    var markers = 0
    guard unit.hasWords else {
      appendPieces(of: line, 0..<line.count, to: &pieces)
      for piece in pieces where !(piece.kind == .mark && punctuation == .drop) {
        copy(piece, of: line, to: &tokens)
        tokens.endToken()
      }
      return 0
    }
    forEachWord(line) { start, end in
      let word = line[start..<end]
      if Self.isMarker(line, start..<end) {
        markers += 1
      } else if word.elementsEqual(Vocabulary.unknownToken.utf8) || !mayChange(word) {
        tokens.append(copying: word)
      } else {
        pieces.removeAll(keepingCapacity: true)
        appendPieces(of: line, start..<end, to: &pieces)
        join(pieces, of: line, into: &tokens, markers: &markers)
      }
    }
    return markers
  }

  /// Whether there can be anything in a word that the rules are about.
  private func mayChange(_ word: Slice<UnsafeRawBufferPointer>) -> Bool {
    // The characters that stand alone begin at U+2E80, which is 0xE2 0xBA 0x80.
    punctuation != .keep || digits != .keep || word.contains { $0 >= 0xE2 }
  }

  /// Takes a stretch apart into its characters, without the digits that are left out.
  private func appendPieces(
    of line: UnsafeRawBufferPointer, _ range: Range<Int>, to pieces: inout [Piece]
  ) {
    var start = range.lowerBound
    for character in String(decoding: line[range], as: UTF8.self) {
      let end = start + character.utf8.count
      defer { start = end }
      guard let scalar = character.unicodeScalars.first else { continue }
      let kind = CharacterClass(scalar)
      if kind == .digit, digits == .drop { continue }
      pieces.append(Piece(start: start, end: end, kind: kind, isWide: scalar.standsAlone))
    }
  }

  /// Adds the tokens that the pieces of a word make.
  private func join(
    _ pieces: [Piece], of line: UnsafeRawBufferPointer, into tokens: inout TokenSpans, markers: inout Int
  ) {
    func end() {
      // Only now is it known what is left of the word.
      if tokens.endToken(unless: Self.isMarker) { markers += 1 }
    }
    for (i, piece) in pieces.enumerated() {
      if piece.kind == .mark, punctuation == .drop { continue }
      let isAlone =
        switch piece.kind {
        case _ where unit == .mixed && piece.isWide: true
        case .digit: digits == .split
        case .mark: punctuation == .split && !isInside(pieces, i)
        default: false
        }
      if isAlone { end() }
      copy(piece, of: line, to: &tokens)
      if isAlone { end() }
    }
    end()
  }

  /// Whether a mark is between two letters or digits of one word, as in don't and 3.14; not where text has no spaces between words, nor beside a
  /// digit that becomes a token of its own.
  private func isInside(_ pieces: [Piece], _ i: Int) -> Bool {
    guard i > 0, i + 1 < pieces.count, !pieces[i].isWide else { return false }
    return [pieces[i - 1], pieces[i + 1]].allSatisfy {
      !$0.isWide && ($0.kind == .letter || $0.kind == .digit && digits != .split)
    }
  }

  private func copy(_ piece: Piece, of line: UnsafeRawBufferPointer, to tokens: inout TokenSpans) {
    if piece.kind == .digit, digits == .zero { return tokens.copy("0".utf8) }
    tokens.copy(line[piece.start..<piece.end])
  }
}
