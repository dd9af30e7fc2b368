import Foundation
import TestSupport
import Testing

/// What commands say of their work to programs.
@Suite("JSON of results")
struct JSONOutputTests {
  @Test("train --json: one object, whose held-out part is that of eval --json")
  func train() throws {
    let folder = try proseFolder()
    try run(
      "lmctl train --model ngram train.txt --valid test.txt -o m.json --json -q > t; lmctl eval m.json test.txt --json > e",
      folder)
    #expect(try run("diff <(jq '.held_out | del(.seconds)' t) <(jq 'del(.seconds)' e)", folder) == "")
    #expect(
      try run(
        "jq -c '[.model, .kind, .trained, .text.tokens, .vocabulary_size, .ngrams, .warnings]' t", folder)
        == "[\"m.json\",\"ngram\",true,6324,474,[475,2796,4528],[]]\n")
    #expect(try run("jq -c '.seconds > 0' t; wc -l < t", folder) == "true\n1\n")
    #expect(try run("jq .configuration.ngrams m.json | diff - <(jq .ngrams t)", folder) == "")
    let network = "lmctl train --model gru --hidden 8 --epochs 1 train.txt -o g.json"
    try run("\(network) --json -q > t", folder)
    #expect(
      try run("jq .training.parameters g.json | diff - <(jq .parameters t); jq .held_out t", folder)
        == "null\n")
    // A warning stands there, too.
    try folder.write("small.txt", text: "a <s> b\na b\n")
    try run("lmctl train --model ngram --min-count 1 small.txt -o s.json --json -q > t 2> w", folder)
    #expect(try run("jq -r '.warnings[] | \"lmctl: warning: \" + .' t | diff - w", folder) == "")
    #expect(try run("jq '.warnings | length' t", folder) == "2\n")
    #expect(
      try run("jq -r '.kind, .trained' <(\(network) --auto-resume --json -q)", folder) == "gru\nfalse\n")
  }

  @Test("--json does not go where standard output is taken")
  func taken() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram -q train.txt -o m.json", folder)
    for (line, other) in [
      ("train --model ngram train.txt -o -", "--output -"),
      ("train --model ngram train.txt -o /dev/stdout", "--output /dev/stdout"),
      ("train --model rnn train.txt --log - -o r.json", "--log -"),
      ("convert m.json - --to arpa", "the output -"),
    ] {
      let outcome = try Executable.shell("lmctl \(line) --json", in: folder)
      #expect(outcome.status == 2 && outcome.output == "", "\(line)")
      #expect(outcome.error.hasPrefix("lmctl: --json does not go with \(other): "), "\(outcome.error)")
    }
    // What the environment asks for everywhere is passed over there.
    #expect(try run("LMCTL_JSON=1 lmctl convert m.json - --to arpa | grep -c data", folder) == "1\n")
  }

  @Test(
    "count --json: lines of JSON, which are read as the columns are", arguments: ["word", "char", "byte"])
  func count(unit: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("t.txt", text: "a \"b\\c\" é ▁\nd\u{1}e\ta b\na b\n")
    try run("lmctl count --unit \(unit) t.txt -qo c; lmctl count --unit \(unit) t.txt --json -qo j", folder)
    // What stands before the n-grams says of what text rules they are, where tokens are not plain words.
    let isPlain = unit == "word"
    let lines = "jq -r 'select(.ngram) | [(.ngram | join(\" \")), (.count | tostring)] | join(\"\\t\")' j"
    #expect(try run("\(lines) | diff - <(grep -v ' lmctl text rules' c)", folder) == "")
    #expect(try run("head -1 j | jq -r .text_rules.unit", folder) == (isPlain ? "null\n" : "\(unit)\n"))
    try run("lmctl count --merge j -qo back; cmp back c", folder)
    try run("lmctl count --merge j c -q --json -o jj; lmctl count --merge c c -qo cc", folder)
    try run("lmctl count --merge jj -qo back --force; cmp back cc", folder)
    let train = "lmctl train --model ngram --unit \(unit) --min-count 1 -q"
    for memory in ["", "--memory 20M"] {
      try run("\(train) \(memory) --counts c -o a.json; \(train) \(memory) --counts j -o b.json", folder)
      try run("cmp <(jq -c .tensors a.json) <(jq -c .tensors b.json)", folder)
    }
    // Nobody need say again what the counts say.
    try run("lmctl train --model ngram --min-count 1 -q --counts j -o own.json", folder)
    try run("cmp <(jq -c '.tokenizer, .tensors' a.json) <(jq -c '.tokenizer, .tensors' own.json)", folder)
    if isPlain { return }
    let mixed = try Executable.shell("lmctl count t.txt -qo w; lmctl count --merge w j", in: folder)
    #expect(mixed.status == 1 && mixed.error.hasPrefix("lmctl: j: was counted by other text rules"))
    try run("sed '1s/\(unit)/syllable/' j > future", folder)
    let future = try Executable.shell("lmctl count --merge future", in: folder)
    #expect(
      future.error.hasPrefix("lmctl: future:1: text rules that this lmctl does not know"), "\(future.error)")
    // Known as counts, and no text.
    let text = try Executable.shell("lmctl eval own.json j", in: folder)
    #expect(text.error.contains("is a file of counts, not a text"), "\(text.error)")
  }

  @Test(
    "One sentence says what is wrong with a line",
    arguments: [
      (#"{"ngram":["a b"],"count":1}"#, "c:1: \"ngram\" is an array of tokens"),
      (#"{"ngram":[],"count":1}"#, "c:1: \"ngram\" is an array of tokens"),
      (#"{"ngram":["a",1],"count":1}"#, "c:1: \"ngram\" is an array of tokens"),
      (#"{"ngram":["a"],"count":-1}"#, "c:1: \"count\" is a whole number"),
      (#"{"ngram":["a"],"count":1.5}"#, "c:1: \"count\" is a whole number"),
      (#"{"ngram":["a"],"count":99999999999999999}"#, "c:1: \"count\" is a whole number"),
      (#"{"ngram":["a"],"count":1"#, "c:1: is not valid JSON"),
      (
        "{\"ngram\":[\"b\"],\"count\":1}\n{\"ngram\":[\"a\"],\"count\":1}",
        "c:2: not in order; give JSON lines"
      ),
      ("{\"ngram\":[\"b\"],\"count\":1}\nb\t1", "c:2: the same n-gram as on the line before"),
    ])
  func damaged(text: String, message: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("c", text: text + "\n")
    let outcome = try Executable.shell("lmctl count --merge c", in: folder)
    #expect(outcome.status == 1 && outcome.error.hasPrefix("lmctl: \(message)"), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  @Test("Counts in JSON are known as such: as no text, and as an output that may be replaced")
  func kinds() throws {
    let folder = try proseFolder()
    try run("lmctl count test.txt --json -qo c; lmctl count train.txt --json -qo c", folder)
    let outcome = try Executable.shell("lmctl train --model ngram c -o m.json", in: folder)
    #expect(outcome.status == 1 && outcome.error.contains("c: is a file of counts, not a text"))
  }

  @Test("convert --json has what reductions cost, remarks or not")
  func reductions() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram --quiet train.txt -o m.json", folder)
    #expect(
      try run(
        "lmctl convert m.json s.json --prune-entropy 1e-4 --quantize 8 --valid test.txt --json -q | "
          + "jq -c '[.steps[] | [.step, .ngrams_before >= .ngrams_after, .perplexity_after > 1]]'", folder)
        == #"[["prune",true,true],["quantize",true,true]]"# + "\n")
  }

  @Test("convert --json and tokenize --json")
  func convert() throws {
    let folder = try proseFolder()
    try run("lmctl train --model ngram -q train.txt -o m.json", folder)
    for name in ["m.arpa", "n.json", "m.arpa.gz"] {
      let line =
        "jq -c '[.input, .output, .format, .kind, .ngrams, .bytes]' <(lmctl convert m.json \(name) --json)"
      let size = try run("\(line) > j; stat -c %s \(name)", folder).dropLast()
      let format = name == "n.json" ? "json" : "arpa"
      #expect(
        try run("cat j", folder)
          == "[\"m.json\",\"\(name)\",\"\(format)\",\"ngram\",[475,2796,4528],\(size)]\n")
    }
    for options in ["", "--min-count 1", "--checkpoint m.json"] {
      #expect(
        try run(
          "lmctl tokenize test.txt \(options) --json | jq -r 'join(\" \")' | diff - <(lmctl tokenize \(options) test.txt)",
          folder) == "")
    }
    #expect(
      try run("printf 'a b\\na\\n' | lmctl tokenize --ids --min-count 1 --json", folder) == "[2,3,1]\n[2,1]\n"
    )
  }
}
