import Foundation
import TestSupport
import Testing

/// The output layers of networks, through the program.
@Suite("Softmaxes")
struct SoftmaxTests {
  private static let shapes = [
    ("adaptive", "--softmax adaptive --cutoffs 50,200"),
    ("auto", "--softmax adaptive --tail-divisor 4"),
    ("tied", "--softmax adaptive --tie --embed 12"),
    ("class", "--softmax class --class-by exchange"),
    ("frequency", "--softmax class --classes 9 --tie --embed 12"),
    ("sampled", "--softmax sampled --samples 100"),
    ("nnlm", "--softmax adaptive --direct"),
  ]

  @Test(
    "Every softmax is normalized, goes through files, and a run that goes on is the same", arguments: shapes)
  func files(name: String, options: String) throws {
    let folder = try proseFolder()
    let model = name == "nnlm" ? "nnlm" : "lstm"
    let train =
      "lmctl train --model \(model) --hidden 12 --batch 4 --bptt 10 --quiet train.txt --min-count 1 \(options)"
    try run("\(train) --epochs 2 --threads 2 -o model.json", folder)
    try run(
      "\(train) --epochs 2 --threads 1 --print-config > c.json; lmctl train --config c.json -o again.json",
      folder)
    try run("cmp model.json again.json", folder)
    try run("lmctl inspect --check model.json", folder)
    // What is said token by token is what is said of the text.
    let sum = try run(
      "lmctl eval model.json test.txt --per token | awk -F'\\t' '{for (i = 2; i <= NF; i += 3) {s += $i; n++}} END {print exp(-s / n)}'",
      folder)
    let perplexity = try run("lmctl eval --perplexity model.json test.txt", folder)
    let (left, right) = (Double(sum.dropLast()) ?? 0, Double(perplexity.dropLast()) ?? 1)
    #expect(abs(left - right) < 1e-4 * right)
    // Stopped in the middle, and gone on with.
    try run("\(train) -o part.json --max-steps 20 --keep-optimizer --schedule constant", folder)
    try run("lmctl train --resume part.json --max-steps 40 --quiet -o part.json", folder)
    try run("\(train) -o whole.json --max-steps 40 --keep-optimizer --schedule constant", folder)
    let tensors = "jq -c '[.tensors[] | select(.name | startswith(\"training\") | not)]'"
    #expect(try run("\(tensors) part.json", folder) == run("\(tensors) whole.json", folder))
    // A new text keeps the groups of the old one.
    try run(
      "head -20 train.txt > new.txt; lmctl train --init-from part.json --epochs 1 --quiet new.txt -o new.json",
      folder)
    let shape = "jq -c '.configuration | [.softmax, .cutoffs, .tail_divisor, .classes]'"
    #expect(try run("\(shape) new.json", folder) == run("\(shape) part.json", folder))
  }

  @Test("Large vocabularies get an adaptive softmax, which says so; small ones and smoothed labels do not")
  func automatic() throws {
    let folder = try TemporaryFolder()
    let words = (0..<6000).map { "w\($0 % ($0 % 7 == 0 ? 50 : 6000))" }
    try folder.write("train.txt", text: words.joined(separator: " ") + "\n")
    let train = "lmctl train --model rnn --hidden 4 --max-steps 1 --min-count 1 train.txt"
    let outcome = try Executable.shell("\(train) -o m.json", in: folder)
    #expect(outcome.status == 0 && outcome.error.contains("adaptive softmax: the root has "))
    #expect(try run("jq -r .configuration.softmax m.json", folder) == "adaptive\n")
    for options in ["--label-smoothing 0.1", "--softmax full", "--max-vocab 4000"] {
      try run("\(train) --quiet \(options) -o full.json", folder)
      #expect(try run("jq -r .configuration.softmax full.json", folder) == "null\n", "\(options)")
    }
  }

  private static let mistakes = [
    Mistake("--softmax adaptive --cutoffs 50,20", 2, "--cutoffs takes auto, or rising whole numbers from 1"),
    Mistake("--softmax adaptive --cutoffs 50,20000", 1, "--cutoffs 50,20000: beyond the vocabulary of 760"),
    Mistake("--softmax full --cutoffs 50", 2, "--cutoffs goes with --softmax adaptive"),
    Mistake("--softmax class --tail-divisor 2", 2, "--tail-divisor goes with --softmax adaptive"),
    Mistake("--softmax adaptive --tie --tail-divisor 2", 2, "--tail-divisor does not go with --tie"),
    Mistake("--softmax class --class-by exchange --tie", 2, "--class-by exchange does not go with --tie"),
    Mistake("--tail-divisor 2", 2, "--tail-divisor goes with --softmax adaptive"),
    Mistake("--samples 100", 2, "--samples goes with --softmax sampled"),
    Mistake(
      "--softmax sampled --label-smoothing 0.1", 2, "--label-smoothing goes with --softmax full, not sampled"),
    Mistake("--softmax hierarchical", 2, "--softmax takes one of full, adaptive, sampled, class"),
  ]

  @Test("What does not go together is refused in one sentence", arguments: mistakes)
  func refusals(mistake: Mistake) throws {
    let folder = try proseFolder()
    let outcome = try Executable.shell(
      "lmctl train --model lstm --min-count 1 --quiet train.txt -o m.json \(mistake.line)", in: folder)
    #expect(outcome.status == mistake.status && outcome.error.contains(mistake.message), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count <= 2)
  }

  @Test("Checkpoints whose groups are not those of a vocabulary are refused by a sentence")
  func damaged() throws {
    let folder = try proseFolder()
    let train = "lmctl train --model lstm --hidden 8 --max-steps 1 --min-count 1 --quiet train.txt"
    try run("\(train) --softmax adaptive --cutoffs 50,200 -o adaptive.json", folder)
    try run("\(train) --softmax class --classes 9 -o class.json", folder)
    for (file, edit) in [
      ("adaptive", ".cutoffs = [50, 760]"), ("adaptive", ".cutoffs = []"),
      ("adaptive", ".cutoffs = [200, 50]"),
      ("adaptive", ".cutoffs = [0, 50]"), ("adaptive", ".cutoffs = [50, 4e9]"), ("adaptive", "del(.cutoffs)"),
      ("adaptive", ".tail_divisor = 0"), ("adaptive", ".tail_divisor = 1"),
      ("adaptive", ".softmax = \"class\""),
      ("adaptive", ".softmax = \"other\""), ("adaptive", ".softmax = 3"), ("adaptive", "del(.softmax)"),
      ("adaptive", ".tied_embeddings = true"), ("class", ".classes[0] = 10"),
      ("class", ".classes = .classes[1:]"),
      ("class", ".classes[0] = -1"), ("class", "del(.classes)"), ("class", ".softmax = \"adaptive\""),
      ("class", ".classes = [range(760)]"),
    ] {
      let outcome = try Executable.shell(
        "jq 'del(.header_crc32) | .configuration |= (\(edit))' \(file).json > e.json && lmctl eval e.json test.txt",
        in: folder)
      #expect(
        outcome.status == 1 && outcome.error.hasPrefix("lmctl: e.json: damaged: "),
        "\(edit): \(outcome.status) \(outcome.error)")
    }
  }
}
