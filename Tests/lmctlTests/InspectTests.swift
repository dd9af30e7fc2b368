import Foundation
import TestSupport
import Testing

@Suite("Looking into networks")
struct InspectTests {
  /// A folder with small models of several kinds, and texts.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let text = String(
      repeating: "the cat sat on the mat and the dog ran to the cat\nthe dog ran\n", count: 12)
    try folder.write("t.txt", text: text)
    try folder.write("short.txt", text: "the cat sat\n")
    try folder.write("empty.txt", text: "")
    try folder.write("note.svg", text: "my own notes\n")
    for kind in ["rnn", "lstm", "nnlm"] {
      try run(
        "lmctl train --model \(kind) --hidden 17 --epochs 1 t.txt -o \(kind).json --quiet", folder)
    }
    try run("lmctl train --model ngram t.txt -o ngram.json --quiet 2> remarks", folder)
    return folder
  }

  @Test("Gradients of several models: table, JSON, picture, terminal")
  func gradients() throws {
    let folder = try folder()
    let table = try run("lmctl inspect --gradients rnn.json lstm.json t.txt --steps 8", folder)
    for part in [
      "mean norm", "spectral radius", "bound of a step", "open (> 0.9)", "tokens back: k", "A rnn h: k=8 ",
      "C lstm h: k=8 ", "Saturated gates",
    ] { #expect(table.contains(part), "\(part)") }
    #expect(!table.contains("\u{1B}"))
    let json = try run("cat t.txt | lmctl inspect --gradients --json rnn.json lstm.json - --steps 8", folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let models = try #require(object["models"] as? [[String: Any]])
    #expect(models.map { $0["model"] as? String } == ["rnn", "lstm"] && object["steps"] as? Int == 8)
    let layers = models.compactMap { ($0["layers"] as? [[String: Any]])?.first }
    #expect(layers.allSatisfy { ($0["hidden"] as? [[String: Any]])?.count == 9 })
    #expect(layers[0]["bound_factor"] is Double && layers[1]["bound_factor"] is NSNull)
    #expect((layers[1]["cell"] as? [[String: Any]])?.count == 9)
    try run("lmctl inspect --gradients rnn.json lstm.json t.txt --steps 8 -o g.svg --quiet", folder)
    let parsed = try run(
      "python3 -c 'import xml.dom.minidom as m; print(m.parse(\"g.svg\").documentElement.tagName)'", folder)
    #expect(parsed == "svg\n")
    let svg = String(decoding: try folder.read("g.svg"), as: UTF8.self)
    #expect(svg.contains("prefers-color-scheme:dark") && svg.contains("stroke-dasharray"))
    // A picture may take the place of a picture.
    try run("lmctl inspect --gradients rnn.json t.txt --steps 8 -o g.svg", folder)
  }

  @Test("A network before its training")
  func untrained() throws {
    let folder = try folder()
    // Groups of tokens are fitted to the text, as for training.
    for softmax in ["class", "adaptive"] {
      try run(
        "lmctl inspect --gradients --untrained --model gru --hidden 8 --softmax \(softmax) t.txt --steps 2",
        folder)
    }
    let line = "lmctl inspect --gradients --untrained --model lstm --hidden 9 --layers 2 --steps 5"
    let first = try run("\(line) t.txt", folder)
    #expect(first.contains("untrained lstm") && first.contains("layer2"))
    #expect(try run("\(line) t.txt", folder) == first)
    #expect(try run("\(line) --seed 2 t.txt", folder) != first)
    // The forget bias opens the gates.
    let open = try run("\(line) --forget-bias 6 --json t.txt", folder)
    #expect(open.contains("\"gate\":\"forget\",\"shut\":0.0,\"open\":1.0"))
    #expect(try run("\(line) rnn.json t.txt", folder).contains("rnn"))
  }

  @Test("Gates are drawn by token and unit")
  func gates() throws {
    let folder = try folder()
    let text = try run("lmctl inspect --gates lstm.json 'the cat sat' --units 4", folder)
    for part in ["the 4 of 17 units", "forget", "candidate", "hidden"] { #expect(text.contains(part)) }
    let svg = try run("lmctl inspect --gates lstm.json 'the cat sat' -o -", folder)
    #expect(svg.hasPrefix("<svg xmlns") && svg.contains("class=\"s") && svg.contains("class=\"d"))
    for word in ["the", "cat", "sat", "&lt;/s&gt;"] { #expect(svg.contains(">\(word)</text>"), "\(word)") }
    let json = try run("lmctl inspect --gates rnn.json 'the cat' --json", folder)
    #expect(json.hasPrefix("{\"tokens\":[\"</s>\",\"the\",\"cat\"]") && json.contains("losses_nats"))
    let unknown = try Executable.shell("lmctl inspect --gates rnn.json 'the zebra'", in: folder)
    #expect(unknown.status == 0 && unknown.error.contains("1 token of the sentence not in the model's"))
    // A projection has fewer outputs than units, and SRU no product over time.
    for options in ["lstm --projection 5", "sru --layers 2"] {
      try run("lmctl train --model \(options) --hidden 17 --epochs 1 t.txt -o other.json --quiet", folder)
      #expect(try run("lmctl inspect --gates other.json 'the cat'", folder).contains("hidden"))
      #expect(try run("lmctl inspect --gradients other.json t.txt --steps 3", folder).contains("layer1"))
    }
    let coloured = try Executable.shell(
      "NO_COLOR= script -qec \"lmctl inspect --gates rnn.json 'the cat'\" /dev/null | grep -c '\u{1B}\\[48'",
      in: folder)
    #expect(coloured.output != "0\n")
  }

  @Test("The error wall is drawn without a model")
  func wall() throws {
    let folder = try TemporaryFolder()
    let text = try run("lmctl inspect --error-wall", folder)
    #expect(text.contains("without clipping") && text.contains("norm clipped to 1"))
    try run("lmctl inspect --error-wall -o wall.svg", folder)
    let svg = String(decoding: try folder.read("wall.svg"), as: UTF8.self)
    #expect(svg.contains("class=\"s20\"") && svg.contains(".s20{fill:"))
    #expect(try run("lmctl inspect --error-wall --json", folder).contains("\"points\":[[6.0,-2.6,"))
  }

  @Test(
    "One sentence says what is wrong",
    arguments: [
      Mistake("lmctl inspect --gradients", 2, "no model; give recurrent networks, then a text"),
      Mistake("lmctl inspect --gradients rnn.json", 2, "no text to measure gradients on"),
      Mistake("lmctl inspect --gradients t.txt", 2, "no model; give recurrent networks, then a text"),
      Mistake(
        "lmctl inspect --gradients ngram.json t.txt", 1, "is a model of n-grams, which has no gradients"),
      Mistake("lmctl inspect --gradients nnlm.json t.txt", 1, "kind 'nnlm', which has no recurrence"),
      Mistake("lmctl inspect --gradients rnn.json empty.txt", 1, "the text is empty"),
      Mistake("lmctl inspect --gradients rnn.json short.txt", 1, "the most is 3: lower --steps"),
      Mistake("lmctl inspect --gradients rnn.json t.txt --steps 0", 2, "--steps takes a whole number from 1"),
      Mistake(
        "lmctl inspect --gradients rnn.json t.txt -o note.svg", 1, "note.svg: is not a picture of lmctl"),
      Mistake("lmctl inspect --gradients rnn.json t.txt -o rnn.json", 1, "rnn.json: is"),
      Mistake("lmctl inspect --gradients rnn.json t.txt -o g.png", 2, "--output writes SVG"),
      Mistake("lmctl inspect --gradients rnn.json missing.txt", 1, "missing.txt: no such file"),
      Mistake("lmctl inspect --gradients --untrained t.txt", 2, "needs a kind of network"),
      Mistake(
        "lmctl inspect --gradients --untrained --model nnlm t.txt", 2, "takes a network with recurrent"),
      Mistake(
        "lmctl inspect --gradients --untrained --model gru --softmax adaptive --cutoffs 3,9999 t.txt", 1,
        "beyond the vocabulary"),
      Mistake("lmctl inspect --gradients --untrained --model gru --hidden 99999999 t.txt", 1, "of memory"),
      Mistake("lmctl inspect --gradients --model lstm t.txt", 2, "goes with --untrained"),
      Mistake("lmctl inspect --gradients --gates rnn.json t.txt", 2, "exclude each other"),
      Mistake(
        "lmctl inspect rnn.json -o x.svg", 2, "goes with --gradients, --gates, --attention or --error-wall"),
      Mistake("lmctl inspect --gates rnn.json", 2, "no sentence for the network to read"),
      Mistake("lmctl inspect --gates", 2, "no model; give it, then a sentence"),
      Mistake("lmctl inspect --gates rnn.json the cat", 2, "put the sentence in quotation marks"),
      Mistake("lmctl inspect --gates rnn.json ''", 2, "the sentence is empty"),
      Mistake("lmctl inspect --gates ngram.json 'the cat'", 1, "is a model of n-grams"),
      Mistake("lmctl inspect --error-wall rnn.json", 2, "needs no model and no text"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try folder()
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status, "\(outcome.error)")
    #expect(outcome.error.contains(mistake.message) && outcome.output == "", "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1, "\(outcome.error)")
  }
}
