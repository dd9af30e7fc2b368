import Foundation
import TestSupport
import Testing

@Suite("Bad input")
struct BadInputTests {
  private static let train = "lmctl train --model ngram -o out.json"

  @Test(
    "One sentence says what is wrong, with the right exit status",
    arguments: [
      Mistake("\(train) empty.txt", 1, "empty.txt: the text is empty"),
      Mistake("\(train) blank.txt", 1, "blank.txt: the text has no sentence"),
      Mistake("\(train) missing.txt", 1, "missing.txt: no such file"),
      Mistake("\(train) dir", 1, "dir: is a directory"),
      Mistake("\(train) latin1.txt", 1, "latin1.txt:2: invalid UTF-8"),
      Mistake("\(train) nul.txt", 1, "nul.txt:3: a NUL byte"),
      Mistake("\(train) damaged.txt.gz", 1, "damaged.txt.gz: cannot be decompressed"),
      Mistake("\(train) good.txt --order 0", 2, "--order takes a whole number from 1 to 16, not '0'"),
      Mistake("\(train) good.txt --order 17", 2, "--order takes a whole number from 1 to 16, not '17'"),
      Mistake("lmctl sample m.json --top-k 0", 2, "--top-k takes a whole number from 1, not '0'"),
      Mistake("lmctl count --times 2 good.txt", 2, "--times goes with --merge (see"),
      Mistake("lmctl help models --json", 2, "--man and --json go with commands"),
      Mistake("\(train) good.txt --order five", 2, "--order takes a whole number from 1 to 16, not 'five'"),
      Mistake("\(train) good.txt --ordr 5", 2, "unknown option '--ordr'; did you mean '--order'?"),
      Mistake("\(train) good.txt --order", 2, "option '--order' needs a value"),
      Mistake("\(train) --order --quiet good.txt", 2, "option '--order' needs a value"),
      Mistake("\(train) good.txt --quiet=1", 2, "option '--quiet' takes no value"),
      Mistake("\(train) good.txt --order 3 --order 4", 2, "option '--order' is given twice"),
      Mistake(
        "\(train) good.txt --smoothing kneser", 2,
        "--smoothing takes one of none, additive, good-turing, jelinek-mercer, witten-bell, absolute, kneser-ney, modified-kneser-ney, stupid-backoff, not 'kneser'"
      ),
      Mistake(
        "\(train) good.txt --smoothing additive --backoff", 2,
        "--backoff does not go with --smoothing additive, which has no backed-off form"),
      Mistake(
        "\(train) good.txt --discounts 0.5", 2,
        "--discounts takes three numbers for each order, above 0 and up to 1, 2 and 3, as 0.5/1/1.5"),
      Mistake(
        "\(train) good.txt --smoothing absolute --discounts 0.5,1", 2,
        "--discounts takes a number above 0 and below 1 for each order, as 0.7,0.8, not '0.5,1'"),
      Mistake(
        "\(train) good.txt --smoothing witten-bell --discounts 0.5", 2,
        "--discounts goes with --smoothing absolute, kneser-ney, modified-kneser-ney, not with 'witten-bell'"),
      Mistake("\(train) good.txt --katz-limit 5", 2, "--katz-limit goes with --smoothing good-turing"),
      Mistake(
        "\(train) good.txt --smoothing good-turing --katz-limit 16", 2,
        "--katz-limit takes a whole number from 1 to 15"),
      Mistake("\(train) good.txt --tune missing.txt", 1, "missing.txt: no such file"),
      Mistake("\(train) good.txt --tune blank.txt", 1, "blank.txt: the text has no sentence"),
      Mistake(
        "\(train) good.txt --smoothing good-turing --tune good.txt", 2,
        "--tune goes with --smoothing additive, jelinek-mercer, absolute, kneser-ney, modified-kneser-ney"),
      Mistake(
        "\(train) good.txt --tune good.txt --discounts 0.5/1/1.5", 2,
        "--tune does not go with --discounts, which fixes them"),
      Mistake("\(train) - --tune - < good.txt", 2, "standard input ('-') can be read only once"),
      Mistake("\(train) good.txt --prune-entropy 0", 2, "--prune-entropy takes a number above 0, not '0'"),
      Mistake(
        "\(train) good.txt --prune-to 5", 1,
        "--prune-to 5: the 9 words and <s> alone are more; give at least 10"),
      Mistake(
        "\(train) good.txt --prune-to 50 --prune-entropy 1", 2,
        "--prune-entropy and --prune-to exclude each other"),
      Mistake(
        "\(train) good.txt --smoothing stupid-backoff --prune-to 50", 2,
        "--prune-to does not go with --smoothing stupid-backoff"),
      Mistake("\(train) good.txt --quantize 9", 2, "--quantize takes a whole number from 2 to 8, not '9'"),
      Mistake("lmctl eval model.json good.txt --cache 0", 2, "--cache takes a whole number from 1"),
      Mistake("lmctl eval model.json good.txt --tune good.txt", 2, "--tune goes with --cache"),
      Mistake("lmctl eval model.json good.txt --cache-weight 0.1", 2, "--cache-weight goes with --cache"),
      Mistake(
        "lmctl eval model.json good.txt --cache 9 --cache-weight 2", 2,
        "--cache-weight takes a number from 0 to 1"),
      Mistake(
        "lmctl eval model.json good.txt --cache 9 --cache-weight 0.5 --tune good.txt", 2,
        "--tune does not go with --cache-weight"),
      Mistake(
        "lmctl eval model.json good.txt --cache 9 --tune missing.txt", 1, "missing.txt: no such file"),
      Mistake(
        "lmctl eval model.json good.txt --cache 9 --tune empty.txt", 1, "empty.txt: the text is empty"),
      Mistake(
        "\(train) good.txt --quiet --smoothing stupid-backoff && { lmctl eval out.json good.txt --per token --cache 9; code=$?; rm out.json; exit $code; }",
        1,
        "out.json: its numbers are scores, not probabilities"),
      Mistake("\(train) good.txt --prune 0,2,1", 2, "--prune takes whole numbers that do not fall"),
      Mistake("\(train) good.txt --prune 0,x", 2, "--prune takes whole numbers that do not fall"),
      Mistake("\(train) good.txt --prune 1", 2, "begin with 0, and use --min-count for words"),
      Mistake("\(train) good.txt --prune 0,0,0,1", 2, "for more orders than the 3 of --order"),
      Mistake(
        "\(train) good.txt --smoothing stupid-backoff --valid good.txt", 2,
        "scores that do not sum to one, so they have no perplexity"),
      Mistake(
        "\(train) good.txt --quiet --smoothing stupid-backoff && { lmctl eval out.json good.txt; code=$?; rm out.json; exit $code; }",
        1,
        "out.json: its numbers are scores that do not sum to one (stupid back-off), so they have no perplexity; "
          + "--per sentence and --per token show them"),
      Mistake("\(train) good.txt --delta 1", 2, "--delta goes with --smoothing additive"),
      Mistake(
        "\(train) good.txt --smoothing additive --delta 0", 2, "--delta takes a number from 1e-9 to 1e9"),
      Mistake(
        "\(train) good.txt --smoothing additive --delta nan", 2, "--delta takes a number from 1e-9 to 1e9"),
      Mistake("\(train) good.txt --vocab good.txt", 1, "good.txt:1: 'the' stands here for the second time"),
      Mistake("\(train) good.txt --vocab empty.txt", 1, "empty.txt: holds no tokens"),
      Mistake("\(train) good.txt --vocab good.txt --min-count 3", 2, "--min-count does not go with --vocab"),
      Mistake("\(train) good.txt --max-vocab 2", 2, "--max-vocab takes a whole number from 3"),
      Mistake("\(train) - - < good.txt", 2, "standard input ('-') can be read only once"),
      Mistake("\(train) - --valid - < good.txt", 2, "standard input ('-') can be read only once"),
      Mistake("\(train) good.txt --valid missing.txt", 1, "missing.txt: no such file"),
      Mistake(
        "lmctl train good.txt", 2, "--model is missing; it takes one of \(Kinds.all.joined(separator: ", "))"),
      Mistake("lmctl train --model ngrm good.txt", 2, "did you mean 'ngram'?"),
      Mistake(
        "lmctl train --model ngram good.txt -o missing/m.json", 1,
        "missing/m.json: cannot be written: its folder does not exist"),
      Mistake("lmctl train --model ngram good.txt -o dir", 1, "dir: is a directory"),
      Mistake("lmctl train --model ngram good.txt -o good.txt", 1, "good.txt: is read as well"),
      Mistake(
        "lmctl train --model ngram good.txt --valid blank.txt -o ./blank.txt", 1,
        "./blank.txt: is read as well"),
      Mistake("lmctl tokenize --vocab-out good.txt good.txt", 1, "good.txt: is read as well"),
      Mistake("lmctl train --model ngram good.txt -o ''", 1, "'': an empty name names no file"),
      Mistake("gzip -c good.txt | \(train) -", 1, "standard input:1: compressed by gzip"),
      Mistake("printf '\\xff\\xfea\\0' | \(train) -", 1, "standard input:1: UTF-16"),
      Mistake("printf '\\xef\\xbb\\xbf' | \(train) --unit char -", 1, "standard input: the text"),
      Mistake("lmctl tokenize --vocab - -", 2, "standard input ('-') can be read only once"),
      Mistake(
        "lmctl train --model lstm good.txt --order 3", 2,
        "--order does not go with --model lstm; it goes with ngram, nnlm"),
      Mistake(
        "lmctl train --model ngram good.txt --hidden 3", 2,
        "--hidden does not go with --model ngram; it goes with \(Kinds.networks.joined(separator: ", "))"),
      Mistake(
        "lmctl train --model gru good.txt --smoothing none", 2,
        "--smoothing does not go with --model gru; it goes with ngram"),
      Mistake("lmctl train --model gru good.txt --direct", 2, "--direct does not go with --model gru"),
      Mistake("lmctl train --model lstm good.txt --hidden 0", 2, "--hidden takes a whole number from 1"),
      Mistake("lmctl train --model lstm good.txt --hidden 1000000", 1, "training would need about"),
      Mistake(
        "lmctl train --model lstm good.txt --hidden 1000000,8", 1,
        "--hidden 1000000,8: training would need about"),
      Mistake("lmctl train --model lstm good.txt --hidden 8,", 2, "--hidden takes a whole number from 1"),
      Mistake(
        "lmctl train --model lstm good.txt --hidden 8,4 --layers 3", 2,
        "--hidden gives 2 sizes, and --layers asks for 3"),
      Mistake(
        "lmctl train --model nnlm good.txt --hidden 8,4", 2, "--hidden takes one size with --model nnlm"),
      Mistake(
        "lmctl train --model lstm good.txt --hidden 8,4 --embed 8 --tie", 2,
        "--tie needs --embed as large as the last size of --hidden, not 8 and 4"),
      Mistake(
        "lmctl train --model lstm good.txt --hidden 8,4 --embed 3 --residual", 2,
        "--residual needs a layer of --hidden as large as the one below it"),
      Mistake(
        "lmctl train --model lstm good.txt --highway --embed 3", 2, "--highway needs --layers 2 and more"),
      Mistake("lmctl train --model lstm good.txt --dense", 2, "--dense needs --layers 2 and more"),
      Mistake(
        "lmctl train --model lstm good.txt --layers 2 --residual --highway", 2,
        "--residual and --highway exclude each other"),
      Mistake(
        "lmctl train --model lstm good.txt --layers 2 --dense --highway", 2,
        "--highway and --dense exclude each other"),
      Mistake(
        "lmctl train --model lstm good.txt --bidirectional", 2,
        "--bidirectional does not go with --task language: a language model would see the word"),
      Mistake(
        "lmctl train --model sru good.txt --qrnn-window 3", 2, "--qrnn-window does not go with --model sru"),
      Mistake("lmctl train --model lstm good.txt --lr 0", 2, "--lr takes a number above 0, not '0'"),
      Mistake("lmctl train --model lstm good.txt --lr -1", 2, "--lr takes a number above 0, not '-1'"),
      Mistake("lmctl train --model lstm good.txt --lr nan", 2, "--lr takes a number above 0, not 'nan'"),
      Mistake(
        "lmctl train --model lstm good.txt --dropout 1", 2, "--dropout takes a number from 0 and below 1"),
      Mistake(
        "lmctl train --model lstm good.txt --dropout-weights -0.1", 2,
        "--dropout-weights takes a number from 0 and below 1, not '-0.1'"),
      Mistake(
        "lmctl train --model sru good.txt --dropout-weights 0.1", 2,
        "--dropout-weights does not go with --model sru; it goes with rnn, gru, lstm"),
      Mistake("lmctl train --model lstm good.txt --ar nan", 2, "--ar takes a number from 0, not 'nan'"),
      Mistake(
        "lmctl train --model lstm good.txt --label-smoothing 1", 2,
        "--label-smoothing takes a number from 0 and below 1, not '1'"),
      Mistake(
        "lmctl train --model nnlm good.txt --tar 1", 2,
        "--tar does not go with --model nnlm; it goes with rnn, gru, lstm"),
      Mistake(
        "lmctl train --model nnlm good.txt --random-bptt", 2,
        "--random-bptt does not go with --model nnlm; it goes with rnn, gru, lstm"),
      Mistake(
        "\(train) good.txt --weight-decay 1", 2,
        "--weight-decay does not go with --model ngram; it goes with \(Kinds.networks.joined(separator: ", "))"
      ),
      Mistake(
        "lmctl train --model lstm good.txt --weight-decay -1", 2, "--weight-decay takes a number from 0"),
      Mistake(
        "lmctl train --model lstm good.txt --beta1 1", 2, "--beta1 takes a number from 0 and below 1, not '1'"
      ),
      Mistake(
        "lmctl train --model lstm good.txt --beta2 0.999999999", 2,
        "--beta2 takes a number from 0 and below 1, not '0.999999999'"),
      Mistake(
        "lmctl train --model lstm good.txt --epsilon 0", 2, "--epsilon takes a number above 0, not '0'"),
      Mistake(
        "lmctl train --model lstm good.txt --momentum 0.5", 2,
        "--momentum does not go with --optimizer adam; it goes with momentum"),
      Mistake(
        "lmctl train --model lstm good.txt --optimizer sgd --epsilon 0.5", 2,
        "--epsilon does not go with --optimizer sgd; it goes with adagrad, rmsprop, adam, adamw"),
      Mistake(
        "lmctl train --model lstm good.txt --optimizer adamw --decay-rate 0.5", 2,
        "--decay-rate does not go with --optimizer adamw; it goes with rmsprop"),
      Mistake(
        "lmctl train --model lstm good.txt --optimizer rmsprop --beta2 0.5", 2,
        "--beta2 does not go with --optimizer rmsprop; it goes with adam, adamw"),
      Mistake(
        "lmctl train --model lstm good.txt --average 5", 2,
        "--average needs held-out text: --valid FILE or --holdout 0.05"),
      Mistake(
        "lmctl train --model lstm good.txt --random-bptt --bptt 9", 2,
        "--random-bptt needs --bptt of at least 10"),
      Mistake(
        "lmctl train --model lstm good.txt --accumulate 0", 2, "--accumulate takes a whole number from 1"),
      Mistake(
        "lmctl train --model lstm good.txt --batch 5000", 1, "larger than the text, which has 110 tokens"),
      Mistake(
        "lmctl train --model lstm good.txt --tie --embed 3 --hidden 4", 2,
        "--tie needs --embed as large as --hidden"),
      Mistake(
        "lmctl train --model lstm good.txt --schedule newbob", 2, "--schedule newbob needs held-out text"),
      Mistake(
        "lmctl train --model lstm good.txt --newbob-count 2", 2, "--newbob-count goes with --schedule newbob"),
      Mistake(
        "lmctl train --model lstm good.txt --threads 0", 2, "--threads takes a whole number from 1 to 64"),
      Mistake("LMCTL_KERNELS=mmx lmctl train --model lstm good.txt", 1, "LMCTL_KERNELS"),
      Mistake("lmctl trian", 2, "unknown command 'trian'; did you mean 'train'?"),
      Mistake("lmctl help trian", 2, "unknown command 'trian'; did you mean 'train'?"),
      Mistake("lmctl eval", 2, "no model; give the checkpoint"),
      Mistake("lmctl eval missing.json good.txt", 1, "missing.json: no such file"),
      Mistake("lmctl eval model.json missing.txt", 1, "missing.txt: no such file"),
      Mistake("lmctl eval model.json empty.txt", 1, "empty.txt: the text is empty"),
      Mistake("lmctl eval model.json latin1.txt", 1, "latin1.txt:2: invalid UTF-8"),
      Mistake(
        "lmctl eval model.json good.txt --json --perplexity", 2, "--perplexity and --json exclude each other"),
      Mistake("lmctl eval model.json good.txt --per sentence --perplexity", 2, "exclude each other"),
      Mistake("lmctl eval - < model.json", 2, "standard input ('-') can be read only once"),
      Mistake("lmctl eval good.txt good.txt", 1, "good.txt: not an lmctl checkpoint"),
      Mistake("lmctl eval plain.json good.txt", 1, "plain.json: not an lmctl checkpoint"),
      Mistake(
        "lmctl eval other.json good.txt", 1, "other.json: not an lmctl checkpoint: its format is \"other\""),
      Mistake("lmctl eval empty.txt good.txt", 1, "empty.txt: the file is empty"),
      Mistake("lmctl eval dir good.txt", 1, "dir: is a directory"),
      Mistake("lmctl sample", 2, "no model; give the checkpoint"),
      Mistake("lmctl sample model.json extra", 2, "'extra' is one argument too many"),
      Mistake("lmctl sample model.json --temperature -1", 2, "--temperature takes a number from 0, not '-1'"),
      Mistake(
        "lmctl sample model.json --temperature warm", 2, "--temperature takes a number from 0, not 'warm'"),
      Mistake("lmctl sample model.json --top-p 1.5", 2, "--top-p takes a number above 0 and up to 1"),
      Mistake("lmctl sample model.json --top-k 0", 2, "--top-k takes a whole number from 1"),
      Mistake("lmctl sample model.json --prompt a --prompt-file good.txt", 2, "exclude each other"),
      Mistake(
        "lmctl train --model ngram good.txt --holdout-lines every", 2, "--holdout-lines goes with --holdout"),
      Mistake(
        "lmctl train --model ngram good.txt --holdout 0.1 --holdout-seed 2", 2,
        "goes with --holdout-lines random"),
      Mistake(
        "lmctl train --model ngram good.txt --holdout 0.1 --holdout-lines shuffle", 2,
        "did you mean 'random'?"),
      Mistake("lmctl sample model.json --prompt-whole a --prompt-file good.txt", 2, "exclude each other"),
      Mistake("lmctl sample model.json --length 5 --max-tokens 5", 2, "runs on over ends of sentences"),
      Mistake("lmctl sample model.json --json --show-score", 2, "log_probability"),
      Mistake("lmctl sample - --prompt-whole - < model.json", 2, "only once"),
      Mistake("lmctl sample model.json --prompt-file missing.txt", 1, "missing.txt: no such file"),
      Mistake("lmctl inspect", 2, "no model; give the checkpoint"),
      Mistake("lmctl inspect model.json model.json", 2, "one argument too many"),
      Mistake("lmctl tokenize --valid good.txt good.txt", 2, "--valid goes with --stats"),
      Mistake("lmctl tokenize --stats --ids good.txt", 2, "--ids does not go with --stats"),
      Mistake(
        "lmctl tokenize --checkpoint model.json --unit char good.txt", 2,
        "--unit does not go with --checkpoint"),
      Mistake("lmctl tokenize --vocab-out missing/v good.txt", 1, "missing/v: cannot be written"),
      Mistake("lmctl tokenize nul.txt", 1, "nul.txt:3: a NUL byte"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try badInputFolder()
    let before = folder.contents
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status)
    let complaints = outcome.error.split(separator: "\n").filter { $0.contains(mistake.message) }
    #expect(complaints.count == 1, "\(outcome.error)")
    #expect(complaints.allSatisfy { $0.hasPrefix("lmctl: ") })
    #expect(folder.contents == before)
  }

  @Test("A text too small for what is asked is trained on all the same, with one warning for each reason")
  func smallTexts() throws {
    let folder = try badInputFolder()
    try folder.write("word.txt", text: "hello\n")
    try folder.write("short.txt", text: "a b\nb a\n")
    try folder.write("twenty.txt", text: (0..<20).map { "the cat \($0) sat on the mat\n" }.joined())
    for (text, arguments, warning) in [
      ("word.txt", [], "lower --min-count"),
      ("short.txt", ["--order", "9", "--min-count", "1"], "the model has order 4"),
      ("twenty.txt", [], "too regular to estimate Kneser-Ney discounts for order 1 (n1=6 n2=1 n3=0 n4=0)"),
    ] {
      let trained = try Executable.run(["train", "--model", "ngram", text] + arguments, in: folder)
      #expect(trained.status == 0)
      #expect(trained.error.split(separator: "\n").filter { $0.contains(warning) }.count == 1)
      let result = try Executable.run(["eval", "--perplexity", "model.json", text], in: folder)
      let perplexity = try #require(Double(result.output.trimmingCharacters(in: .newlines)))
      #expect(perplexity >= 1 && perplexity < 100)
    }
  }

  @Test("A line of 50 MB is read like any other")
  func longLine() throws {
    let folder = try badInputFolder()
    let outcome = try Executable.shell(
      """
      for w in $(seq 50); do head -c 999999 /dev/zero | tr '\\0' x; printf ' '; done > long.txt; echo >> long.txt
      lmctl train --model ngram --order 2 long.txt -o long.json && lmctl eval long.json long.txt --json
      """, in: folder)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("\"tokens\":51,"))
  }

  @Test("CRLF, vertical tabs and no-break spaces make no difference")
  func whiteSpace() throws {
    let folder = try badInputFolder()
    try folder.write(
      "odd.txt",
      text: String(repeating: "\u{FEFF}the\u{0B}cat\u{A0}sat\u{2003}on the  mat\r\nthe dog ran\r\n", count: 1)
    )
    try folder.write("even.txt", text: "the cat sat on the mat\nthe dog ran\n")
    for name in ["odd", "even"] {
      _ = try Executable.run(
        ["train", "--model", "ngram", "--min-count", "1", "\(name).txt", "-o", "\(name).json"], in: folder)
    }
    let line = "diff <(jq -c '.vocabulary,.tensors' odd.json) <(jq -c '.vocabulary,.tensors' even.json)"
    #expect(try Executable.shell(line, in: folder).status == 0)
  }
}
