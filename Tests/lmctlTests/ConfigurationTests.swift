import Foundation
import TestSupport
import Testing

@Suite("Configuration")
struct ConfigurationTests {
  static let kinds = Kinds.all

  private func folder() throws -> TemporaryFolder {
    let folder = try proseFolder()
    try run("cp test.txt valid.txt", folder)
    return folder
  }

  /// Command lines with options of all types, small enough to be trained here.
  static let runs = [
    "--model ngram train.txt --order 4 --unit char --holdout 0.1",
    "--model ngram train.txt --order 3 --memory 30M --temp . --prune 0,0,1 --valid test.txt",
    "--model ngram train.txt --smoothing additive --delta 0.25 --vocab words",
    "--model ngram train.txt --smoothing absolute --backoff --discounts 0.5,0.75 --prune 0,1",
    "--model ngram train.txt --smoothing good-turing --katz-limit 3 --prune-entropy 1e-6 --quantize 8",
    "--model ngram train.txt --prune-to 2000",
    "--model ngram train.txt --smoothing additive --tune valid.txt",
    "--model nnlm train.txt --hidden 8 --embed 4 --order 4 --direct --optimizer sgd --lr 0.1",
    "--model rnn train.txt --hidden 8 --valid valid.txt --schedule newbob --min-count 3 --lowercase",
    "--model gru train.txt valid.txt --hidden 8 --tie --dropout 0.1 --clip-value 0.5 --tensors decimal",
    "--model nnlm train.txt --hidden 8 --embed 4 --dropout-embed 0.1 --label-smoothing 0.1 --accumulate 2",
    "--model gru train.txt --hidden 8 --tie --locked-dropout --dropout-input 0.3 --dropout-hidden 0.1 --dropout-output 0.25 "
      + "--dropout-weights 0.4 --dropout-embed 0.05 --ar 2 --tar 1 --label-smoothing 0.1 --weight-decay 1e-5 --average 1 "
      + "--random-bptt --accumulate 2 --optimizer sgd --holdout 0.1",
    "--model lstm train.txt --hidden 8 --layers 2 --seed 7 --warm-up 3 --max-vocab 100 --threads 1 "
      + "--beta1 0.8 --beta2 0.99 --epsilon 1e-6",
    "--model rnn train.txt --hidden 8 --optimizer rmsprop --decay-rate 0.9",
    "--model rnn train.txt --hidden 8 --optimizer momentum --momentum 0.5",
  ]

  @Test("The configuration that is printed reproduces the run byte for byte", arguments: runs)
  func roundTrip(options: String) throws {
    let folder = try folder()
    try folder.write("words", text: "the\nand\nlamp\n")
    let epochs = options.contains("ngram") ? "" : " --epochs 2"
    try run("lmctl train \(options)\(epochs) --quiet -o a.json > a.txt; mv a.json kept.json", folder)
    try run("lmctl train \(options)\(epochs) --quiet -o a.json --print-config > config.json", folder)
    #expect(!folder.contents.contains("a.json"), "nothing is trained")
    try run("lmctl train --config config.json > b.txt && cmp a.json kept.json", folder)
    #expect(try run("grep -v seconds a.txt | diff - <(grep -v seconds b.txt)", folder) == "")
    // What is printed is a fixed point.
    #expect(try run("lmctl train --config config.json --print-config | diff config.json -", folder) == "")
    #expect(try run("lmctl train --print-config --config - < config.json | diff config.json -", folder) == "")
  }

  @Test("What depends on the text is printed as it will be", arguments: Kinds.networks)
  func resolved(kind: String) throws {
    let folder = try folder()
    let line = "lmctl train --model \(kind) --hidden 8 train.txt -o m.json"
    try run("\(line) --quiet && \(line) --print-config > config.json", folder)
    let trained = try run("jq -c '.training | [.epochs, .batch, .bptt, .lr, .clip]' m.json", folder)
    #expect(try run("jq -c '[.epochs, .batch, .bptt, .lr, .clip]' config.json", folder) == trained)
    #expect(
      try run("jq -c '[.texts, .quiet, .valid, .[\"min-count\"]]' config.json", folder)
        == "[[\"train.txt\"],false,null,2]\n")
  }

  @Test("Every option of train is in the configuration of the kinds that take it")
  func complete() throws {
    let folder = try folder()
    let help = try run("lmctl help train", folder)
    let options = help.split(separator: "\n").compactMap { line in
      line.prefix(8).contains("--")
        ? line.split(separator: " ").first { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) } : nil
    }
    #expect(options.count > 30)
    var printed: Set<String> = []
    try run("(sed 's/^/good\t/' train.txt; sed 's/^/bad\t/' train.txt) > labelled.tsv", folder)
    let lines =
      Self.kinds.map { "--model \($0) train.txt" } + [
        "--task classify --model lstm labelled.tsv",
        "--task classify --model bag --word-ngrams 2 labelled.tsv",
        "--task fill --model gru train.txt", "--task translate --model gru train.txt train.txt",
      ]
    for line in lines {
      let names = try run("lmctl train \(line) --print-config | jq -r 'keys[]'", folder)
      printed.formUnion(names.split(separator: "\n").map(String.init))
    }
    // What speaks of configurations is no part of one, nor is what a single run goes on from, nor how it shows what it does.
    #expect(
      Set(options).subtracting(printed) == [
        "config", "print-config", "resume", "auto-resume", "new-data", "force", "json", "timestamps",
        "progress",
        "no-color",
      ])
    #expect(printed.subtracting(options) == ["texts"])
  }

  @Test("The command line wins over the configuration, and can take an option back")
  func precedence() throws {
    let folder = try folder()
    let config =
      #"{"model": "ngram", "order": 5, "valid": "valid.txt", "lowercase": true, "texts": "train.txt"}"#
    try folder.write("c.json", text: config)
    func effective(_ options: String) throws -> String {
      try run(
        "lmctl train --config c.json \(options) --print-config | jq -c '[.order, .valid, .lowercase, .texts[0]]'",
        folder)
    }
    #expect(try effective("") == "[5,\"valid.txt\",true,\"train.txt\"]\n")
    #expect(try effective("--order 2") == "[2,\"valid.txt\",true,\"train.txt\"]\n")
    #expect(try effective("test.txt") == "[5,\"valid.txt\",true,\"test.txt\"]\n")
    #expect(try effective("--no-lowercase --no-order --no-valid") == "[3,null,false,\"train.txt\"]\n")
    #expect(try effective("--holdout 0.1 --no-valid") == "[5,null,true,\"train.txt\"]\n")
  }

  @Test("Other commands take configurations too")
  func otherCommands() throws {
    let folder = try folder()
    try run("lmctl train --model ngram train.txt --quiet -o m.json", folder)
    try folder.write("sample.json", text: #"{"count": 3, "seed": 5, "temperature": 0.7, "unk": true}"#)
    #expect(
      try run("lmctl sample m.json --config sample.json", folder)
        == run("lmctl sample m.json --count 3 --seed 5 --temperature 0.7 --unk", folder))
    try folder.write("tokenize.json", text: #"{"ids": true, "texts": ["test.txt"]}"#)
    #expect(
      try run("lmctl tokenize --config tokenize.json", folder) == run("lmctl tokenize --ids test.txt", folder)
    )
  }

  @Test(
    "One sentence says what is wrong with a configuration",
    arguments: [
      (#"{"ordr": 5}"#, 2, "c.json: unknown option 'ordr'; did you mean 'order'?"),
      (#"{"min_count": 5}"#, 2, "c.json: unknown option 'min_count'; did you mean 'min-count'?"),
      (#"{"text": "train.txt"}"#, 2, "c.json: unknown option 'text'; did you mean 'texts'?"),
      (#"{"config": "d.json"}"#, 2, "c.json: unknown option 'config'"),
      (#"{"order": 5, "order": 4}"#, 2, "c.json: 'order' is given twice"),
      (
        #"{"order": "five"}"#, 2,
        "--order takes a whole number from 1 to 16, not 'five' (--order stands in c.json)"
      ),
      (
        #"{"order": 17.0}"#, 2,
        "--order takes a whole number from 1 to 16, not '17' (--order stands in c.json)"
      ),
      (#"{"order": true}"#, 2, "c.json: 'order' takes a string or a number, not true"),
      (#"{"order": [5]}"#, 2, "c.json: 'order' takes a string or a number, not [5]"),
      (#"{"lowercase": 1}"#, 2, "c.json: 'lowercase' is a flag, which takes true or false, not 1"),
      (#"{"texts": [1]}"#, 2, "c.json: 'texts' takes an array of strings, not [1]"),
      (#"{"holdout": 0.1, "valid": "t"}"#, 2, "(--holdout, --valid stand in c.json)"),
      (
        #"{"hidden": 5}"#, 2,
        "--hidden does not go with --model ngram; it goes with \(Kinds.networks.joined(separator: ", ")) (--hidden stands in c.json)"
      ),
      ("{\n\"order\": 5\n\"quiet\": true}", 1, "c.json:3: is not valid JSON: '\"' where '}' should be"),
      ("", 1, "c.json:1: is not valid JSON: the file ends too early"),
      ("[1]", 1, "c.json: is not a configuration, which is a JSON object"),
      ("order=5", 1, "c.json:1: is not valid JSON: 'o' where a value should be"),
      (#"{"valid": "missing.txt"}"#, 1, "missing.txt: no such file"),
    ])
  func mistakes(text: String, status: Int, message: String) throws {
    let folder = try folder()
    try folder.write("c.json", text: text)
    let line = "lmctl train --model ngram train.txt -o m.json --config c.json"
    let outcome = try Executable.shell(line, in: folder)
    #expect(outcome.status == status)
    #expect(outcome.error.hasPrefix("lmctl: ") && outcome.error.contains(message), "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1)
    #expect(!folder.contents.contains("m.json"))
  }

  @Test("Missing and contradictory options")
  func contradictions() throws {
    let folder = try folder()
    for (options, message) in [
      ("--config missing.json", "missing.json: no such file"),
      ("--no-ordr", "unknown option '--no-ordr'"),
      ("--order 3 --no-order", "--order and --no-order exclude each other"),
    ] {
      let outcome = try Executable.shell("lmctl train --model ngram train.txt \(options)", in: folder)
      #expect(outcome.status != 0 && outcome.error.contains(message), "\(outcome.error)")
    }
  }
}
