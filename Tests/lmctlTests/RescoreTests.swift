import Foundation
import TestSupport
import Testing

/// `lmctl rescore`.
@Suite("Rescoring")
struct RescoreTests {
  /// Models of prose, and n-best lists of its test text.
  private func folder(size: Int = 8, lines: Int = 25) throws -> TemporaryFolder {
    let folder = try proseFolder()
    let make = "python3 \(projectFolder)/scripts/make-nbest test.txt --size \(size) --lines \(lines)"
    try run(
      """
      lmctl train --model ngram -q train.txt --lowercase -o kn.json
      lmctl train --model gru --hidden 12 --epochs 1 -q train.txt -o gru.json
      \(make) --references refs.txt > list.moses
      \(make) --format tsv --references refs2.txt > list.tsv
      \(make) --format kaldi --scores channel.txt --references refs3.txt > hyps.txt
      cmp refs.txt refs2.txt; cmp refs.txt refs3.txt
      awk -F' [|][|][|] ' '{ n = split($2, w, " "); if (NR > 1 && $1 != last) print ""; last = $1; print $4, -NR, n, $2 }' list.moses > list.srilm
      """, folder)
    return folder
  }

  private func lines(_ line: String, _ folder: TemporaryFolder) throws -> [String] {
    try run("\(line) 2>/dev/null", folder).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }

  /// ln p of each sentence, one by one.
  private func scores(_ model: String, _ words: String, _ folder: TemporaryFolder) throws -> [Double] {
    try lines("\(words) | lmctl eval \(model).json --context sentence --per sentence | cut -f3", folder)
      .map { try #require(Double($0)) }
  }

  @Test("Every format comes back as it was but for the features, which are those of eval")
  func features() throws {
    let folder = try folder()
    let words = "awk -F' [|][|][|] ' '{ print $2 }' list.moses"
    let expected = try ["kn", "gru"].map { try scores($0, words, folder) }
    #expect(expected[0].count == 200)
    func check(_ found: [[String]]) throws {
      for (i, model) in expected.enumerated() {
        #expect(found[i].count == model.count)
        for (text, value) in zip(found[i], model) {
          let score = try #require(Double(text))
          // A model of single precision adds in another order when it takes many lines at once.
          #expect(abs(score - value) <= (i == 0 ? 1e-7 : 1e-5) * abs(value))
        }
      }
    }
    let line = "lmctl rescore kn.json gru.json"
    let moses = "\(line) list.moses | tee out.moses"
    try check([
      try lines("\(moses) | sed 's/.* kn= \\([^ ]*\\) .*/\\1/'", folder),
      try lines("sed 's/.* gru= \\([^ ]*\\) .*/\\1/' out.moses", folder),
    ])
    try run("sed 's/ kn= [^ ]* gru= [^ ]* / /' out.moses | cmp - list.moses", folder)
    for name in ["list.srilm", "hyps.txt"] {
      try run(
        "\(line) \(name) > out.txt && sed 's/\\tkn=[^\\t]*\\tgru=[^\\t]*$//' out.txt | cmp - \(name)", folder)
      try check(
        try ["kn", "gru"].map {
          try lines("grep . out.txt | sed 's/.*\\t\($0)=\\([^\\t]*\\).*/\\1/'", folder)
        })
    }
    try run("\(line) list.tsv > out.tsv && cut -f1-3 out.tsv | cmp - list.tsv", folder)
    try check([try lines("cut -f4 out.tsv", folder), try lines("cut -f5 out.tsv", folder)])
    // A pipe, a compressed file and other names are no different.
    try run(
      """
      \(line) < list.moses 2>/dev/null | cmp - out.moses; gzip -k list.moses; \(line) list.moses.gz -q | cmp - out.moses
      \(line) --name a,b -q list.moses | sed 's/ a= / kn= /; s/ b= / gru= /' | cmp - out.moses
      lmctl rescore gru.json -q <(lmctl rescore kn.json -q list.moses) | cmp - out.moses
      lmctl rescore - -q list.tsv < kn.json | cut -f4 | cmp - <(cut -f4 out.tsv)
      cat list.tsv list.tsv | lmctl rescore kn.json -q list.tsv - | cut -f4 | cmp - <(cut -f4 out.tsv out.tsv out.tsv)
      """, folder)
    #expect(
      try Executable.shell("\(line) list.moses > o", in: folder).error.contains(
        "lmctl: 200 lines in 25 lists\nlmctl: kn.json does not know "))
  }

  @Test("Scores alone are what the programs of each format read")
  func onlyScores() throws {
    let folder = try folder()
    let expected = try scores("kn", "cut -f2 list.tsv", folder)
    func columns(_ name: String) throws -> [[String]] {
      try lines("lmctl rescore kn.json --only-scores \(name)", folder).map { $0.components(separatedBy: " ") }
    }
    let kaldi = try columns("hyps.txt")
    #expect(kaldi.map { $0[0] } == (try lines("cut -d' ' -f1 hyps.txt", folder)))
    for (found, scale) in [
      (kaldi.map { $0[1] }, -1.0), (try columns("list.srilm").map { $0[0] }, 1 / log(10)),
      (try columns("list.tsv").map { $0[0] }, 1), (try columns("list.moses").map { $0[0] }, 1),
    ] {
      #expect(found.count == expected.count)
      for (text, value) in zip(found, expected) {
        #expect(abs((Double(text) ?? 0) - value * scale) < 1e-6 * abs(value))
      }
    }
    // What was written is read as an archive of costs.
    try run("lmctl rescore kn.json --only-scores -q hyps.txt > kn.scores", folder)
    #expect(
      try lines("lmctl rescore gru.json --scores kn.scores --weight kn.scores=1 --best hyps.txt", folder)
        == lines("lmctl rescore kn.json --best hyps.txt", folder))
  }

  @Test("Weights decide what is best, and the first of equal lines wins")
  func best() throws {
    let folder = try folder()
    let text = """
      0 ||| The lamp was ||| A= 1 B= 0 2 ||| 7
      0 ||| zzz ||| A= 0 B= 5 0 ||| 8
      0 ||| was was ||| A= 1 B= 1 0 ||| 9
      1 |||  ||| A= 3 B= 0 0 ||| 1
      1 ||| The ||| A= 3 B= 0 0 ||| 0

      """
    try folder.write("n", text: text)
    for (weights, expected) in [
      ("--weight A=1", "The lamp was\n\n"), ("--weight A=1 --weight B.0=0.5", "zzz\n\n"),
      ("--weight score=1", "was was\n\n"), ("--weight B.1=1,words=-10", "zzz\n\n"),
      ("--weight A=-1 --weight words=1,kn=0", "The lamp was\nThe\n"),
    ] {
      #expect(try run("lmctl rescore kn.json --best \(weights) -q n", folder) == expected, "\(weights)")
    }
    // Without weights, the models' features count; they are those of eval.
    let scores = try scores("kn", "awk -F' [|][|][|] ' '{ print $2 }' list.moses", folder)
    let words = try lines("awk -F' [|][|][|] ' '{ print $2 }' list.moses", folder)
    let expected = stride(from: 0, to: 200, by: 8).map { first in
      words[(first..<first + 8).max { scores[$0] < scores[$1] } ?? 0]
    }
    #expect(try lines("lmctl rescore kn.json --best list.moses", folder) == expected)
    #expect(try lines("lmctl rescore kn.json --best list.srilm", folder) == expected)
    #expect(
      try lines("lmctl rescore kn.json --best hyps.txt | cut -d' ' -f2-", folder) == expected)
    #expect(try lines("lmctl rescore kn.json --best hyps.txt | cut -d' ' -f1 | uniq", folder).count == 25)
    // The best lines of a list, best first, with their totals where the score stands.
    let top = try lines("lmctl rescore kn.json --top 2 --weight A=1,words=0.25 n", folder)
    #expect(top.map { $0.components(separatedBy: " ||| ")[1] } == ["The lamp was", "was was", "The", ""])
    #expect(top.map { $0.components(separatedBy: " ||| ")[3] } == ["1.75", "1.5", "3.25", "3"])
  }

  @Test("Objects hold the features and the total")
  func objects() throws {
    let folder = try folder()
    let all = try lines("lmctl rescore kn.json --json --weight 3=2,kn=0.5 list.tsv", folder).map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(all.count == 200 && all.last?["list"] as? Int == 25 && all.last?["line"] as? Int == 200)
    for object in all {
      let features = try #require(object["features"] as? [String: Double])
      let (own, kn) = (try #require(features["3"]), try #require(features["kn"]))
      #expect(abs((object["total"] as? Double ?? 0) - (2 * own + 0.5 * kn)) < 1e-9)
    }
  }

  @Test("A linear mixture of words is the model that lmctl mix writes, and not the product of sentences")
  func linear() throws {
    let folder = try folder()
    try run(
      """
      lmctl train --model ngram -q train.txt -o n.json
      lmctl mix n.json gru.json --weights 3,1 -q -o mix.json
      lmctl rescore n.json gru.json --combine linear --lambda 3,1 --name mix -q list.tsv > a.tsv
      lmctl rescore mix.json -q list.tsv > b.tsv
      """, folder)
    let (a, b) = (try lines("cut -f4 a.tsv", folder), try lines("cut -f4 b.tsv", folder))
    #expect(a.count == 200)
    for (a, b) in zip(a, b) { #expect(abs((Double(a) ?? 0) - (Double(b) ?? 1)) < 1e-6 * abs(Double(b) ?? 0)) }
    let both = try lines("lmctl rescore n.json gru.json list.tsv | cut -f4,5", folder).map {
      $0.split(separator: "\t").compactMap { Double($0) }
    }
    // A weighted mean of logarithms is never above the logarithm of the mean.
    #expect(zip(a, both).allSatisfy { (Double($0) ?? 0) > 0.75 * $1[0] + 0.25 * $1[1] })
    #expect(
      try lines("lmctl rescore n.json gru.json --combine linear list.moses | grep -c ' mixture= '", folder)
        == ["200"])
  }

  @Test("Tuned weights are better than any single feature, and give the metric that was printed")
  func tuning() throws {
    let folder = try folder(size: 12, lines: 30)
    for metric in ["wer", "bleu", "exact"] {
      let line = "lmctl rescore kn.json gru.json --tune refs.txt --metric \(metric)"
      let result = try object("\(line) --json -o \(metric).json --force list.moses", folder)
      func value(_ name: String) throws -> Double { try #require(result[name] as? Double) }
      let (before, after, oracle) = (try value("before"), try value("after"), try value("oracle"))
      // What the lists had as their best, and what the weights choose, counted by others.
      try run("lmctl rescore kn.json --best --weight score=1 -q list.moses > before.txt", folder)
      try run(
        "lmctl rescore kn.json gru.json --best --config \(metric).json -q list.moses > after.txt", folder)
      for (name, shown) in [("before", before), ("after", after)] {
        #expect(abs(try measure(metric, name, folder) - shown) < 1e-9, "\(metric) \(name)")
      }
      let single = try ["channel=1", "kn=1", "gru=1"].map { weight in
        try run("lmctl rescore kn.json gru.json --best --weight \(weight) -q list.moses > one.txt", folder)
        return try measure(metric, "one", folder)
      }
      if metric == "wer" {
        #expect(oracle == 0 && after < before && single.allSatisfy { after <= $0 })
      } else {
        #expect(oracle > (metric == "bleu" ? 99.99 : 0.9999))
        #expect(after > before && single.allSatisfy { after >= $0 })
      }
      #expect(try value("difference_standard_error") > 0 && result["lists"] as? Int == 30)
      let table = try run("\(line) -q list.moses", folder)
      let option = try #require(table.split(separator: "\n").last)
      #expect(option == "--weight \(try #require(result["weight"] as? String))")
    }
    // Files with keys tell the same, whether references have keys or not, in whatever order.
    let line = "lmctl rescore kn.json gru.json --json"
    let weights = try ["list.tsv", "hyps.txt --scores channel.txt"].map {
      try #require(try object("\(line) --tune refs.txt \($0)", folder)["after"] as? Double)
    }
    #expect(weights[0] == weights[1])
    try run(
      "paste -d' ' <(cut -d- -f1 hyps.txt | uniq) refs.txt | sort -r > named.txt; echo more >> named.txt",
      folder)
    #expect(
      try object("\(line) --tune named.txt --scores channel.txt hyps.txt", folder)["after"] as? Double
        == weights[1])
    try run("tail -n +2 named.txt > less.txt", folder)
    let refused = try Executable.shell(
      "\(line) --tune less.txt --scores channel.txt hyps.txt -q", in: folder)
    #expect(refused.status == 1 && refused.error.contains(": 'utt"), "\(refused.error)")
    #expect(refused.error.contains("has no reference in less.txt"))
  }

  @Test(
    "Nothing worse is chosen than what the scores of the lists choose, though no other feature explains them")
  func unexplainedScores() throws {
    let folder = try folder()
    // The score knows which line is right; features are noise, and one is infinite.
    let (lists, references) = (0..<60).reduce(into: ("", "")) { texts, list in
      for line in 0..<6 {
        let noise = (list * 7 + line * line * 5) % 11
        let isRight = line == list % 6
        texts.0 +=
          "\(list) ||| The lamp was \(line) lit . ||| A,b= \(noise == 3 ? "inf" : "\(noise)") ||| \(isRight ? 1 : 0)\n"
      }
      texts.1 += "The lamp was \(list % 6) lit .\n"
    }
    try folder.write("n", text: lists)
    try folder.write("r", text: references)
    for metric in ["wer", "bleu", "exact"] {
      let line = "lmctl rescore kn.json n -q"
      let result = try object(
        "\(line) --tune r --metric \(metric) --restarts 2 --json -o w.json --force", folder)
      #expect(result["before"] as? Double == result["oracle"] as? Double, "\(metric)")
      #expect(result["after"] as? Double == result["before"] as? Double, "\(metric)")
      // A name with a comma is no obstacle to what was written and printed.
      let weights = try #require(result["weight"] as? String)
      #expect(weights.hasPrefix("A,b="))
      for option in ["--config w.json", "--weight \(weights)", "--format auto --weight score=1,A,b=0"] {
        #expect(try run("\(line) --best \(option)", folder) == references, "\(metric) \(option)")
      }
    }
  }

  /// A metric of the lines of a file, by a script of its own.
  private func measure(_ metric: String, _ name: String, _ folder: TemporaryFolder) throws -> Double {
    let script = """
      import sys, math, collections
      metric, a, b = sys.argv[1:]
      pairs = list(zip(map(str.split, open(a)), map(str.split, open(b))))
      def distance(a, b):
          row = list(range(len(b) + 1))
          for i, x in enumerate(a):
              new = [i + 1]
              for j, y in enumerate(b):
                  new.append(min(new[j] + 1, row[j + 1] + 1, row[j] + (x != y)))
              row = new
          return row[-1]
      if metric == "wer":
          print(sum(distance(a, b) for a, b in pairs) / sum(len(b) for a, b in pairs))
      elif metric == "exact":
          print(sum(a == b for a, b in pairs) / len(pairs))
      else:
          m, t = [0] * 4, [0] * 4
          for a, b in pairs:
              for n in range(1, 5):
                  x, y = (collections.Counter(tuple(s[i:i + n]) for i in range(len(s) - n + 1)) for s in (a, b))
                  m[n - 1] += sum((x & y).values())
                  t[n - 1] += sum(x.values())
          h, r = sum(len(a) for a, b in pairs), sum(len(b) for a, b in pairs)
          print(100 * min(1, math.exp(1 - r / h)) * math.exp(sum(math.log(x / y) for x, y in zip(m, t)) / 4))
      """
    try folder.write("measure.py", text: script)
    return try number("python3 measure.py \(metric) \(name).txt refs.txt", folder)
  }

  @Test(
    "What does not go is refused by a sentence",
    arguments: [
      Mistake("lmctl rescore", 2, "no model; give the checkpoint"),
      Mistake("lmctl rescore model.json good.txt", 1, "good.txt:1: no n-best list of Moses, SRILM or Kaldi"),
      Mistake("lmctl rescore model.json x.moses missing", 1, "missing: no such file"),
      Mistake(
        "lmctl rescore x.moses model.json", 2, "models come before texts: lmctl rescore model.json x.moses"),
      Mistake("lmctl rescore model.json empty.txt", 1, "has no n-best list"),
      Mistake("lmctl rescore model.json broken.moses", 1, "broken.moses:2: has 1 field;"),
      Mistake(
        "lmctl rescore model.json x.moses --weight LN=1", 2,
        "names 'LN', which is no feature of x.moses; did you mean 'LM'?"),
      Mistake(
        "lmctl rescore model.json x.moses --best --weight q=1", 2,
        "there are LM, TM.0, TM.1, score, model, words"),
      Mistake(
        "lmctl rescore model.json x.moses --weight 3", 2, "--weight takes names and numbers, as in lm=0.5"),
      Mistake(
        "lmctl rescore model.json uneven.moses --weight LM=1", 1, "uneven.moses:2: has no feature 'LM'"),
      Mistake(
        "lmctl rescore model.json uneven.moses --tune two.txt", 1, "uneven.moses:2: has no feature 'LM'"),
      Mistake(
        "lmctl rescore model.json x.moses --tune two.txt -q", 1,
        "two.txt: has 2 lines for 1 list; there is one reference"),
      Mistake(
        "lmctl rescore model.json x.moses --tune model.json", 1, "model.json: is a model of lmctl, not a text"
      ),
      Mistake(
        "lmctl rescore model.json x.moses --tune two.txt --best", 2, "--tune and --best exclude each other"),
      Mistake("lmctl rescore model.json x.moses --name a,b", 2, "--name has 2 names for 1 new feature"),
      Mistake("lmctl rescore model.json x.moses --name LM", 2, "x.moses has a feature 'LM'"),
      Mistake("lmctl rescore model.json model.json x.moses", 2, "two features would be called 'model'"),
      Mistake(
        "lmctl rescore model.json x.moses --format xml", 2,
        "--format takes one of auto, moses, srilm, kaldi, tsv"),
      Mistake("lmctl rescore model.json x.moses --id-column 3", 1, "x.moses:1: has 1 column and needs 3"),
      Mistake(
        "lmctl rescore model.json x.kaldi --scores costs.txt", 1, "x.kaldi:2: 'u-2' has no cost in costs.txt"),
      Mistake("lmctl rescore model.json x.kaldi --scores good.txt", 1, "good.txt:1: is not a key and a cost"),
      Mistake("lmctl rescore model.json x.moses --lambda 1", 2, "--lambda goes with --combine linear"),
      Mistake(
        "lmctl rescore model.json x.moses --tune two.txt -o good.txt", 1,
        "good.txt: is not weights of lmctl rescore"),
      Mistake("lmctl rescore model.json - --tune - < x.moses", 2, "can be read only once"),
      Mistake("lmctl rescore model.json nul.tsv", 1, "nul.tsv:2: a NUL byte"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try badInputFolder()
    try folder.write(
      "x.moses", text: "0 ||| the cat ||| LM= -1 TM= 2 3 ||| -4\n0 ||| the dog ||| LM= -1 TM= 2 3 ||| -5\n")
    try folder.write("broken.moses", text: "0 ||| the cat ||| LM= -1 ||| -4\n0 the dog\n")
    try folder.write(
      "uneven.moses", text: "0 ||| the cat ||| LM= -1 ||| -4\n0 ||| the dog ||| TM= -1 ||| -5\n")
    try folder.write("x.kaldi", text: "u-1 the cat\nu-2 the dog\n")
    try folder.write("costs.txt", text: "u-1 3\n")
    try folder.write("nul.tsv", text: "a\tthe cat\na\tthe\0dog\n")
    try folder.write("two.txt", text: "the cat\nthe dog\n")
    try expect(mistake, in: folder)
  }
}
