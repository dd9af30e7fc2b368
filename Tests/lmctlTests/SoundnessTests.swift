import Foundation
import TestSupport
import Testing

/// Training that goes wrong, and models that are held against themselves.
@Suite("Soundness")
struct SoundnessTests {
  // MARK: Divergence and checks

  @Test("Training that diverged does not end well")
  func divergence() throws {
    let folder = try fixtureFolder()
    for (options, advice) in [
      ("--model rnn --hidden 8 --optimizer adam --lr 100 --epochs 2", "try a lower --lr, such as 0.001"),
      ("--model rnn --hidden 8 --optimizer adam --lr 100 --epochs 60", "try a lower --lr, such as 0.001"),
      ("--model rnn --optimizer sgd --lr 500 --clip 0", "and clip gradients (--clip 1)"),
    ] {
      let outcome = try Executable.shell("lmctl train \(options) --quiet corp.txt -o m.json", in: folder)
      #expect(outcome.status == 1, "\(options)")
      #expect(
        outcome.error.contains(advice) && !outcome.error.contains("or a lower --clip"), "\(outcome.error)")
      #expect(!folder.contents.contains("m.json"))
    }
    for options in ["--model gru --lr 1 --max-steps 5", "--model nnlm --lr 1 --max-steps 6"] {
      let line = "lmctl train \(options) --hidden 8 --schedule constant --quiet corp.txt -o m.json"
      #expect(try Executable.shell(line, in: folder).status == 1, "\(options)")
    }
    // Few steps at a usual rate, and a little text with much dropout, are no divergence.
    for steps in [1, 2, 5] {
      try run("lmctl train --model lstm --hidden 8 --max-steps \(steps) --quiet corp.txt -o m.json", folder)
    }
    try folder.write("cat", text: "the cat sat\n")
    try run(
      "lmctl train --model rnn --hidden 8 --min-count 1 --dropout 0.9 --epochs 40 cat --quiet -o m.json",
      folder)
  }

  @Test("Models can be checked", arguments: Kinds.networks)
  func check(kind: String) throws {
    let folder = try fixtureFolder()
    try run("lmctl train --model \(kind) --hidden 8 --embed 8 --epochs 1 --quiet corp.txt -o m.json", folder)
    let report = try run("lmctl inspect --check m.json", folder)
    for line in [
      "seen ", "partly seen ", "unseen ", "embedding ", "output.weights ", "all is as it should be",
    ] {
      #expect(report.contains(line), "\(line)")
    }
    #expect(
      try run("lmctl inspect --check --json m.json | jq -c '[.fault, (.gradients | all(.right))]'", folder)
        == "[null,true]\n")
  }

  @Test("A model whose numbers were changed fails the check")
  func checkFails() throws {
    let folder = try fixtureFolder()
    try run(
      "lmctl train --model ngram --tensors decimal --quiet corp.txt -o m.json; lmctl inspect --check m.json",
      folder)
    // A likely word becomes likelier than all together may be.
    try run(
      "jq -c '(.tensors[] | select(.name == \"log_probabilities\")) |= (.data[1] = -0.1 | del(.crc32))' m.json > n.json",
      folder)
    let outcome = try Executable.shell("lmctl inspect --check n.json", in: folder)
    #expect(outcome.status == 1 && outcome.error.contains("do not sum to one"), "\(outcome.error)")
  }
}
