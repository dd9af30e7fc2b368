import Foundation
import TestSupport
import Testing

/// `lmctl mix`, and what it writes.
@Suite("Mixing")
struct MixTests {
  /// Prose, two n-gram models of different vocabularies, and a network.
  private func folder() throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("head -20 test.txt > valid.txt; tail -22 test.txt > rest.txt", folder)
    try run("lmctl train --model ngram --order 3 --quiet train.txt -o a.json", folder)
    try run("lmctl train --model ngram --order 2 --min-count 4 --quiet train.txt -o b.json", folder)
    try run(
      "lmctl train --model lstm --hidden 12 --epochs 1 --batch 4 --bptt 10 --quiet train.txt -o n.json",
      folder)
    return folder
  }

  @Test("A mixture is better than its members, and every command takes it")
  func mixture() throws {
    let folder = try folder()
    let table = try run("lmctl mix a.json n.json b.json --tune valid.txt -o mix.json --quiet", folder)
    #expect(table.contains("mixture"))
    // On the text that the weights were chosen by, the mixture is at least as good as each member, by the numbers of eval.
    let numbers = try run(
      "lmctl mix a.json n.json b.json --tune valid.txt --json --quiet | jq '.perplexity, .models[].perplexity'",
      folder
    ).split(separator: "\n").compactMap { Double($0) }
    #expect(numbers.count == 4 && numbers.dropFirst().allSatisfy { $0 > numbers[0] - 1e-3 })
    #expect(abs(try number("lmctl eval --perplexity mix.json valid.txt", folder) - numbers[0]) < 1e-3)
    #expect(try run("lmctl inspect --json mix.json | jq -r .model", folder) == "mixture\n")
    try run("lmctl inspect --check mix.json", folder)
    #expect(try run("lmctl sample mix.json --count 3 --seed 1", folder).split(separator: "\n").count == 3)
    // A mixture in a mixture, compressed.
    try run("lmctl mix mix.json b.json --weights 0.75,0.25 -o outer.json.gz --quiet", folder)
    try run("lmctl inspect --check outer.json.gz", folder)
    try run("lmctl mix outer.json.gz --weights 1 --quiet -o again.json", folder)
    #expect(
      abs(
        try number("lmctl eval --perplexity outer.json.gz rest.txt", folder)
          - number("lmctl eval --perplexity again.json rest.txt", folder)) < 1e-3)
    // The sum over lines is that of the text.
    let sum = try number(
      "lmctl eval mix.json rest.txt --per sentence --context sentence | awk '{s += $3; n += $1} END {print exp(-s / n)}'",
      folder)
    let whole = try number("lmctl eval mix.json rest.txt --perplexity --context sentence", folder)
    #expect(abs(sum - whole) < 1e-3 * whole)
  }

  @Test("Weights by the length of context are at least as good where they are chosen")
  func byOrder() throws {
    let folder = try folder()
    let plain = try number("lmctl mix n.json a.json --tune valid.txt --json -q | jq .perplexity", folder)
    let table = try run("lmctl mix n.json a.json --tune valid.txt --by-order -o mix.json -q", folder)
    #expect(table.contains("weight 2"))
    #expect(try number("lmctl eval mix.json valid.txt --perplexity", folder) <= plain + 1e-3)
    try run("lmctl inspect --check mix.json", folder)
  }

  @Test("A static mixture is an n-gram model in both formats, and the same in both")
  func staticMixture() throws {
    let folder = try folder()
    try run("lmctl mix a.json b.json --tune valid.txt --static -o ab.json -q", folder)
    try run("lmctl mix a.json b.json --tune valid.txt --static -o ab.arpa -q", folder)
    let (json, arpa) = (
      try number("lmctl eval ab.json rest.txt --perplexity -q", folder),
      try number("lmctl eval ab.arpa rest.txt --perplexity -q", folder)
    )
    #expect(abs(json - arpa) < 1e-3)
    try run("lmctl inspect --check ab.arpa", folder)
    // Of one model, it is that model.
    try run("lmctl mix a.json --weights 1 --static -o a2.json -q", folder)
    #expect(
      abs(
        try number("lmctl eval a2.json rest.txt --perplexity -q", folder)
          - number("lmctl eval a.json rest.txt --perplexity", folder)) < 1e-2)
  }

  @Test("Mistakes get a sentence")
  func mistakes() throws {
    let folder = try folder()
    try run("lmctl train --model ngram --unit char --quiet train.txt -o chars.json", folder)
    try run("lmctl train --model ngram --smoothing stupid-backoff --quiet train.txt -o scores.json", folder)
    try run("lmctl train --model ngram --context stream --quiet train.txt -o stream.json", folder)
    try run("lmctl mix a.json b.json --weights 1,1 --quiet -o ab.json", folder)
    for mistake in [
      Mistake("lmctl mix a.json stream.json --weights 1,1 --static -o x.json", 1, "mixes models of the same"),
      Mistake("lmctl eval ab.json --context stream valid.txt", 2, "no effect on ab.json"),
      Mistake("lmctl mix", 2, "no model"),
      Mistake("lmctl mix a.json b.json", 2, "--tune valid.txt chooses weights"),
      Mistake("lmctl mix a.json b.json --weights 1", 2, "--weights has 1 for 2 models"),
      Mistake("lmctl mix a.json b.json --weights 0,0", 2, "not all of them 0"),
      Mistake("lmctl mix a.json b.json --weights 1,1 --tune valid.txt", 2, "--weights"),
      Mistake("lmctl mix a.json chars.json --tune valid.txt", 1, "reads text by other rules than a.json"),
      Mistake("lmctl mix a.json scores.json --tune valid.txt", 1, "scores that do not sum to one"),
      Mistake("lmctl mix a.json valid.txt", 2, "--tune"),
      Mistake("lmctl mix a.json valid.txt --tune valid.txt", 1, "is a text"),
      Mistake("lmctl mix a.json n.json --weights 1,1 --static -o x.json", 1, "mixes n-gram models only"),
      Mistake("lmctl mix a.json b.json --weights 1,1 -o x.arpa", 2, "--static"),
      Mistake("lmctl mix n.json n.json --tune valid.txt --by-order", 2, "needs an n-gram model"),
      Mistake("lmctl mix a.json b.json --weights 1,1 -o a.json", 1, "a.json"),
      Mistake("lmctl mix a.json b.json --weights 1,1 -o valid.txt", 1, "is not a model"),
      Mistake("lmctl train --resume mix.json", 1, "mix.json"),
    ] {
      try expect(mistake, in: folder, afterRemarks: true)
    }
    try run("lmctl mix a.json b.json --weights 1,1 -o mix.json -q", folder)
    // A damaged mixture is refused, and never a trap.
    try run("jq '.configuration.weights = [[2, -1]]' mix.json > bad.json", folder)
    for line in [
      "lmctl eval bad.json rest.txt", "lmctl train --init-from mix.json train.txt -o y.json",
      "lmctl inspect --gradients mix.json rest.txt", "lmctl neighbors mix.json the",
    ] {
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 1 && outcome.error.contains(".json"), "\(outcome.error)")
    }
  }
}
