import Foundation
import TestSupport
import Testing

@Suite("Formats of n-grams")
struct FormatTests {
  private func folder() throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --min-count 1 --quiet train.txt -o m.json", folder)
    return folder
  }

  @Test("ARPA files are written, read, compressed and piped")
  func arpa() throws {
    let folder = try folder()
    try run("lmctl convert m.json m.arpa && lmctl convert m.arpa back.json", folder)
    let perplexity = try run("lmctl eval --perplexity m.json test.txt", folder).prefix(8)
    for model in ["m.arpa", "back.json"] {
      #expect(try run("lmctl eval --perplexity \(model) test.txt", folder).hasPrefix(perplexity))
    }
    try run(
      "lmctl train --model ngram --min-count 1 --quiet train.txt -o direct.arpa && cmp direct.arpa m.arpa",
      folder)
    for (name, program) in [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz"), ("zst", "zstd")] {
      try run("lmctl convert m.json x.arpa.\(name) && \(program) -dc x.arpa.\(name) | cmp - m.arpa", folder)
      #expect(try run("lmctl eval --perplexity x.arpa.\(name) test.txt", folder).hasPrefix(perplexity))
    }
    try run("lmctl convert - - --to arpa < m.json | cmp - m.arpa", folder)
    try run("lmctl convert m.json - --to arpa | head -4 | grep -q data", folder)
    try run("lmctl convert m.json m.json.gz && gzip -dc m.json.gz | cmp - m.json", folder)
    #expect(
      try run("lmctl sample m.arpa --seed 1 --quiet", folder)
        == run("lmctl sample m.json --seed 1 --quiet", folder))
    #expect(try run("lmctl inspect m.arpa --json | jq -r .configuration.smoothing", folder) == "unknown\n")
    #expect(folder.contents.allSatisfy { !$0.contains(".tmp-") })
  }

  @Test(
    "Counts of parts add up to those of the whole, and give its model", arguments: ["word", "char", "byte"])
  func counts(unit: String) throws {
    let folder = try folder()
    let options = "--unit \(unit)"
    try run("split -n l/4 train.txt part. && lmctl count \(options) train.txt --quiet > whole", folder)
    try run("for p in aa ab ac ad; do lmctl count \(options) part.$p --quiet -o $p.gz; done", folder)
    try run("lmctl count --merge aa.gz ab.gz ac.gz ad.gz --quiet | cmp - whole", folder)
    try run("LC_ALL=C sort -c whole", folder)
    let train = "lmctl train --model ngram --order 3 \(options) --quiet"
    try run("\(train) train.txt -o text.json && \(train) --counts whole -o counts.json", folder)
    for part in [".tensors", ".configuration", ".vocabulary", ".training.tokens", ".training.unknown"] {
      #expect(
        try run("jq -S '\(part)' text.json | sha256sum", folder)
          == run("jq -S '\(part)' counts.json | sha256sum", folder),
        "\(part)")
    }
  }

  @Test("Little memory gives the same counts and the same model, and leaves nothing behind")
  func memory() throws {
    let folder = try folder()
    // Some hundred thousand tokens, which 22 MB cannot count at a time.
    try run("mkdir t; for i in $(seq 40); do sed \"s/e /$((i % 7)) /\" train.txt; done > large.txt", folder)
    try run("lmctl count --order 4 large.txt --quiet > whole", folder)
    try run("lmctl count --order 4 --memory 22M --temp t large.txt --quiet | cmp - whole", folder)
    for options in [
      "--order 4 --prune 0,0,1 --valid test.txt -o m.json", "--order 5 --unit char -o m.arpa",
      "--order 3 --smoothing jelinek-mercer --tune test.txt -o m.json", "--order 3 --quantize 8 -o m.json",
      "--order 3 --holdout 0.1 -o m.json", "--order 3 --holdout 0.1 --holdout-lines every -o m.json",
      "--order 3 --holdout 0.1 --holdout-lines random --context stream -o m.json",
    ] {
      let train = "rm -f m.*; lmctl train --model ngram \(options) large.txt --quiet"
      #expect(
        try run("\(train) | sed /seconds/d; sha256sum m.*", folder)
          == run("\(train) --memory 22M --temp t | sed /seconds/d; sha256sum m.*", folder), "\(options)")
    }
    let train = "lmctl train --model ngram --order 4 --counts whole --quiet"
    try run("\(train) -o a.json && \(train) --memory 22M --temp t -o b.json && cmp a.json b.json", folder)
    #expect(try run("ls t", folder) == "")
  }

  @Test("What cannot be done is said")
  func errors() throws {
    let folder = try folder()
    let counts = "</s>=2 <s>=2 <s>_a=1 <s>_a_</s>=1 <s>_b=1 <s>_b_</s>=1 a=1 b=1 b_</s>=1"
    try folder.write(
      "gaps", text: counts.map { ["=": "\t", " ": "\n", "_": " "][$0] ?? "\($0)" }.joined() + "\n")
    try folder.write("two", text: "a\nb\n")
    try run("lmctl train --model rnn --epochs 1 --hidden 8 --embed 8 --quiet test.txt -o r.json", folder)
    for (line, status, message) in [
      ("convert m.json", 2, "convert takes two files"),
      ("convert m.json m.bin", 2, "'m.bin' does not say which format to write; add --to arpa or --to json"),
      ("convert r.json r.arpa", 1, "r.json: holds a model of kind 'rnn', and ARPA files are for n-grams"),
      ("convert m.json m.json", 1, "m.json: is read as well; name another file for the output"),
      ("convert m.json x.arpa --tensors decimal", 2, "--tensors goes with --to json"),
      ("train --model rnn test.txt -o r.arpa", 2, "--output names an ARPA file, which is for n-grams"),
      ("train --model ngram --counts c test.txt", 2, "'test.txt' and --counts exclude each other"),
      ("train --model rnn --counts c", 2, "--counts does not go with --model rnn; it goes with ngram"),
      ("train --model ngram --counts none", 1, "none: no such file"),
      ("train --model ngram --counts test.txt", 1, "test.txt:1: no tab between an n-gram and its count"),
      ("count --memory 1M test.txt", 2, "--memory takes a size from 20.0 MB, such as 500M or 2G, not '1M'"),
      (
        "count --memory 50M --temp none test.txt", 1,
        "none: no such folder; name one for temporary files with --temp"
      ),
      ("count --temp . test.txt", 2, "--temp goes with --memory"),
      (
        "train --model ngram --min-count 1 --counts gaps", 1,
        "gaps: has the n-gram '<s> a </s>', but not 'a </s>'; these cannot be all the counts of a text"
      ),
      (
        "train --model ngram --min-count 1 --counts gaps --memory 22M", 1,
        "gaps: has an n-gram of order 3, but not the one of its last 2 words; these cannot be all the counts"
      ),
      (
        "train --model ngram --counts whole --holdout 0.1", 2,
        "--counts and --holdout exclude each other: counts have no sentences"
      ),
      ("train --model ngram --memory 50M --holdout 0.1 --valid test.txt test.txt", 2, "exclude each other"),
      ("train --model ngram --memory 50M --holdout 0.9 two", 1, "--holdout 0.9: leaves nothing to train on"),
      ("train --model ngram --holdout 0.9 two", 1, "leaves nothing to train on of a text of 2 sentences"),
      ("count --merge", 2, "no files of counts; name those to be added up"),
      ("count --merge --order 3 a", 2, "--order does not go with --merge"),
    ] {
      let outcome = try Executable.run(line.split(separator: " ").map(String.init), in: folder)
      #expect(outcome.status == Int32(status) && outcome.error.contains(message), "\(line): \(outcome.error)")
    }
  }
}
