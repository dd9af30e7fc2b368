import Foundation
import TestSupport
import Testing

@Suite("Networks on the command line")
struct NetworkTests {
  private static let small = "--hidden 24 --embed 12 --epochs 2 --batch 4 --bptt 10 --quiet"

  @Test("Every kind trains, evaluates, samples and is inspected", arguments: Kinds.networks)
  func kinds(kind: String) throws {
    let folder = try proseFolder()
    try run("lmctl train --model \(kind) \(Self.small) train.txt -o m.json", folder)
    let perplexity = try run("lmctl eval --perplexity m.json test.txt", folder)
    // Better than nothing: below the size of the vocabulary.
    #expect(try #require(Double(perplexity.dropLast())) < 474)
    #expect(try run("lmctl inspect --json m.json | jq -r .model", folder) == "\(kind)\n")
    let sampled = try run("lmctl sample m.json --count 3 --seed 4 --max-tokens 20", folder)
    #expect(sampled.split(separator: "\n", omittingEmptySubsequences: false).count == 4)
    // What is sampled has the score that eval gives it, in the context of sampling.
    let score = try run(
      "lmctl sample m.json --unk --seed 4 --max-tokens 5000 --context sentence --show-score | cut -f1", folder
    )
    let rescored = try run(
      "lmctl sample m.json --unk --seed 4 --max-tokens 5000 --context sentence | lmctl eval m.json --context sentence --per sentence | cut -f3",
      folder)
    let (a, b) = (try #require(Double(score.dropLast())), try #require(Double(rescored.dropLast())))
    #expect(abs(a - b) < 1e-3)
  }

  @Test("The same command gives the same bytes, on one thread and on two")
  func reproducible() throws {
    let folder = try proseFolder()
    for (name, threads) in [("a", 1), ("b", 2), ("c", 2)] {
      try run(
        "lmctl train --model lstm \(Self.small) --dropout 0.3 --threads \(threads) train.txt -o \(name).json",
        folder)
    }
    try run("cmp a.json b.json && cmp b.json c.json", folder)
    try run(
      "lmctl train --model lstm \(Self.small) --dropout 0.3 --seed 2 train.txt -o d.json; ! cmp -s a.json d.json",
      folder)
  }

  @Test("So it is with all regularization, whose options are in the checkpoint")
  func regularized() throws {
    let folder = try proseFolder()
    let options =
      "--tie --hidden 24 --embed 24 --layers 2 --epochs 4 --batch 4 --bptt 10 --quiet --locked-dropout --dropout-embed 0.1 "
      + "--dropout-input 0.4 --dropout-weights 0.3 --ar 2 --tar 1 --label-smoothing 0.1 --weight-decay 1e-6 --average 1 "
      + "--accumulate 2 --random-bptt --optimizer sgd --schedule constant --lr 5"
    for (name, threads) in [("a", 1), ("b", 2)] {
      let line =
        "lmctl train --model lstm \(options) --threads \(threads) train.txt --valid test.txt -o \(name).json"
      try run(
        "\(line) > \(name).txt && lmctl eval --perplexity \(name).json test.txt > \(name).ppl", folder)
    }
    try run("cmp a.json b.json && cmp a.ppl b.ppl && grep -q $(cut -c1-5 a.ppl) a.txt", folder)
    #expect(
      try run(
        "jq -c '.configuration | [.dropout, .dropout_input, .dropout_weights, .locked_dropout]' a.json",
        folder)
        == "[0.2,0.4,0.3,true]\n")
    #expect(
      try run("jq -c '.training | [.weight_decay, .average, .accumulate, .random_bptt]' a.json", folder)
        == "[1e-06,1,2,true]\n")
  }

  @Test(
    "Constants of the optimizer decide the model, and are in the checkpoint where they are not the usual ones"
  )
  func optimizerConstants() throws {
    let folder = try proseFolder()
    for (optimizer, option, usual) in [
      ("adam", "beta1", "0.9"), ("adamw", "beta2", "0.999"), ("adam", "epsilon", "1e-8"),
      ("rmsprop", "decay-rate", "0.99"), ("momentum", "momentum", "0.9"),
    ] {
      let line = "lmctl train --model rnn \(Self.small) --optimizer \(optimizer) train.txt"
      let record = "jq -c .training.\(option.replacing("-", with: "_"))"
      try run("\(line) -o usual.json && \(line) --\(option) \(usual) -o same.json", folder)
      try run("cmp usual.json same.json && \(line) --\(option) 0.25 -o other.json", folder)
      #expect(try run("\(record) usual.json; \(record) other.json", folder) == "null\n0.25\n")
      let tensors = "jq -c .tensors"
      #expect(
        try run("cmp -s <(\(tensors) usual.json) <(\(tensors) other.json) || echo differ", folder)
          == "differ\n")
    }
  }

  @Test("The benchmark measures both peaks, and gives the shares of both")
  func benchmark() throws {
    let folder = try proseFolder()
    let line = "lmctl benchmark sru-512x4 --seconds 0.01"
    #expect(
      try run(
        "\(line) --json | jq -c '.peak_gflops_with_loads_one_thread > 0 and (.configurations[0] | "
          + ".name == \"sru-512x4\" and .fraction_of_peak > 0 and .fraction_of_peak_with_loads > 0)'", folder)
        == "true\n")
    let table = try run(line, folder)
    #expect(table.contains("; with loads ") && table.contains("of that with loads"))
    #expect(table.contains("sru-512x4 ") && table.split(separator: "%").count == 3)
  }

  @Test("All kernels of this machine give the same losses to 1e-4")
  func kernels() throws {
    let folder = try proseFolder()
    var perplexities: [Double] = []
    for kernels in ["baseline", "avx2", "avx512"] {
      let line =
        "LMCTL_KERNELS=\(kernels) lmctl train --model gru \(Self.small) train.txt -o \(kernels).json && LMCTL_KERNELS=\(kernels) lmctl eval --cross-entropy \(kernels).json test.txt"
      let outcome = try Executable.shell(line, in: folder)
      // A machine without these instructions says so.
      if outcome.status != 0 {
        #expect(outcome.error.contains("LMCTL_KERNELS"))
        continue
      }
      perplexities.append(try #require(Double(outcome.output.dropLast())))
    }
    #expect(!perplexities.isEmpty)
    for value in perplexities { #expect(abs(value - perplexities[0]) < 1e-4) }
  }

  @Test("Held-out lines are kept from the vocabulary, and the best epoch is kept")
  func holdout() throws {
    let folder = try proseFolder()
    try folder.write(
      "t.txt", text: String(repeating: "a b\n", count: 90) + String(repeating: "c d\n", count: 10))
    try run("lmctl train --model rnn --hidden 8 --epochs 1 --quiet t.txt --holdout 0.1 -o m.json", folder)
    #expect(try run("jq -c .vocabulary m.json", folder) == "[\"<unk>\",\"</s>\",\"a\",\"b\"]\n")
    #expect(try run("jq -c '[.training.sentences, .training.holdout]' m.json", folder) == "[90,0.1]\n")
    // Other lines than the last ones leave some of those to train on.
    for kind in ["ngram", "rnn --hidden 8 --epochs 1"] {
      let train = "lmctl train --model \(kind) --quiet t.txt --holdout 0.1 --holdout-lines every -o m.json"
      #expect(
        try run("\(train) | grep '^text'", folder).hasSuffix(
          " 10 sentences of the text, at equal distances\n"))
      #expect(try run("jq -c .vocabulary m.json", folder).contains("\"c\""))
      #expect(
        try run("jq -c '[.training.sentences, .training.holdout_lines]' m.json", folder) == "[90,\"every\"]\n"
      )
    }
  }

  /// An edited configuration must not ask for what no cell can do.
  @Test(
    "Options that a cell cannot have are refused by a sentence",
    arguments: [
      ("rnn", ["{projection: 3}", "{peepholes: true}", "{layer_norm: true}", "{zoneout_cell: 0.5}"]),
      (
        "gru",
        [
          "{projection: 3}", "{residual_time: true}", "{mogrifier: 2}",
          "{minimal: true, gru_reset: \"before\"}",
          "{minimal: true, fix_gate: \"update=0\"}", "{fix_gate: \"update=1\"}", "{fix_gate: \"reset\"}",
          "{gru_reset: \"none\", fix_gate: \"reset=1\"}",
        ]
      ),
      (
        "lstm",
        [
          "{projection: 8}", "{projection: -1}", "{projection: 3, ablate: \"fgr\"}", "{ablate: \"nig,cifg\"}",
          "{layer_norm: true, peepholes: true}", "{layer_norm: true, ablate: \"nog\"}",
          "{activation: \"relu\"}",
          "{gru_reset: \"before\"}",
        ]
      ),
      ("sru", ["{projection: 3}", "{no_bias: true}"]), ("nnlm", ["{peepholes: true}"]),
    ])
  func impossibleCells(kind: String, edits: [String]) throws {
    let folder = try proseFolder()
    try run("lmctl train --model \(kind) --hidden 8 --epochs 1 --quiet train.txt -o cell.json", folder)
    for edit in edits {
      let line =
        "jq 'del(.header_crc32) | .configuration += \(edit)' cell.json > e.json && lmctl eval e.json test.txt"
      let outcome = try Executable.shell(line, in: folder)
      #expect(
        outcome.status == 1 && outcome.error.hasPrefix("lmctl: e.json: damaged: "),
        "\(edit): \(outcome.status) \(outcome.error)")
      #expect(!outcome.error.contains("its tensors do not fit"), "\(edit)")
    }
  }

  @Test(
    "Layers of different sizes and their connections go through files, and a run that goes on is the same")
  func depth() throws {
    let folder = try proseFolder()
    let train = "lmctl train --epochs 2 --batch 4 --bptt 10 --dropout 0.2 --quiet train.txt"
    for (name, shape) in [
      ("sizes", "--model lstm --hidden 12,8 --embed 8 --tie"),
      ("dense", "--model gru --hidden 12,8,10 --dense"),
      ("highway", "--model mingru --hidden 12 --layers 2 --highway"),
      ("residual", "--model minlstm --hidden 12,12,8 --residual"),
      ("window", "--model qrnn --hidden 12,8 --qrnn-window 3 --dense"),
    ] {
      try run("\(train) \(shape) -o \(name).json", folder)
      try run("\(train) \(shape) -o again.json --print-config > c.json; lmctl train --config c.json", folder)
      try run("cmp \(name).json again.json", folder)
      try run("lmctl eval --perplexity \(name).json test.txt && lmctl inspect --check \(name).json", folder)
      // Stopped in the middle, and gone on with.
      try run("\(train) \(shape) -o part.json --max-steps 20 --keep-optimizer --schedule constant", folder)
      try run("lmctl train --resume part.json --max-steps 40 --quiet -o part.json", folder)
      try run("\(train) \(shape) -o whole.json --max-steps 40 --keep-optimizer --schedule constant", folder)
      let tensors = "jq -c '[.tensors[] | select(.name | startswith(\"training\") | not)]'"
      #expect(try run("\(tensors) part.json", folder) == run("\(tensors) whole.json", folder), "\(name)")
    }
    #expect(
      try run("jq -c '.configuration | [.layers, .hidden_size]' sizes.json highway.json", folder)
        == "[2,[12,8]]\n[2,12]\n")
    #expect(try run("lmctl inspect sizes.json | grep '^hidden size'", folder).hasSuffix(" 12 8\n"))
    for edit in [
      ".configuration.hidden_size = [12,8,8]", ".configuration.hidden_size = []",
      ".configuration.hidden_size = [8,12]", ".configuration.hidden_size = 12", ".configuration.layers = 1",
      ".configuration.dense = true", ".configuration.residual = true | .configuration.dense = true",
    ] {
      let line = "jq 'del(.header_crc32) | \(edit)' sizes.json > e.json && lmctl eval e.json test.txt"
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 1 && outcome.error.hasPrefix("lmctl: e.json: damaged: "), "\(outcome.error)")
    }
    let changed = try Executable.shell(
      "lmctl train --resume part.json --hidden 12,9 --quiet", in: folder)
    #expect(changed.status == 2 && changed.error.contains("--hidden cannot change"))
    #expect(changed.error.contains("(it is 12,8 in part.json)"), "\(changed.error)")
    try run("lmctl train --init-from sizes.json train.txt --hidden 12,8 --epochs 1 --quiet -o n.json", folder)
    #expect(try run("jq -c .configuration.hidden_size n.json", folder) == "[12,8]\n")
  }

  @Test("A checkpoint whose tensors do not fit its configuration is refused")
  func inconsistent() throws {
    let folder = try proseFolder()
    try run("lmctl train --model lstm \(Self.small) train.txt -o m.json", folder)
    for edit in [
      ".configuration.hidden_size = 25", ".configuration.layers = 2", ".configuration.embedding_size = 0",
      ".model = \"gru\"", ".tensors[1].shape = [24, 48]", "del(.tensors[3])", "del(.configuration.context)",
    ] {
      let line = "jq 'del(.header_crc32) | \(edit)' m.json > e.json && lmctl eval e.json test.txt"
      let outcome = try Executable.shell(line, in: folder)
      #expect(outcome.status == 1, "\(edit)")
      #expect(outcome.error.hasPrefix("lmctl: e.json: "), "\(outcome.error)")
    }
  }
}
