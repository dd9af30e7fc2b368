import LanguageModels
import TestSupport
import Testing

@Suite("Statistics of texts")
struct TextStatisticsTests {
  @Test(
    "A text has the same bytes with LF, CRLF and a byte order mark",
    arguments: [TextUnit.word, .char, .mixed])
  func sentenceBytes(unit: TextUnit) throws {
    let lines = ["a bc", "d é"]
    let expected = lines.reduce(0) { $0 + $1.utf8.count + 1 }
    for end in ["\n", "\r\n"] {
      for mark in ["", "\u{FEFF}"] {
        let text = mark + lines.joined(separator: end)
        #expect(try statistics(text + end, unit).sentenceBytes == expected)
        #expect(try statistics(text, unit).sentenceBytes == expected)
      }
    }
    // Where they are tokens, they are counted.
    #expect(try statistics("\u{FEFF}a\r\nb\r\n", .byte).sentenceBytes == 9)
    #expect(try statistics("a\nb", .byte).sentenceBytes == 4)
  }

  @Test(
    "Both parts of a text have statistics of their own", arguments: [0.001, 0.1, 0.25, 1.0 / 3, 0.5, 0.99])
  func holdout(fraction: Double) throws {
    let lines = (0..<1000).map { i in
      i % 7 == 3 ? "" : i % 11 == 0 ? "<s> w\(i % 13) é\r" : String(repeating: "w\(i % 5) ", count: 1 + i % 4)
    }
    for unit in [TextUnit.word, .char] {
      for source in [
        VocabularySource.counted(minimumCount: 1, maximumSize: nil),
        .fixed(Vocabulary(unit: unit, tokens: ["w"])),
      ] {
        let text = reader(Array((lines.joined(separator: "\n") + "\n\n").utf8), Tokenizer(unit: unit))
        let (corpus, part, _) = try Corpus.build(
          from: text, vocabulary: source, holdout: Holdout(fraction: fraction))
        let heldOut = try #require(part)
        let whole = text.statistics
        #expect(heldOut.statistics.sentences == heldOut.sentences)
        #expect(heldOut.statistics.tokens == heldOut.tokens.count)
        #expect(corpus.statistics.sentences == corpus.sentences)
        #expect(corpus.statistics.tokens == corpus.tokens.count)
        for count: KeyPath<TextStatistics, Int> in [
          \.lines, \.sentences, \.emptyLines, \.tokens, \.droppedMarkers, \.bytes, \.sentenceBytes,
        ] {
          #expect(
            corpus.statistics[keyPath: count] + heldOut.statistics[keyPath: count] == whole[keyPath: count])
        }
        // The same lines, read alone.
        var last: [String] = []
        var left = heldOut.sentences
        for line in (lines + [""]).reversed() where left > 0 {
          last.insert(line, at: 0)
          if unit == .char || !line.isEmpty { left -= 1 }
        }
        let alone = try statistics(last.joined(separator: "\n") + "\n", unit)
        #expect(heldOut.statistics.sentenceBytes == alone.sentenceBytes)
        #expect(heldOut.statistics.droppedMarkers == alone.droppedMarkers)
      }
    }
  }

  /// Three sentences each.
  private static let runningTexts = [
    "今天天气很好。\n我们一起去公园散步吧。\n他昨天在图书馆看了一本有趣的书。\n",
    "今天天气很好。我们一起去公园散步吧。他昨天在图书馆看了一本有趣的书。\n",
    "私は毎日学校に行きます。\n今日はとても天気がいいですね。\n彼はコンピューターの本を読んでいる。\n",
    "วันนี้อากาศดีมาก\nฉันชอบกินข้าวผัด\nเขาไปโรงเรียนทุกวัน\n",
    "ꦱꦧꦼꦤ꧀ꦮꦺꦴꦁꦏꦭꦲꦶꦂꦫꦏꦺꦏꦤ꧀ꦛꦶꦩꦂꦢꦶꦏ\nꦭꦤ꧀ꦢꦂꦧꦺꦩꦂꦠꦧꦠ꧀ꦭꦤ꧀ꦲꦏ꧀ꦏꦁꦥꦝ\n",
    "ꊿꂷꃅꄿꐨꐥ,ꌅꅍꀂꏽꐯꒈꃅꐥꌐ\nꊿꊇꉪꍆꌋꆀꁨꉌꑌꐥ\n", "오늘은날씨가아주좋습니다그래서우리는공원에갔습니다\n그는도서관에서하루종일책을읽고있었습니다\n",
    "የሰውልጅሁሉሲወለድነጻናበክብርናበመብትምእኩልነትያለውነው\nየተፈጥሮማስተዋልናሕሊናስላለውአንዱሌላውን\n",
  ]
  private static let segmentedTexts = [
    "今天 天气 很 好 。\n我们 一起 去 公园 散步 吧 。\n他 昨天 在 图书馆 看 了 一 本 有趣 的 书 。\n",
    "今 天 天 气 很 好 。\n我 们 一 起 去 公 园 散 步 吧 。\n",
    "私 は 毎日 学校 に 行き ます 。\n今日 は とても 天気 が いい です ね 。\n彼 は コンピューター の 本 を 読ん で いる 。\n",
    "วันนี้ อากาศ ดี มาก\nฉัน ชอบ กิน ข้าว ผัด\nเขา ไป โรงเรียน ทุก วัน\n",
    "The cat sat on the mat.\nIt was a good day.\n",
    "The mayor 王小明 met 李娜 in Beijing (北京) on Monday.\nThey spoke of trade.\nNothing else happened.\n",
    "Die Straßenbahn fährt über die Brücke.\nÄpfel und Birnen sind süß.\nDonaudampfschifffahrtsgesellschaft.\n",
    "한국어는 띄어쓰기를 합니다.\n오늘은 날씨가 좋습니다.\n", "국제연합교육과학문화기구는 파리에 있다.\n그는 도서관에서 책을 읽고 있었다.\n",
    "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።\n", "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና፡በክብርና፡በመብትም፡እኩልነት፡ያለው፡ነው።\n",
    "ꊿ ꂷꃅ ꄿꐨ ꐥ ꌅꅍ ꀂꏽ\n", "Сегодня хорошая погода.\nОн читает книгу.\n", "", "\n",
  ]

  @Test("Sentences without spaces are told from words", arguments: runningTexts)
  func unsegmented(text: String) throws {
    #expect(try statistics(text).looksUnsegmented)
    #expect(try statistics(text).wordsWithoutSpaces.suspicious > 0)
    for unit in [TextUnit.char, .byte] { #expect(try !statistics(text, unit).looksUnsegmented) }
    // Han and kana only are taken apart.
    let isTakenApart = text.unicodeScalars.contains { "今私".unicodeScalars.contains($0) }
    #expect(try statistics(text, .mixed).looksUnsegmented != isTakenApart)
  }

  @Test("Words are not taken for sentences", arguments: segmentedTexts)
  func segmented(text: String) throws {
    for unit in TextUnit.allCases { #expect(try !statistics(text, unit).looksUnsegmented) }
  }

  @Test("A sentence of Chinese in much English says nothing, half of the text does")
  func shares() throws {
    let english = String(repeating: "It was the best of times, it was the worst of times.\n", count: 50)
    #expect(try !statistics(english + Self.runningTexts[0]).looksUnsegmented)
    let half = String(
      repeating: Self.runningTexts[0] + "It was the best of times, it was the worst of times.\n", count: 9)
    #expect(try statistics(half).looksUnsegmented)
  }
}
