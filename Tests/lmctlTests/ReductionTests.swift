import Foundation
import TestSupport
import Testing

/// Models made smaller after their training.
@Suite("Smaller models")
struct ReductionTests {
  @Test(
    "A finished model is pruned and quantized to the bytes that training makes, and the remarks are the same",
    arguments: [
      "--prune-entropy 1e-5", "--prune-to 3000", "--quantize 4", "--prune-entropy 1e-5 --quantize 8",
    ])
  func sameAsTraining(options: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram train.txt -o whole.json --quiet", folder)
    let trained = try Executable.shell(
      "lmctl train --model ngram train.txt \(options) --valid test.txt -o t.json", in: folder)
    let converted = try Executable.shell(
      "lmctl convert whole.json c.json \(options) --valid test.txt", in: folder)
    #expect(trained.status == 0 && converted.status == 0)
    try run("cmp t.json c.json", folder)
    #expect(converted.output == "" && converted.error.contains("perplexity on the held-out text"))
    for remark in converted.error.split(separator: "\n") { #expect(trained.error.contains(remark)) }
    // By way of ARPA, whose numbers have eight digits, the n-grams are the same ones.
    try run(
      "lmctl convert whole.json w.arpa; lmctl convert w.arpa c.arpa --quiet \(options); lmctl convert t.json t.arpa",
      folder)
    try run("diff <(awk -F'\\t' '{print $2}' t.arpa) <(awk -F'\\t' '{print $2}' c.arpa)", folder)
    let (a, b) = (
      try number("lmctl eval --perplexity t.arpa test.txt", folder),
      try number("lmctl eval --perplexity c.arpa test.txt", folder)
    )
    #expect(abs(a - b) < (options.contains("quantize") ? 0.05 : 1e-3))
  }

  @Test("Entropy pruning of a file of another program: Stolcke's formula by hand")
  func stolcke() throws {
    let folder = try TemporaryFolder()
    // p(a) = 0.5, p(b) = 0.3, p(</s>) = 0.2; after a: p(a) = 0.2, p(b) = 0.6, and the rest, </s>, has b(a)·0.2 = 0.2, so b(a) = 1.
    // Without 'a b', b′ = (1 − 0.2) / (1 − 0.5) = 1.6, so D = 0.5·[0.6 ln(0.6 / 0.48) + 0.2 ln(0.2 / 0.32)] = 0.019942, e^D − 1 = 0.020142.
    // Without 'a a', b′ = 0.4 / 0.7 = 0.571429, so D = 0.5·[0.2 ln(0.2 / 0.285714) + 0.2 ln(0.2 / 0.114286)] = 0.020294, e^D − 1 = 0.020502.
    try folder.write(
      "m.arpa",
      text: """
        \\data\\
        ngram 1=4
        ngram 2=2

        \\1-grams:
        -99\t<s>\t0
        -0.69897\t</s>
        -0.30103\ta\t0
        -0.522879\tb\t0

        \\2-grams:
        -0.69897\ta a
        -0.221849\ta b

        \\end\\

        """)
    func bigrams(_ threshold: String) throws -> String {
      try run(
        "lmctl convert m.arpa - --to arpa --quiet --prune-entropy \(threshold) | grep -P '\\ta [ab]' | cut -f2",
        folder)
    }
    #expect(try bigrams("0.02012") == "a a\na b\n")
    #expect(try bigrams("0.02016") == "a a\n")
    #expect(try bigrams("0.02048") == "a a\n")
    #expect(try bigrams("0.02053") == "")
    // The new back-off weight of a: log10 1.6.
    let weight = try run(
      "lmctl convert m.arpa - --to arpa --quiet --prune-entropy 0.0203 | grep -P '\\ta\\t' | cut -f3", folder)
    #expect(abs(try #require(Double(weight.dropLast())) - log10(1.6)) < 1e-5)
  }

  @Test(
    "A rounded model that is pruned stays rounded; zeros of other programs cost nothing and break nothing")
  func strangeModels() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --quantize 8 train.txt -o q.json --quiet", folder)
    try run("lmctl convert q.json p.json --prune-to 2000 --quiet", folder)
    #expect(
      try run(
        "lmctl inspect --json p.json | jq -c '[.configuration.quantize, (.configuration.ngrams | add)]'",
        folder) == "[8,2000]\n")
    let (exact, rounded) = (
      try number(
        "lmctl train --model ngram train.txt -o e.json --quiet --prune-to 2000; lmctl eval --perplexity e.json test.txt",
        folder),
      try number("lmctl eval --perplexity p.json test.txt", folder)
    )
    #expect(abs(rounded / exact - 1) < 0.01)
    try folder.write(
      "odd.arpa",
      text:
        "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-99\t<s>\t0\n-99\t<unk>\n0\t</s>\n-99\ta\t0\n\n\\2-grams:\n"
        + "-0.3\t<s> a\n-0.3\t<s> </s>\n\n\\end\\\n")
    for options in ["--prune-to 5", "--prune-entropy 0.1"] {
      let output = try run("lmctl convert odd.arpa - --to arpa --quiet \(options)", folder)
      // 'a' has a probability by its bigram only.
      #expect(output.contains("-0.3\t<s> a\n") && !output.contains("nan") && !output.contains("inf"))
      try folder.write("o.arpa", text: output)
      try run("lmctl inspect --quiet o.arpa > /dev/null", folder)
    }
  }

  @Test(
    "A model cut to some words keeps their probabilities, sums to one, and gives <unk> the rest",
    arguments: ["json", "arpa"])
  func vocabulary(format: String) throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model ngram train.txt -o w.json --quiet; lmctl convert w.json whole.\(format) --force",
      folder)
    // Every second word, and one that the model does not have.
    try run("{ jq -r '.vocabulary[]' w.json | awk 'NR % 2 == 0'; echo xyzzy; } > words.txt", folder)
    let outcome = try Executable.shell("lmctl convert whole.\(format) cut.json --vocab words.txt", in: folder)
    #expect(
      outcome.status == 0 && outcome.error.contains("lmctl: kept 238 of 474 tokens, "), "\(outcome.error)")
    #expect(outcome.error.contains("; 1 of the list are not in the model\n"))
    #expect(try run("jq '.vocabulary | length' cut.json", folder) == "238\n")
    try run("lmctl convert cut.json cut.arpa; lmctl convert w.json w.arpa", folder)
    let check = try run("lmctl inspect --check cut.json", folder)
    #expect(!check.contains("not"), "\(check)")
    // N-grams are those of the whole model whose words are all in the list, with their probabilities; <unk> has that of single words that went.
    let sums = try run(
      """
      awk -F'\\t' 'NR == FNR { known[$1]; next } FNR == 1 { known["<s>"]; known["</s>"]; known["<unk>"] }
        NF > 1 { n = split($2, w, " "); for (i = 1; i <= n; i++) if (!(w[i] in known)) { if (n == 1) lost += 10 ^ $1; next }
          if ($2 == "<unk>") { lost += 10 ^ $1; next } print $1 "\\t" $2 }
        END { printf "%.5f\\n", lost > "lost" }' words.txt w.arpa | sort > expected
      awk -F'\\t' 'NF > 1 { if ($2 == "<unk>") printf "%.5f\\n", 10 ^ $1 > "unknown"; else print $1 "\\t" $2 }' cut.arpa | sort > found
      wc -l < found; cmp lost unknown; join -t "$(printf '\\t')" -1 2 -2 2 <(sort -t "$(printf '\\t')" -k2 expected) <(sort -t "$(printf '\\t')" -k2 found) |
        awk -F'\\t' '($2 - $3) ^ 2 < 1e-10' | wc -l; wc -l < expected
      """, folder
    ).split(separator: "\n")
    #expect(sums.count == 3 && Set(sums).count == 1, "\(sums)")
    // A rounded model stays rounded; what comes behind is of the smaller one.
    try run(
      "lmctl convert w.json q.json --quantize 8 --quiet; lmctl convert q.json qc.json --vocab words.txt --prune-to 500 --valid test.txt --quiet",
      folder)
    #expect(
      try run("jq -c '.configuration | [.quantize, (.ngrams | add), .restricted_from]' qc.json", folder)
        == "[8,500,474]\n")
  }

  @Test(
    "What a finished model cannot do is refused",
    arguments: [
      Mistake("lmctl convert model.json o.json --prune 0,0,1", 2, "needs the counts of the n-grams"),
      Mistake("lmctl convert model.json o.json --min-count=2", 2, "needs the counts of the n-grams"),
      Mistake("lmctl convert model.json o.json --valid good.txt", 2, "goes with --prune-entropy"),
      Mistake("lmctl convert model.json o.json --quantize 9", 2, "from 2 to 8"),
      Mistake(
        "echo zzz > l; lmctl convert model.json o.json --vocab l", 1, "l: names no token of model.json"),
      Mistake(
        "lmctl convert model.json o.json --vocab model.json", 1, "is a model of lmctl, not a list of tokens"),
      Mistake("lmctl convert model.json o.json --prune-to 3", 1, "give at least"),
      Mistake("lmctl convert model.json o.json --prune-to 30 --prune-entropy 1e-5", 2, "exclude each other"),
      Mistake("lmctl convert - o.json --prune-to 30 --valid - < model.json", 2, "only once"),
      Mistake(
        "lmctl convert model.json o.json --quantize 8 --valid empty.txt", 1, "empty.txt: the text is empty"),
      Mistake(
        "lmctl train --model rnn --epochs 1 good.txt --quiet -o r.json; lmctl convert r.json o.json --quantize 8",
        1,
        "n-gram models only"),
      Mistake(
        "lmctl train --model ngram --smoothing stupid-backoff good.txt --quiet -o s.json; lmctl convert s.json o.json --prune-to 30",
        1, "neither entropy nor perplexity"),
    ])
  func refused(mistake: Mistake) throws {
    let folder = try badInputFolder()
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status && outcome.error.contains(mistake.message), "\(outcome.error)")
    #expect(!folder.contents.contains("o.json"))
  }
}
