import TestSupport
import Testing

/// Settings that were once at odds; `scripts/check-pairs` tries all pairs.
@Suite("Settings together")
struct PairTests {
  private static let small = "--batch 4 --bptt 5 --threads 1 --quiet --max-steps 2 --keep-optimizer"

  @Test(
    "A model is read back, and its run goes on",
    arguments: [
      "lstm --hidden 8 --no-bias", "lstm --hidden 8 --ablate cifg", "gru --hidden 8 --minimal",
      "lstm --hidden 8 --projection 5 --tie", "lstm --hidden 8 --projection 5 --residual",
      "lstm --hidden 8 --projection 5 --highway",
    ])
  func goesOn(options: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model \(options) \(Self.small) train.txt -o m.json", folder)
    try run("lmctl eval --perplexity m.json test.txt", folder)
    try run("lmctl train --resume m.json --max-steps 4 --quiet", folder)
  }

  @Test("What a run recorded gives way to what it follows")
  func follows() throws {
    let folder = try proseFolder()
    try run("lmctl train --model lstm --hidden 8 \(Self.small) train.txt -o m.json", folder)
    func dropout(_ options: String) throws -> String {
      try run(
        "lmctl train --resume m.json --new-data \(options) train.txt --print-config | jq -c '[.dropout, .\"dropout-input\"]'",
        folder)
    }
    #expect(try dropout("") == "[0.2,0.2]\n")
    #expect(try dropout("--dropout 0.5") == "[0.5,0.5]\n")
    #expect(try dropout("--dropout 0.5 --dropout-input 0.25") == "[0.5,0.25]\n")
  }

  @Test(
    "A printed configuration is taken", arguments: ["--init-from m.json", "--output x.arpa --model ngram"])
  func printed(options: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model lstm --hidden 8 \(Self.small) train.txt -o m.json", folder)
    try run("lmctl train \(options) train.txt --print-config > c.json", folder)
    try run("lmctl train --config c.json --print-config | cmp - c.json", folder)
  }

  @Test(
    "A refusal names both",
    arguments: [
      ("--model ngram --init-from m.json", "--init-from does not go with --model ngram"),
      ("--model ngram --new-data", "--new-data does not go with --model ngram"),
      ("--model lstm -o x.arpa", "--output names an ARPA file, which is for n-grams, not for --model lstm"),
      ("--init-from m.json --no-bias", "--no-bias cannot change (it was not given for m.json)"),
      ("--model ngram --closed --max-vocab 4", "use --min-count 1 without --max-vocab"),
    ])
  func names(options: String, message: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model lstm --hidden 8 \(Self.small) train.txt -o m.json", folder)
    let outcome = try Executable.shell("lmctl train \(options) train.txt", in: folder)
    #expect(outcome.status != 0 && outcome.error.contains(message), "\(outcome.error)")
  }
}
