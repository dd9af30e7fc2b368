import Foundation
import TestSupport
import Testing

/// `lmctl eval` of models that adapt to the text: dynamic evaluation, the neural cache, documents, and what is chosen.
@Suite("Adapting to a text")
struct AdaptationTests {
  /// Prose, of which the model is trained on one part; and an n-gram model.
  private func folder(_ options: String = "--keep-statistics") throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("head -30 test.txt > valid.txt; tail -30 test.txt > rest.txt", folder)
    try run(
      "lmctl train --model lstm --hidden 12 --epochs 2 --batch 4 --bptt 10 --quiet train.txt \(options) -o n.json",
      folder)
    try run("lmctl train --model ngram --order 3 --quiet train.txt -o a.json", folder)
    return folder
  }

  private func perplexity(_ line: String, _ folder: TemporaryFolder) throws -> Double {
    try number("lmctl eval --perplexity -q \(line)", folder)
  }

  @Test("A text that changes its habits becomes likelier, and the result says how")
  func habits() throws {
    let folder = try folder()
    // The same few sentences, which the model has not learnt, again and again.
    try run(
      "cat valid.txt > habits.txt; for i in $(seq 30); do head -5 rest.txt; done >> habits.txt", folder)
    let plain = try perplexity("n.json habits.txt", folder)
    #expect(try perplexity("n.json habits.txt --dynamic", folder) < 0.9 * plain)
    #expect(try perplexity("n.json habits.txt --neural-cache 200", folder) < 0.9 * plain)
    #expect(
      try perplexity("n.json habits.txt --dynamic --neural-cache 200 --cache 100", folder) < 0.8 * plain)
    let table = try run(
      "lmctl eval n.json rest.txt --dynamic --dynamic-rate 3e-5 --neural-cache 50 --neural-cache-weight 0.25",
      folder)
    #expect(table.contains("dynamic, rate 3e-05, decay "))
    #expect(table.contains("neural cache of 50, share 0.25, flatness "))
    let members = try run(
      "lmctl eval n.json rest.txt --dynamic --dynamic-segment 7 --dynamic-decay 0.5 --neural-cache 50 --json"
        + " | jq -c '[.dynamic.segment, .dynamic.decay, .neural_cache.size]'", folder)
    #expect(members == "[7,0.5,50]\n")
    // What moves nothing is plain evaluation, to the digit.
    for still in ["--dynamic --dynamic-rate 0", "--neural-cache 9 --neural-cache-weight 0"] {
      #expect(try perplexity("n.json habits.txt \(still)", folder) == plain)
    }
    // Also where each sentence begins anew.
    let sentences = try perplexity("n.json habits.txt --context sentence", folder)
    #expect(
      try perplexity("n.json habits.txt --context sentence --dynamic --neural-cache 200", folder)
        < 0.9 * sentences)
  }

  @Test("Lines, files and documents")
  func parts() throws {
    let folder = try folder()
    let adapted = "--dynamic --neural-cache 50 --cache 40"
    let alone = try perplexity("n.json rest.txt \(adapted)", folder)
    try run("(cat rest.txt; echo '= ='; cat rest.txt; echo '= ='; cat rest.txt) > documents.txt", folder)
    let documents = try perplexity("n.json documents.txt --document-separator '= =' \(adapted)", folder)
    #expect(abs(documents - alone) < 1e-4 * alone)
    #expect(try perplexity("n.json rest.txt rest.txt rest.txt \(adapted)", folder) < alone)
    // Each file by itself, and the weights are found again by the next.
    let files = try run(
      "lmctl eval n.json rest.txt rest.txt --per file \(adapted) | head -2 | cut -f 6", folder)
    let values = files.split(separator: "\n").compactMap { Double($0) }
    #expect(values.count == 2 && values.allSatisfy { abs($0 - alone) < 1e-4 * alone })
    // Lines and tokens sum to the whole.
    for (detail, sum) in [
      ("sentence", "{s += $3; n += $1}"), ("token", "{for (i = 2; i <= NF; i += 3) {s += $i; n++}}"),
    ] {
      let found = try number(
        "lmctl eval n.json rest.txt --per \(detail) \(adapted) | awk -F '\t' '\(sum) END {print exp(-s / n)}'",
        folder)
      #expect(abs(found - alone) < 1e-3 * alone, "\(detail)")
    }
    // Of n-grams, too: documents begin with an empty cache and context.
    let ngrams = try perplexity("a.json documents.txt --document-separator '= =' --cache 40", folder)
    #expect(abs(ngrams - (try perplexity("a.json rest.txt --cache 40", folder))) < 1e-4 * ngrams)
  }

  @Test("Constants are chosen by a held-out text, and what is given stays")
  func tuning() throws {
    let folder = try folder()
    for options in ["--dynamic", "--neural-cache 100", "--dynamic --neural-cache 100 --cache 50"] {
      let before = try perplexity("n.json valid.txt \(options)", folder)
      #expect(
        try perplexity("n.json valid.txt \(options) --tune valid.txt", folder) < before * 1.0001, "\(options)"
      )
    }
    let line = "lmctl eval n.json rest.txt --dynamic --dynamic-rate 5e-5 --neural-cache 100"
    let chosen = try Executable.shell(
      "\(line) --tune valid.txt --json | jq -c '[.dynamic, .neural_cache]'", in: folder)
    #expect(chosen.status == 0 && chosen.error.contains("on valid.txt, the best is dynamic, rate 5e-05"))
    #expect(chosen.output.contains(#""rate":5E-05"#) || chosen.output.contains(#""rate":5e-05"#))
    // The text may come through a pipe, which is read more than once.
    try run(
      "lmctl train --model gru --hidden 8 --epochs 1 --batch 4 --bptt 10 --quiet train.txt -o p.json", folder)
    let all = "--dynamic --neural-cache 100 --cache 50 --json -q"
    let select = "jq -c '.[] | [.perplexity, .dynamic, .neural_cache, .cache_weight]'"
    #expect(
      try run("lmctl eval p.json n.json rest.txt \(all) --tune valid.txt | \(select)", folder)
        == run("cat valid.txt | lmctl eval p.json n.json rest.txt \(all) --tune - | \(select)", folder))
    // Of several models, each has its own constants.
    let table = try run("lmctl eval p.json n.json rest.txt --dynamic --tune valid.txt -q", folder)
    #expect(table.contains("p.json: dynamic, rate ") && table.contains("n.json: dynamic, rate "))
    // Lines between documents are no words of the held-out text.
    try run("(cat valid.txt; echo '= ='; echo) > v.txt", folder)
    let separated = "n.json rest.txt --document-separator '= =' --dynamic --neural-cache 100"
    #expect(
      try perplexity("\(separated) --tune v.txt", folder)
        == perplexity("\(separated) --tune valid.txt", folder)
    )
  }

  @Test("A mixture's networks adapt, and its weights are chosen anew")
  func mixture() throws {
    let folder = try folder()
    try run("lmctl mix a.json n.json --tune valid.txt -q -o mix.json", folder)
    let plain = try perplexity("mix.json valid.txt", folder)
    let adapted = try run(
      "lmctl eval mix.json valid.txt --dynamic --neural-cache 100 --tune valid.txt --json 2> notes | jq .perplexity",
      folder)
    #expect(try #require(Double(adapted.trimmingCharacters(in: .whitespacesAndNewlines))) < plain)
    #expect(try run("cat notes", folder).contains("the best weights are "))
    #expect(
      try perplexity("mix.json rest.txt --dynamic --dynamic-rate 0", folder)
        == perplexity("mix.json rest.txt", folder))
  }

  @Test("Statistics of gradients are kept in a model, which stays the model it is")
  func statistics() throws {
    let folder = try folder()
    try run(
      "lmctl train --model lstm --hidden 12 --epochs 2 --batch 4 --bptt 10 --quiet train.txt -o p.json",
      folder)
    #expect(try perplexity("n.json rest.txt", folder) == perplexity("p.json rest.txt", folder))
    let kept = try perplexity("n.json rest.txt --dynamic", folder)
    #expect(try perplexity("p.json rest.txt --dynamic --statistics train.txt", folder) == kept)
    #expect(try perplexity("p.json rest.txt --dynamic", folder) != kept)
    let note = try Executable.shell("lmctl eval p.json rest.txt --dynamic --perplexity", in: folder)
    #expect(note.status == 0 && note.error.contains("train --keep-statistics stores them"))
    // Whoever reads checkpoints copes with them.
    try run("lmctl inspect --check n.json", folder)
    try run("lmctl convert n.json again.json.gz -q", folder)
    #expect(try perplexity("again.json.gz rest.txt --dynamic", folder) == kept)
    try run("lmctl train --init-from n.json --epochs 1 --quiet train.txt -o more.json", folder)
    #expect(try run("lmctl inspect more.json", folder).contains("gradient") == false)
    let other = "lmctl train --model gru --hidden 8 --batch 4 --bptt 10 --quiet --keep-statistics"
    try run("\(other) --epochs 1 train.txt --keep-optimizer -o k.json", folder)
    try run("lmctl train --resume k.json --epochs 2 --quiet -o longer.json", folder)
    #expect(
      try perplexity("longer.json rest.txt --dynamic", folder) < perplexity("longer.json rest.txt", folder))
  }

  @Test("Mistakes get a sentence")
  func mistakes() throws {
    let folder = try folder()
    for mistake in [
      Mistake("lmctl eval a.json rest.txt --dynamic", 1, "a.json: has no network, which --dynamic adapts"),
      Mistake("lmctl eval a.json rest.txt --neural-cache 5", 1, "which --neural-cache adapts"),
      Mistake("lmctl eval n.json rest.txt --dynamic-rate 1", 2, "--dynamic-rate goes with --dynamic"),
      Mistake("lmctl eval n.json rest.txt --statistics train.txt", 2, "goes with --dynamic"),
      Mistake("lmctl eval n.json rest.txt --dynamic --dynamic-decay 2", 2, "from 0 to 1"),
      Mistake("lmctl eval n.json rest.txt --dynamic --dynamic-segment 0", 2, "1 to 10000"),
      Mistake("lmctl eval n.json rest.txt --neural-cache 5 --neural-cache-weight 1", 2, "below 1"),
      Mistake("lmctl eval n.json rest.txt --neural-cache-weight 0.5", 2, "--neural-cache 500"),
      Mistake("lmctl eval n.json rest.txt --tune valid.txt", 2, "--dynamic"),
      Mistake("lmctl eval n.json rest.txt --dynamic --tune none.txt", 1, "none.txt: no such file"),
      Mistake("lmctl eval n.json rest.txt --dynamic --statistics none.txt", 1, "none.txt: no such file"),
      Mistake(
        "lmctl eval n.json rest.txt --dynamic --accuracy all", 2, "--accuracy does not go with --dynamic"),
      Mistake("lmctl eval n.json --dynamic --statistics - < train.txt", 2, "only once"),
      Mistake("lmctl eval n.json --pairs p.tsv --dynamic", 2, "--pairs"),
    ] {
      try expect(mistake, in: folder, afterRemarks: true)
    }
    // Steps that are far too large are no result without a word.
    let outcome = try Executable.shell("lmctl eval n.json rest.txt --dynamic --dynamic-rate 1000", in: folder)
    #expect(outcome.output.contains("the weights that follow the text ran away"))
  }
}
