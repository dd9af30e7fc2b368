import Foundation
import TestSupport
import Testing

/// `lmctl train --task classify`, and what eval and predict make of its models.
@Suite("Classifying")
struct ClassifyTests {
  private static let words = [
    "good": ["fine", "bright", "warm", "lovely"], "bad": ["dull", "cold", "grim", "awful"],
    "odd": ["strange", "eerie", "weird", "queer"],
  ]
  private static let fillers = ["the", "a", "film", "story", "of", "and", "with", "scenes", "in", "it"]

  /// Texts of fillers, each with a word of its label in the middle.
  private static func texts(_ count: Int, labels: [String], seed: UInt64) -> [(label: String, text: String)] {
    var state = seed
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    func some() -> [String] { (0..<2 + next(4)).map { _ in fillers[next(fillers.count)] } }
    return (0..<count).map { _ in
      let label = labels[next(labels.count)]
      return (label, (some() + [words[label]?[next(4)] ?? ""] + some()).joined(separator: " "))
    }
  }

  /// train.txt, test.txt in fastText's format; the same with tabs as train.tsv, test.tsv; texts alone as plain.txt.
  private func folder(labels: [String] = ["good", "bad", "odd"]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, count, seed) in [("train", 300, 3), ("test", 60, 4)] {
      let texts = Self.texts(count, labels: labels, seed: UInt64(seed))
      try folder.write(
        "\(name).txt", text: texts.map { "__label__\($0.label) \($0.text)\n" }.joined())
      try folder.write("\(name).tsv", text: texts.map { "\($0.label)\t\($0.text)\n" }.joined())
      try folder.write("\(name).plain", text: texts.map { "\($0.text)\n" }.joined())
    }
    return folder
  }

  private func object(_ line: String, _ folder: TemporaryFolder) throws -> [String: Any] {
    let text = try run("\(line) 2>/dev/null", folder)
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private static let train = "lmctl train --task classify --threads 1 --embed 8 --lr 0.02 --dropout 0 -q"

  @Test(
    "Every kind learns what tells texts apart; its probabilities sum to one; labels in columns are the same",
    arguments: [
      "lmctl train --task classify -q --model ngram", "\(train) --model bag",
      "\(train) --model bag --word-ngrams 2 --buckets 50", "\(train) --model rnn --hidden 8 --pool max",
      "\(train) --model lstm --hidden 8 --pool attention", "\(train) --model gru --hidden 8 --pool mean",
      "\(train) --model lstm --hidden 8 --bidirectional --layers 2",
      "\(train) --model gru --hidden 8 --word-ngrams 2 --buckets 50",
      "\(train) --model qrnn --hidden 8 --pool last",
    ])
  func kinds(line: String) throws {
    let folder = try folder()
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
    let folder = try folder()
    let line = "\(Self.train) --model gru --bidirectional --hidden 8 --schedule constant --valid test.txt"
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
    let folder = try folder()
    let texts = Self.texts(300, labels: ["good", "bad", "odd"], seed: 9)
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
    let line = "\(Self.train) --model gru --hidden 12 --pool max --multi-label --epochs 15"
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
    let folder = try folder(labels: ["good", "bad"])
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

  @Test("As a service, eval answers each text before it asks for another")
  func coprocess() throws {
    let folder = try folder()
    try run("lmctl train --task classify -q --model ngram train.txt -o m.json", folder)
    #expect(
      try run(
        """
        coproc ASK { lmctl eval m.json --per sentence; }
        mapfile -t lines < <(head -3 test.txt)
        for line in "${lines[@]}"; do
          echo "$line" >&${ASK[1]}; read -r answer <&${ASK[0]}; echo "$answer"
        done
        """, folder) == run("lmctl eval m.json test.txt --per sentence | head -3", folder))
  }

  @Test("A text that is impossible with every label gets their shares; hundreds of labels have no matrix")
  func impossibleTexts() throws {
    let folder = try folder(labels: ["good", "bad"])
    try run("lmctl train --task classify -q --model ngram --smoothing none train.txt -o m.json", folder)
    let priors = try run("echo 'in in in film film a a the the' | lmctl predict m.json", folder)
    let count = Double(try run("grep -c good train.txt", folder).trimmingCharacters(in: .newlines)) ?? 0
    let p = try #require(Double(priors.split(separator: "\t")[1]))
    #expect(abs(max(count, 300 - count) / 300 - p) < 1e-6, "\(priors)")
    try run(
      "for i in $(seq 600); do echo \"l$i\tword$i the film\"; done > many.tsv; lmctl train --task classify -q --model ngram --min-count 1 many.tsv -o n.json",
      folder)
    let many = try object("lmctl eval n.json many.tsv --json", folder)
    let confusion = try #require(many["confusion"] as? [[String: Any]])
    #expect(confusion.reduce(0) { $0 + ($1["texts"] as? Int ?? 0) } == 600)
  }

  @Test("Connections know that layers which read in both directions give twice as much")
  func connections() throws {
    let folder = try folder()
    let line =
      "\(Self.train) --model gru --hidden 4 --epochs 1 --bidirectional --residual train.txt -o m.json"
    try run(line, folder)  // 8 = 2 × 4
    try expect(
      Mistake(
        line.replacingOccurrences(of: "--embed 8", with: "--embed 4"), 2,
        "--residual needs --layers 2 and more, or --embed twice as large as --hidden, as layers"),
      in: folder)
  }

  @Test("Embeddings and layers begin as those of a language model, and stay so if they are frozen")
  func fromLanguageModel() throws {
    let folder = try folder()
    let layers = "lmctl train --model lstm --hidden 8 --embed 8 --layers 2 --epochs 1 -q --threads 1"
    try run(
      """
      cat train.plain train.plain > lm.txt; \(layers) lm.txt -o lm.json
      \(Self.train.replacingOccurrences(of: "--embed 8 ", with: "")) --init-from lm.json --freeze --epochs 2 train.txt -o frozen.json
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

  @Test(
    "Labels are names, whatever the rules of the text are",
    arguments: ["--unit char", "--unit byte", "--lowercase", "--digits zero"])
  func names(rules: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "train.txt", text: String(repeating: "Good 1\ta fine film\nBad-2\ta dull one\n", count: 20))
    for model in ["gru --hidden 8 --epochs 2", "ngram --order 2"] {
      try run("lmctl train --task classify --model \(model) \(rules) -q train.txt -o m.json", folder)
      #expect(
        try number("lmctl eval --json m.json train.txt | jq '.labels | length'", folder) == 2, "\(model)")
      #expect(
        try run("echo 'a fine film' | lmctl predict m.json | tr '\t' '\n' | grep -c 'Good 1\\|Bad-2'", folder)
          == "2\n")
    }
  }

  @Test("Both directions begin as those of a filler")
  func fromFiller() throws {
    let folder = try folder()
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

  @Test("Several classifiers side by side, compared with the first")
  func comparison() throws {
    let folder = try folder()
    try run(
      """
      lmctl train --task classify -q --model ngram --order 1 train.txt -o a.json
      \(Self.train) --model bag --epochs 1 train.txt -o b.json
      """, folder)
    let table = try run("lmctl eval a.json b.json test.txt", folder)
    #expect(table.contains("p by McNemar's test"))
    let text = try run("lmctl eval a.json b.json test.txt --json", folder)
    let objects = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    let comparison = try #require(objects[1]["compared_with_first"] as? [String: Any])
    let (a, b) = (try #require(objects[0]["correct"] as? Int), try #require(objects[1]["correct"] as? Int))
    let this = try #require(comparison["only_this_right"] as? Int)
    let first = try #require(comparison["only_first_right"] as? Int)
    #expect(b - a == this - first && objects[0]["compared_with_first"] == nil)
    let alone = try run("lmctl eval a.json test.txt", folder)
    #expect(alone.contains("texts of, by answer") && alone.contains("macro-F1"))
  }

  @Test("Accuracy goes into logs and pictures, and decides when to stop")
  func curves() throws {
    let folder = try folder()
    try run(
      """
      \(Self.train) --model bag --epochs 9 --patience 2 --valid test.txt --log run.jsonl train.txt -o m.json > /dev/null
      grep -q held_out_accuracy run.jsonl; grep -q texts_per_second run.jsonl
      lmctl plot run.jsonl | grep -q accuracy; lmctl plot run.jsonl --y loss -o l.svg; lmctl plot run.jsonl -o a.svg
      grep -q 'accuracy on held-out texts' a.svg
      """, folder)
  }

  @Test(
    "What cannot be is one sentence",
    arguments: [
      Mistake("lmctl train --task classify --model bag train.plain", 1, "train.plain:1: has no label"),
      Mistake("lmctl eval m.json train.plain", 1, "train.plain:1: has no label"),
      Mistake("lmctl train --task classify -q --model bag one.txt", 1, "no label but 'good'"),
      Mistake("lmctl train --model bag train.txt", 2, "--model bag does not go with --task language"),
      Mistake("lmctl train --task classify --model nnlm train.txt", 2, "does not go with --task classify"),
      Mistake(
        "lmctl train --model lstm --bidirectional train.txt", 2, "would see the word that is to be predicted"),
      Mistake("lmctl train --model lstm --pool max train.txt", 2, "--pool does not go with --task language"),
      Mistake(
        "lmctl train --task classify --model lstm --bptt 5 train.txt", 2,
        "--bptt does not go with --task classify"),
      Mistake(
        "lmctl train --task classify --model bag --hidden 5 train.txt", 2,
        "--hidden does not go with --model bag"),
      Mistake("lmctl train --task classify --model bag --buckets 5 train.txt", 2, "--word-ngrams"),
      Mistake(
        "lmctl train --task classify --model bag --freeze train.txt", 2, "--freeze goes with --init-from"),
      Mistake(
        "lmctl train --task classify -q --model bag --label-weights nice=2 train.txt", 2,
        "'nice', which no text has"),
      Mistake("lmctl train --task classify --model bag train.txt -o m.arpa", 2, "not for --task classify"),
      Mistake("lmctl train --task classify --init-from kn.json train.txt", 1, "trained in one go"),
      Mistake("lmctl train --init-from m.json --task language train.txt", 2, "is a classifier"),
      Mistake("lmctl sample m.json", 1, "is a classifier, which labels texts"),
      Mistake("lmctl eval kn.json m.json train.txt", 1, "is a classifier"),
      Mistake("lmctl eval m.json kn.json train.txt", 1, "is a language model, and m.json is a classifier"),
      Mistake("lmctl mix kn.json m.json --weights 0.5,0.5 -o x.json", 1, "is a classifier"),
      Mistake("lmctl rescore m.json train.txt", 1, "is a classifier"),
      Mistake("lmctl eval m.json --perplexity train.txt", 2, "--perplexity does not go with classifiers"),
      Mistake(
        "lmctl predict m.json --word-prefix train.txt", 2, "--word-prefix does not go with classifiers"),
      Mistake("lmctl convert m.json m.arpa", 1, "is a classifier"),
      Mistake(
        "lmctl train -q --init-from m.json new.txt -o n.json", 1,
        "has the label 'new', which the model does not"
      ),
      Mistake(
        "printf '__label__<unk> a\\n__label__b c\\n' | lmctl train --task classify --model bag -", 1,
        "cannot be a label"),
      Mistake("lmctl train --task classify --model bag empty.txt", 1, "the text is empty"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try Self.prepared.get()
    try expect(mistake, in: folder)
  }

  nonisolated(unsafe) private static let prepared = Result<TemporaryFolder, any Error> {
    let folder = try ClassifyTests().folder()
    try folder.write("one.txt", text: String(repeating: "__label__good a b c d e f\n", count: 20))
    try folder.write(
      "new.txt", text: String(repeating: "__label__new the film\n__label__good a story\n", count: 20))
    try folder.write("empty.txt", text: "")
    try run(
      """
      \(train) --model bag --epochs 1 train.txt -o m.json
      lmctl train --model ngram -q train.plain -o kn.json
      """, folder)
    return folder
  }

  @Test("Labels that are new, texts without words, and very long texts are answered, with a sentence")
  func strangeTexts() throws {
    let folder = try folder()
    let long = String(repeating: "the film ", count: 50_000)
    try folder.write(
      "odd.txt", text: "__label__new a film\n__label__good\n__label__bad \(long)\n__label__bad dull\n")
    try run("\(Self.train) --model gru --hidden 6 --epochs 1 train.txt -o m.json", folder)
    let result = try object("lmctl eval m.json odd.txt --json", folder)
    #expect(result["texts"] as? Int == 4 && result["unknown_labels"] as? Int == 1)
    let warnings = try #require(result["warnings"] as? [String])
    #expect(warnings.count == 3, "\(warnings)")
    #expect(warnings.contains { $0.contains("only the first 1000 tokens are read") })
    let answers = try run("printf '\\n%s\\n' 'a dull film' | lmctl predict m.json", folder)
    #expect(answers.split(separator: "\n").count == 2)
    let trained = try Executable.shell(
      "\(Self.train.replacingOccurrences(of: " -q", with: "")) --model bag --epochs 1 --max-length 20 train.txt odd.txt -o n.json",
      in: folder)
    #expect(trained.status == 0 && trained.error.contains("without a word"), "\(trained.error)")
    #expect(trained.error.contains("only the first 20 tokens"), "\(trained.error)")
  }
}
