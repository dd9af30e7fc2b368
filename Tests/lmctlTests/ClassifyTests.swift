import Foundation
import TestSupport
import Testing

/// `lmctl train --task classify`: what networks and n-grams learn of labelled texts, and what they begin with.
@Suite("Classifying")
struct ClassifyTests {
  @Test(
    "Every kind learns what tells texts apart; its probabilities sum to one; labels in columns are the same",
    arguments: [
      "lmctl train --task classify -q --model ngram", "\(Reviews.train) --model bag",
      "\(Reviews.train) --model bag --word-ngrams 2 --buckets 50",
      "\(Reviews.train) --model rnn --hidden 8 --pool max",
      "\(Reviews.train) --model lstm --hidden 8 --pool attention",
      "\(Reviews.train) --model gru --hidden 8 --pool mean",
      "\(Reviews.train) --model lstm --hidden 8 --bidirectional --layers 2",
      "\(Reviews.train) --model gru --hidden 8 --word-ngrams 2 --buckets 50",
      "\(Reviews.train) --model qrnn --hidden 8 --pool last",
    ])
  func kinds(line: String) throws {
    let folder = try Reviews.folder()
    let trained = try object("\(line) train.txt --valid test.txt -o m.json --json", folder)
    let heldOut = try #require(trained["held_out"] as? [String: Any])
    let result = try object("lmctl eval m.json test.txt --json", folder)
    #expect(result["accuracy"] as? Double == heldOut["accuracy"] as? Double)
    #expect(
      try #require(result["accuracy"] as? Double) > (line.contains("ngram") ? 0.8 : 0.9), "\(line): \(result)"
    )
    #expect(result["texts"] as? Int == 60)
    // fastText's format and columns are two ways to write the same.
    try run("\(line) train.tsv --valid test.tsv -o t.json > /dev/null", folder)
    let answers = try run("lmctl predict m.json test.plain", folder)
    #expect(try run("lmctl predict t.json test.plain", folder) == answers)
    // Labels in fastText's format are not read as words.
    #expect(try run("lmctl predict m.json < test.txt", folder) == answers)
    for answer in answers.split(separator: "\n") {
      let columns = answer.split(separator: "\t")
      #expect(columns.count == 6)
      let sum = stride(from: 1, to: 6, by: 2).reduce(0) { $0 + (Double(columns[$1]) ?? .nan) }
      #expect(abs(sum - 1) < 1e-5)
    }
    let lines = try run("lmctl eval m.json test.txt --per sentence", folder).split(separator: "\n")
    let right = lines.filter { $0.hasSuffix("\t1") }.count
    #expect(lines.count == 60 && right == result["correct"] as? Int)
    for (line, answer) in zip(lines, answers.split(separator: "\n")) {
      #expect(line.split(separator: "\t")[1] == answer.split(separator: "\t")[0])
    }
    let best = try run("lmctl predict m.json --top 1 --json test.plain", folder).split(separator: "\n")
    #expect(best.count == 60 && best[0].contains(#""predictions":[{"label":"#))
    try run(
      "lmctl inspect m.json | grep -q '^labels *3: '; lmctl convert m.json c.json --tensors decimal -q",
      folder)
    #expect(try run("lmctl inspect --check m.json", folder).hasSuffix("\nall is as it should be\n"))
    #expect(try run("lmctl predict c.json test.plain", folder) == answers)
  }

  @Test("A run is the same on any number of threads, and when it goes on")
  func exactness() throws {
    let folder = try Reviews.folder()
    let line = "\(Reviews.train) --model gru --bidirectional --hidden 8 --schedule constant --valid test.txt"
    try run(
      """
      \(line) --epochs 3 train.txt -o whole.json > /dev/null
      \(line.replacingOccurrences(of: "--threads 1", with: "--threads 2")) --epochs 3 train.txt -o two.json > /dev/null; cmp whole.json two.json
      \(line) --epochs 1 --keep-optimizer train.txt -o part.json > /dev/null
      lmctl train --resume part.json --epochs 3 --threads 1 -q > /dev/null
      lmctl convert part.json lean.json -q
      """, folder)
    func model(_ name: String) throws -> [String: NSDictionary] {
      try tensors(folder, name).filter { !$0.key.hasPrefix("optimizer") && !$0.key.contains("/") }
    }
    let (whole, part) = (try model("whole.json"), try model("part.json"))
    #expect(!whole.isEmpty)
    for (name, tensor) in whole { #expect(part[name] == tensor, "\(name)") }
    // The same line again finds the run complete, and leaves its model alone.
    let again = line.replacingOccurrences(of: "lmctl train", with: "lmctl train --auto-resume")
    try run("cp -p whole.json before.json; \(again) --epochs 3 train.txt -o whole.json > said", folder)
    try run("test ! -s said; cmp whole.json before.json; test ! whole.json -nt before.json", folder)
  }

  @Test("Several labels: each by itself, with precision and recall of those that are answered")
  func severalLabels() throws {
    let folder = try Reviews.folder()
    let texts = Reviews.texts(300, labels: ["good", "bad", "odd"], seed: 9)
    let pairs = zip(texts, texts.dropFirst()).map { a, b in
      (Set([a.label, b.label]).sorted(), "\(a.text) \(b.text)")
    }
    try folder.write(
      "many.txt", text: pairs.map { "\($0.map { "__label__\($0)" }.joined(separator: " ")) \($1)\n" }.joined()
    )
    try folder.write("many.tsv", text: pairs.map { "\($0.joined(separator: ","))\t\($1)\n" }.joined())
    try expect(
      Mistake("lmctl train --task classify --model bag many.txt", 1, "has 2 labels; with --multi-label"),
      in: folder)
    let line = "\(Reviews.train) --model gru --hidden 12 --pool max --multi-label --epochs 15"
    try run("\(line) many.txt -o m.json; \(line) many.tsv -o t.json", folder)
    #expect(
      try run("lmctl predict m.json test.plain", folder) == run("lmctl predict t.json test.plain", folder))
    let result = try object("lmctl eval m.json many.txt --json", folder)
    #expect(result["multi_label"] as? Bool == true)
    #expect(try #require(result["micro_f1"] as? Double) > 0.9)
    let all = pairs.reduce(0) { $0 + $1.0.count }
    let (right, recall) = (
      try #require(result["correct"] as? Int), try #require(result["recall_at_1"] as? Double)
    )
    #expect(abs(recall - Double(right) / Double(all)) < 1e-9)
    let sure = try run("lmctl predict m.json --threshold 0.5 test.plain", folder)
    #expect(!sure.contains("\t0.4"))
  }

  @Test(
    "A text in the order of its labels, and weights of labels, are no divergence; weights are for training alone"
  )
  func sortedAndWeighted() throws {
    let folder = try Reviews.folder(labels: ["good", "bad"])
    try run(
      "for i in $(seq 8); do grep good train.txt; done > sorted.txt; grep bad train.txt >> sorted.txt", folder
    )
    // The first thousand texts are good, and a network that says so of them says it of all.
    let line =
      "lmctl train --task classify --threads 1 -q --model gru --hidden 4 --embed 8 --epochs 1 --lr 0.0001 --dropout 0"
    let sorted = try Executable.shell("\(line) sorted.txt -o s.json", in: folder)
    #expect(sorted.status == 0, "\(sorted.error)")
    for options in ["--label-weights good=10,bad=10", "--label-weights good=0.5,bad=5 --multi-label"] {
      let weighted = try Executable.shell("\(line) \(options) train.txt -o w.json", in: folder)
      #expect(weighted.status == 0 && !weighted.error.contains("diverged"), "\(options): \(weighted.error)")
    }
    let trained = try object(
      "\(line) --label-weights good=3 train.txt --valid test.txt -o w.json --json", folder)
    let measured = try object("lmctl eval w.json test.txt --json", folder)
    let held = try #require(trained["held_out"] as? [String: Any])
    let (a, b) = (
      try #require(held["cross_entropy_nats"] as? Double),
      try #require(measured["cross_entropy_nats"] as? Double)
    )
    #expect(abs(a - b) < 1e-5)
    // Labels that the model does not know count for nothing.
    try run(
      "sed 's/__label__[a-z]*/__label__new/' test.txt | cat test.txt - > both.txt", folder)
    let both = try object("lmctl eval w.json both.txt --json", folder)
    #expect(abs(try #require(both["cross_entropy_nats"] as? Double) - b) < 1e-6)
  }

  @Test("Connections know that layers which read in both directions give twice as much")
  func connections() throws {
    let folder = try Reviews.folder()
    let line =
      "\(Reviews.train) --model gru --hidden 4 --epochs 1 --bidirectional --residual train.txt -o m.json"
    try run(line, folder)  // 8 = 2 × 4
    try expect(
      Mistake(
        line.replacingOccurrences(of: "--embed 8", with: "--embed 4"), 2,
        "--residual needs --layers 2 and more, or --embed twice as large as --hidden, as layers"),
      in: folder)
  }

  @Test("Embeddings and layers begin as those of a language model, and stay so if they are frozen")
  func fromLanguageModel() throws {
    let folder = try Reviews.folder()
    let layers = "lmctl train --model lstm --hidden 8 --embed 8 --layers 2 --epochs 1 -q --threads 1"
    try run(
      """
      cat train.plain train.plain > lm.txt; \(layers) lm.txt -o lm.json
      \(Reviews.train.replacingOccurrences(of: "--embed 8 ", with: "")) --init-from lm.json --freeze --epochs 2 train.txt -o frozen.json
      lmctl train --task classify --init-from lm.json --unfreeze 1 --epochs 2 -q --threads 1 train.txt -o thawed.json
      lmctl train --task classify --init-from lm.json --bidirectional --epochs 1 --threads 1 train.txt -o both.json 2> remarks
      """, folder)
    // A run with frozen layers goes on, too, as the same line without an interruption.
    let freezing =
      "lmctl train --task classify --init-from lm.json --freeze --schedule constant -q --threads 1 train.txt"
    try run(
      """
      \(freezing) --epochs 2 -o at-once.json; \(freezing) --epochs 1 --keep-optimizer -o in-two.json
      lmctl train --resume in-two.json --epochs 2 --threads 1 -q
      lmctl predict at-once.json test.plain > a; lmctl predict in-two.json test.plain > b; cmp a b
      """, folder)
    try expect(
      Mistake("\(freezing) --optimizer adamw -o x.json", 2, "which would shrink what is frozen"), in: folder)
    let (model, frozen, thawed) = (
      try tensors(folder, "lm.json"), try tensors(folder, "frozen.json"), try tensors(folder, "thawed.json")
    )
    var seen: Set<String> = []
    for (name, tensor) in frozen where !name.hasPrefix("labels.") {
      seen.insert(String(name.prefix { $0 != "." }))
      #expect(model[name]?["data"] as? String == tensor["data"] as? String, "\(name)")
      // After two epochs the upper layer has begun to learn.
      let isSame = thawed[name]?["data"] as? String == tensor["data"] as? String
      #expect(isSame == !name.hasPrefix("layer2."), "\(name)")
    }
    #expect(seen == ["embedding", "layer1", "layer2"])
    let remarks = try String(contentsOfFile: folder("remarks"), encoding: .utf8)
    #expect(remarks.contains("begins anew") && remarks.contains("layer1.backward"))
    #expect(!remarks.contains("layer1.forward"), "\(remarks)")
  }

  @Test("Both directions begin as those of a filler")
  func fromFiller() throws {
    let folder = try Reviews.folder()
    try run(
      """
      cat train.plain train.plain > text
      lmctl train --task fill --model lstm --hidden 8 --embed 8 --layers 2 --epochs 1 -q --threads 1 text -o fill.json
      lmctl train --task classify --init-from fill.json --bidirectional --freeze --epochs 1 --threads 1 train.txt -o both.json 2> remarks
      lmctl train --task classify --init-from fill.json --freeze --epochs 1 --threads 1 train.txt -o one.json 2> remarks-of-one
      """, folder)
    let (filler, both, one) = (
      try tensors(folder, "fill.json"), try tensors(folder, "both.json"), try tensors(folder, "one.json")
    )
    for (name, own) in [
      ("embedding", "embedding"), ("forward.layer1.recurrent_weights", "layer1.forward.recurrent_weights"),
      ("backward.layer1.input_weights", "layer1.backward.input_weights"),
    ] {
      let data = try #require(filler[name]?["data"] as? String, "\(name) of \(filler.keys.sorted())")
      #expect(both[own]?["data"] as? String == data, "\(own)")
    }
    for name in ["layer1.bias", "layer2.input_weights"] {
      let data = try #require(filler["forward." + name]?["data"] as? String)
      #expect(one[name]?["data"] as? String == data, "\(name)")
    }
    // The second layer of a classifier in two directions sees both; a filler's does not.
    let remarks = try String(contentsOfFile: folder("remarks"), encoding: .utf8)
    #expect(remarks.contains("layer2.forward.input_weights") && !remarks.contains("layer1."), "\(remarks)")
    #expect(!(try String(contentsOfFile: folder("remarks-of-one"), encoding: .utf8)).contains("begins anew"))
  }

  /// The tensors of a checkpoint by their names.
  private func tensors(_ folder: TemporaryFolder, _ name: String) throws -> [String: NSDictionary] {
    let value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder(name))))
    let all = try #require((value as? [String: Any])?["tensors"] as? [NSDictionary])
    return Dictionary(uniqueKeysWithValues: all.map { ($0["name"] as? String ?? "", $0) })
  }

  @Test("Accuracy goes into logs and pictures, and decides when to stop")
  func curves() throws {
    let folder = try Reviews.folder()
    try run(
      """
      \(Reviews.train) --model bag --epochs 9 --patience 2 --valid test.txt --log run.jsonl train.txt -o m.json > /dev/null
      grep -q held_out_accuracy run.jsonl; grep -q texts_per_second run.jsonl
      lmctl plot run.jsonl | grep -q accuracy; lmctl plot run.jsonl --y loss -o l.svg; lmctl plot run.jsonl -o a.svg
      grep -q 'accuracy on held-out texts' a.svg
      """, folder)
  }
}
