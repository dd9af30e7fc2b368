import Foundation
import TestSupport
import Testing

/// Parts of a large text that hold nothing.
@Suite("Empty texts")
struct EmptyTextTests {
  @Test("Empty parts are counted to an empty file, which adds nothing and is no text to learn from")
  func counts() throws {
    let folder = try badInputFolder()
    for empty in ["empty.txt", "blank.txt"] {
      for options in ["", "--unit mixed", "--memory 50M"] {
        let refused = try Executable.shell("lmctl count \(options) \(empty) -o e", in: folder)
        #expect(refused.status == 1 && !folder.contents.contains("e"))
        try run("lmctl count \(options) --allow-empty \(empty) -o e && test -f e && ! test -s e", folder)
        try run(
          "lmctl count \(options) good.txt -o g --quiet --force && lmctl count --merge e g e | cmp - g",
          folder)
        #expect(try run("lmctl count --merge e e --quiet", folder) == "")
        let training = try Executable.shell("lmctl train --model ngram --counts e -o x.json", in: folder)
        #expect(
          training.status == 1 && training.error == "lmctl: e: holds no sentence\n", "\(training.error)")
        try run("rm e", folder)
      }
    }
    let training = try Executable.shell("lmctl train --model ngram empty.txt blank.txt -o x.json", in: folder)
    #expect(
      training.status == 1
        && training.error == "lmctl: empty.txt, blank.txt: the text has no sentence, only empty lines\n")
  }

  @Test("An empty text has no tokens, and no perplexity")
  func evaluation() throws {
    let folder = try badInputFolder()
    #expect(try run("lmctl eval --allow-empty --perplexity model.json empty.txt", folder) == "nan\n")
    #expect(try run("lmctl eval --allow-empty --cross-entropy model.json blank.txt", folder) == "nan\n")
    let members =
      "[.tokens, .sentences, .perplexity, .cross_entropy_nats, .bits_per_byte, .ppl1, .standard_error]"
    #expect(
      try run("lmctl eval --allow-empty --json model.json empty.txt | jq -c '\(members)'", folder)
        == "[0,0,null,null,null,null,null]\n")
    #expect(
      try run("lmctl eval --allow-empty model.json blank.txt | grep '^perplexity'", folder).hasSuffix(
        " undefined\n"))
    // The average is over texts that have tokens.
    let lines = try run("lmctl eval --allow-empty --per file model.json empty.txt good.txt", folder)
      .split(separator: "\n").map { $0.split(separator: "\t") }
    #expect(lines[0] == ["empty.txt", "0", "0", "0", "nan", "nan"])
    #expect(lines[1].suffix(2) == lines[2].suffix(2) && lines[1].suffix(2) == lines[3].suffix(2))
    for line in [
      "eval model.json empty.txt", "tokenize --stats empty.txt", "eval --per file model.json empty.txt",
    ] {
      let refused = try Executable.shell("lmctl \(line)", in: folder)
      #expect(refused.status == 1 && refused.error == "lmctl: empty.txt: the text is empty\n")
    }
  }

  @Test("Nothing is tokenized to nothing")
  func tokens() throws {
    let folder = try badInputFolder()
    for options in ["", "--ids", "--unit char --vocab-out v"] {
      #expect(try run("lmctl tokenize --allow-empty \(options) empty.txt", folder) == "")
    }
    #expect(
      try run(
        "lmctl tokenize --allow-empty --stats --json empty.txt | jq -c '[.tokens, .cutoffs[0].unknown_rate]'",
        folder)
        == "[0,null]\n")
  }
}
