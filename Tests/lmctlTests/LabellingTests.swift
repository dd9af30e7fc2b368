import Foundation
import TestSupport
import Testing

/// What `lmctl eval` and `lmctl predict` make of classifiers, and which texts and labels they take.
@Suite("Labelling")
struct LabellingTests {
  @Test("As a service, eval answers each text before it asks for another")
  func coprocess() throws {
    let folder = try Reviews.folder()
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
    let folder = try Reviews.folder(labels: ["good", "bad"])
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

  @Test("Several classifiers side by side, compared with the first")
  func comparison() throws {
    let folder = try Reviews.folder()
    try run(
      """
      lmctl train --task classify -q --model ngram --order 1 train.txt -o a.json
      \(Reviews.train) --model bag --epochs 1 train.txt -o b.json
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

  @Test(
    "What cannot be is one sentence",
    arguments: [
      Mistake("lmctl train --task classify --model bag train.plain", 1, "train.plain:1: has no label"),
      Mistake(
        "lmctl train --task classify --model ngram --smoothing stupid-backoff one.txt", 2,
        "takes probabilities"),
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
    let folder = try Reviews.folder()
    try folder.write("one.txt", text: String(repeating: "__label__good a b c d e f\n", count: 20))
    try folder.write(
      "new.txt", text: String(repeating: "__label__new the film\n__label__good a story\n", count: 20))
    try folder.write("empty.txt", text: "")
    try run(
      """
      \(Reviews.train) --model bag --epochs 1 train.txt -o m.json
      lmctl train --model ngram -q train.plain -o kn.json
      """, folder)
    return folder
  }

  @Test("Labels that are new, texts without words, and very long texts are answered, with a sentence")
  func strangeTexts() throws {
    let folder = try Reviews.folder()
    let long = String(repeating: "the film ", count: 50_000)
    try folder.write(
      "odd.txt", text: "__label__new a film\n__label__good\n__label__bad \(long)\n__label__bad dull\n")
    try run("\(Reviews.train) --model gru --hidden 6 --epochs 1 train.txt -o m.json", folder)
    let result = try object("lmctl eval m.json odd.txt --json", folder)
    #expect(result["texts"] as? Int == 4 && result["unknown_labels"] as? Int == 1)
    let warnings = try #require(result["warnings"] as? [String])
    #expect(warnings.count == 3, "\(warnings)")
    #expect(warnings.contains { $0.contains("only the first 1000 tokens are read") })
    let answers = try run("printf '\\n%s\\n' 'a dull film' | lmctl predict m.json", folder)
    #expect(answers.split(separator: "\n").count == 2)
    let trained = try Executable.shell(
      "\(Reviews.train.replacingOccurrences(of: " -q", with: "")) --model bag --epochs 1 --max-length 20 train.txt odd.txt -o n.json",
      in: folder)
    #expect(trained.status == 0 && trained.error.contains("without a word"), "\(trained.error)")
    #expect(trained.error.contains("only the first 20 tokens"), "\(trained.error)")
  }
}
