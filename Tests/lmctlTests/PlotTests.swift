import Foundation
import TestSupport
import Testing

@testable import lmctl

@Suite("Plots")
struct PlotTests {
  private func draw(_ options: String, _ folder: TemporaryFolder) throws -> Picture {
    let outcome = try Executable.shell("lmctl plot \(options) -o -", in: folder)
    #expect(outcome.status == 0, "\(options): \(outcome.error)")
    return try Picture(outcome.output)
  }

  private func text(_ options: String, _ folder: TemporaryFolder) throws -> String {
    let outcome = try Executable.shell("lmctl plot \(options)", in: folder)
    #expect(outcome.status == 0, "\(options): \(outcome.error)")
    return outcome.output
  }

  @Test("Points lie where the axes say")
  func positions() throws {
    let folder = try TemporaryFolder()
    let points = [(25, 100.0), (50, 1000.0), (100, 10.0)]
    let lines = points.map { SyntheticLog.step($0, perplexity: "\($1)") }
    try folder.write("r.jsonl", text: lines.joined(separator: "\n"))
    for scale in ["log", "linear"] {
      let picture = try draw("r.jsonl --min 10 --max 1000 --scale \(scale)", folder)
      let curves = picture.curves("medium")
      #expect(curves.count == 1 && curves.first?.count == 3)
      // The frame is wider than the axes by 4 and higher by 2, so that lines at the edge are whole.
      let (width, height) = (picture.frame[2] - 4, picture.frame[3] - 2)
      for (point, drawn) in zip(points, curves.first ?? []) {
        let up = scale == "log" ? (log10(point.1) - 1) / 2 : (point.1 - 10) / 990
        #expect(abs(drawn[0] - picture.frame[0] - width * Double(point.0) / 100) < 0.1)
        #expect(abs(drawn[1] - picture.frame[1] - height * (1 - up)) < 0.1)
      }
    }
  }

  @Test(
    "Nothing overlaps: labels, legend and curves, for one run and for many",
    arguments: [1, 2, 5, 9, 24], [(800, 500), (320, 240), (1600, 400)])
  func layout(runs: Int, size: (Int, Int)) throws {
    let folder = try TemporaryFolder()
    for i in 0..<runs {
      let name = i == 1 ? "a very long name of a run, with dropout 0.4 and seed 123456789" : "run-\(i)"
      let text = SyntheticLog.run(final: 90 + Double(10 * i), heldOut: i != 2)
      try folder.write("\(name).jsonl", text: text)
    }
    for options in [
      "", "--y loss --title 'A title that is far too long for a picture of this size: \(runs) runs'",
    ] {
      let picture = try draw("*.jsonl --width \(size.0) --height \(size.1) \(options)", folder)
      let boxes = picture.labels.map(\.box)
      #expect(picture.labels.count > 8)
      for (i, a) in boxes.enumerated() {
        #expect(
          a.left >= 0 && a.right <= picture.size[2] + 1 && a.bottom <= picture.size[3], "\(picture.labels[i])"
        )
        for (j, b) in boxes.enumerated() where j > i {
          let apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
          #expect(apart, "\(picture.labels[i].text) and \(picture.labels[j].text)")
        }
        // No label among the curves, either.
        let frame = picture.frame
        let isOutside = a.right <= frame[0] || a.bottom <= frame[1] || a.top >= frame[1] + frame[3] - 2
        #expect(isOutside, "\(picture.labels[i])")
      }
      #expect(picture.curves("thin").count == runs)
      #expect(picture.curves("strong").count == runs - (runs > 2 ? 1 : 0))
      let names = picture.labels.filter { $0.text.hasPrefix("run-") }
      #expect(names.count == (runs == 1 ? 1 : runs - 1) || options != "" && runs == 1)
    }
  }

  @Test("A run that ended within an epoch, and one that went on from there, stand where they were")
  func partsOfEpochs() throws {
    let folder = try TemporaryFolder()
    let start = #"{"event":"start","model":"lstm","tokens":7000,"steps_per_epoch":10}"#
    let ended = [start, SyntheticLog.step(2, perplexity: "90"), SyntheticLog.epoch(1, step: 4, heldOut: 80)]
    try folder.write("ended", text: ended.joined(separator: "\n"))
    let rest = [SyntheticLog.step(7, perplexity: "70"), SyntheticLog.epoch(1, step: 10, heldOut: 60)]
    try folder.write("went-on", text: (ended + rest).joined(separator: "\n"))
    for name in ["ended", "went-on"] {
      let log = try TrainingLog(path: folder(name))
      for record in log.steps + log.epochs { #expect(log.epochsDone(at: record) == Double(record.step) / 10) }
    }
  }

  @Test("Every combination of axes is drawn, with its titles and round ticks")
  func axes() throws {
    let folder = try TemporaryFolder()
    try folder.write("r.jsonl", text: SyntheticLog.run())
    let x = ["steps": "steps", "epochs": "epochs", "tokens": "tokens", "time": "time (minutes)"]
    let y = [
      "perplexity": "perplexity", "loss": "cross-entropy (nats per token)", "rate": "learning rate",
      "gradient-norm": "gradient norm before clipping", "speed": "tokens per second",
    ]
    for (horizontal, xTitle) in x {
      for (vertical, yTitle) in y {
        let options = "r.jsonl --x \(horizontal) --y \(vertical)"
        let picture = try draw(options, folder)
        #expect(picture.labels.contains { $0.text == xTitle })
        #expect(picture.labels.contains { $0.text.hasPrefix(yTitle) })
        // Ticks are evenly spread multiples of 1, 2 or 5 times a power of ten.
        let y = picture.frame[1] + picture.frame[3] - 2 + 20
        let ticks = picture.labels.filter { $0.y == y }.map { label in
          label.text.hasSuffix("k")
            ? 1000 * (Double(label.text.dropLast()) ?? .nan) : Double(label.text) ?? .nan
        }
        #expect(ticks.count >= 3 && ticks[0] == 0)
        let step = ticks[1]
        let digit = "\(step)".first { "123456789".contains($0) } ?? " "
        #expect("125".contains(digit), "\(ticks)")
        for (i, tick) in ticks.enumerated() { #expect(abs(tick - Double(i) * step) < 1e-9 * step) }
        #expect(try text(options, folder).contains(xTitle))
      }
    }
  }

  @Test("Later records of a resumed run replace earlier ones")
  func resumed() throws {
    let folder = try TemporaryFolder()
    var lines = [10, 20, 30].map { SyntheticLog.step($0, perplexity: "500", elapsed: Double($0)) }
    lines.append(SyntheticLog.epoch(1, step: 30, heldOut: 70))
    lines.append("{\"event\":\"resume\",\"step\":15}")
    lines += [20, 40].map { SyntheticLog.step($0, perplexity: "200", elapsed: Double($0) - 15) }
    lines.append(SyntheticLog.epoch(1, step: 40, heldOut: 90))
    try folder.write("r.jsonl", text: lines.joined(separator: "\n"))
    let picture = try draw("r.jsonl", folder)
    let xs = picture.curves("thin")[0].map { ($0[0] - picture.frame[0]) / (picture.frame[2] - 4) }
    #expect(xs.count == 3)
    for (x, step) in zip(xs, [10.0, 20, 40]) { #expect(abs(x - step / 40) < 0.001) }
    #expect(try text("r.jsonl", folder).contains("r: training 200, held out 90\n"))
    // The clock of the second part goes on from the first: 10 s, then 5 s and 25 s more, and 41 s of the epoch's.
    let times = try draw("r.jsonl --x time", folder)
    let seconds = times.curves("thin")[0].map { $0[0] }
    #expect(zip(seconds, seconds.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("Numbers that are not finite are gaps, and a lone point is a dot")
  func gaps() throws {
    let folder = try TemporaryFolder()
    let values = ["100", "90", "null", "NaN", "80", "-Infinity", "1e999", "70", "60"]
    let lines = values.enumerated().map { SyntheticLog.step(10 * $0 + 10, perplexity: $1) }
    try folder.write("r.jsonl", text: lines.joined(separator: "\n"))
    let picture = try draw("r.jsonl", folder)
    let path = try #require(picture.text.firstMatch(of: #/<path class="line medium c0" d="([^"]*)"/#)).1
    #expect(path.filter { $0 == "M" }.count == 3 && path.filter { $0 == "L" }.count == 2)
    #expect(picture.text.matches(of: #/<path class="dots c0" d="M/#).count == 1)
    #expect(!picture.text.contains("nan") && !picture.text.contains("inf"))
    try folder.write("one.jsonl", text: lines[0])
    #expect(try draw("one.jsonl", folder).text.contains("class=\"dots c0\""))
    try folder.write("epoch.jsonl", text: SyntheticLog.epoch(1, step: 1, heldOut: 50))
    #expect(try draw("epoch.jsonl", folder).labels.contains { $0.text.contains("best 50") })
    for y in ["loss", "rate", "gradient-norm", "speed"] { _ = try text("one.jsonl --y \(y)", folder) }
  }

  @Test("Extreme numbers make a picture all the same")
  func extremes() throws {
    let folder = try TemporaryFolder()
    for (name, values) in [
      ("huge", ["1e308", "1e300", "3"]), ("tiny", ["1e-320", "1e-310", "1e-300"]), ("zero", ["0", "0", "0"]),
      ("negative", ["-5", "-1e308", "1e308"]), ("equal", ["7", "7", "7"]),
      ("near", ["7", "7.000000000001", "7"]),
    ] {
      let lines = values.enumerated().map { SyntheticLog.step(10 * $0 + 10, perplexity: $1) }
      let far = lines[0].replacing("\"step\":10", with: "\"step\":900000000000000000").replacing(
        "10.0", with: "-1e300")
      try folder.write("\(name).jsonl", text: (lines + [far]).joined(separator: "\n"))
      for x in ["steps", "epochs", "tokens", "time"] {
        for options in ["--scale linear", "--scale linear --min 5", "--scale log --max 1e-5", "--y loss"] {
          for output in ["", "-o -"] {
            let outcome = try Executable.shell(
              "lmctl plot \(name).jsonl --x \(x) \(options) \(output)", in: folder)
            #expect(outcome.status < 2, "\(name) \(x) \(options): \(outcome.error)")
            #expect(!outcome.output.contains("nan") && !outcome.output.contains("inf"))
          }
        }
      }
    }
  }

  @Test("A log of 20,000 records makes a small picture that keeps the extremes")
  func long() throws {
    let folder = try TemporaryFolder()
    var text = ""
    for i in 1...20_000 {
      text +=
        SyntheticLog.step(i, perplexity: i == 12_345 ? "299" : i == 12_346 ? "101" : "\(200 + i % 7)") + "\n"
    }
    try folder.write("r.jsonl", text: text)
    let picture = try draw("r.jsonl --min 100 --max 300", folder)
    #expect(picture.text.utf8.count < 100_000)
    let ys = picture.curves("medium")[0].map { $0[1] }
    let (top, height) = (picture.frame[1], picture.frame[3] - 2)
    #expect(abs((ys.min() ?? 0) - top - height * (1 - log(2.99) / log(3))) < 0.2)
    #expect(abs((ys.max() ?? 0) - top - height * (1 - log(1.01) / log(3))) < 0.2)
  }

  @Test("The text plot fits its columns, whatever the names", arguments: [30, 40, 80, 132])
  func columns(width: Int) throws {
    let folder = try TemporaryFolder()
    for name in [
      "a", "長い名前の実験その一長い名前の実験その二長い名前の実験その三長い名前の実験", "x\u{1B}[31m\u{7}y", String(repeating: "n", count: 200),
    ] {
      try folder.write("\(name).jsonl", text: SyntheticLog.run())
    }
    for options in [
      "a.jsonl", "*.jsonl", "n*.jsonl --y gradient-norm --title '\(String(repeating: "long ", count: 30))'",
    ] {
      let output = try text("\(options) --width \(width)", folder)
      #expect(!output.contains("\u{1B}") && !output.contains("\u{7}"))
      for line in output.split(separator: "\n") {
        let wide = line.unicodeScalars.filter { (0x2E80...0xFFEF).contains($0.value) && $0.value != 0xFFFD }
          .count
        #expect(line.count + wide <= width, "\(line)")
      }
    }
    #expect(try text("a.jsonl", folder).contains("● a: training"))
    // Colours only on a terminal.
    let terminal = try text(
      "a.jsonl > plain; NO_COLOR= script -qec 'lmctl plot a.jsonl' /dev/null | grep -c '\u{1B}\\[' || true",
      folder)
    #expect((Int(terminal.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) > 0)
    #expect(
      try Executable.shell(
        "NO_COLOR=1 script -qec 'lmctl plot a.jsonl' /dev/null | grep -c '\u{1B}\\['", in: folder
      )
      .output == "0\n")
  }

  @Test("A picture is XML, light and dark, with names escaped")
  func markup() throws {
    let folder = try TemporaryFolder()
    try folder.write("a & <b> \"c\"\u{1}.jsonl", text: SyntheticLog.run())
    try FileManager.default.createDirectory(atPath: folder("x"), withIntermediateDirectories: false)
    try folder.write("x/run.jsonl", text: SyntheticLog.run(final: 80))
    try folder.write("run.jsonl", text: SyntheticLog.run(final: 70))
    let line =
      "lmctl plot *.jsonl x/run.jsonl -o c.svg --title '<&>' && python3 -c 'import xml.dom.minidom as m; print(m.parse(\"c.svg\").documentElement.tagName)'"
    let outcome = try Executable.shell(line, in: folder)
    #expect(outcome.output == "svg\n" && outcome.error == "", "\(outcome.error)")
    let svg = String(decoding: try folder.read("c.svg"), as: UTF8.self)
    #expect(svg.contains("a &amp; &lt;b&gt; &quot;c&quot;") && svg.contains("x/run"))
    #expect(svg.contains("@media (prefers-color-scheme:dark)"))
  }

  @Test("Damage is named by file and line, and the rest is drawn")
  func damage() throws {
    let folder = try TemporaryFolder()
    var lines = SyntheticLog.run().split(separator: "\n").map(String.init)
    lines[4] = String(lines[4].prefix(40))
    lines[6] = "{\"event\":\"step\",\"loss\":1}"
    lines[8] = "[1,2]"
    lines[9] = "\u{0}\u{0}"
    lines.insert("{\"event\":\"weather\",\"sun\":true}", at: 2)
    lines.insert("", at: 3)
    try folder.write("r.jsonl", text: lines.joined(separator: "\r\n"))
    let outcome = try Executable.shell("lmctl plot r.jsonl", in: folder)
    #expect(outcome.status == 0 && outcome.output.contains("held out"))
    let notes = outcome.error.split(separator: "\n")
    #expect(notes.count == 4, "\(outcome.error)")
    #expect(notes[0].hasPrefix("lmctl: warning: r.jsonl:7: is not valid JSON"))
    #expect(notes[1] == "lmctl: warning: r.jsonl:9: has no number 'step'; passed over")
    #expect(notes[2] == "lmctl: warning: r.jsonl:11: has no member 'event'; passed over")
    #expect(notes[3] == "lmctl: warning: r.jsonl: 1 more line could not be read; passed over")
    // What was passed over is no remark.
    #expect(try Executable.shell("lmctl plot --quiet r.jsonl", in: folder).error == outcome.error)
    // The last line of a run that was killed.
    try folder.write("cut.jsonl", text: String(SyntheticLog.run().dropLast(60)))
    let cut = try Executable.shell("lmctl plot cut.jsonl -o - | wc -l", in: folder)
    #expect(cut.error.hasPrefix("lmctl: warning: cut.jsonl:34: is not valid JSON"), "\(cut.error)")
  }

  @Test(
    "One sentence says what is wrong",
    arguments: [
      Mistake("lmctl plot", 2, "no log; give what 'lmctl train --log' has written"),
      Mistake("lmctl plot empty.jsonl", 1, "empty.jsonl: the log has no step or epoch yet"),
      Mistake("lmctl plot start.jsonl", 1, "start.jsonl: the log has no step or epoch yet"),
      Mistake("lmctl plot missing.jsonl", 1, "missing.jsonl: no such file"),
      Mistake("lmctl plot text.txt", 1, "text.txt:1: is not valid JSON"),
      Mistake("lmctl plot text.txt", 1, "is this a log of 'lmctl train --log'?"),
      Mistake(
        "lmctl plot bare.jsonl --x tokens", 1,
        "bare.jsonl: the log has no perplexity over tokens; try another --x or --y"),
      Mistake("lmctl plot r.jsonl -o r.jsonl", 1, "r.jsonl: is read as well"),
      Mistake("lmctl plot r.jsonl -o c.png", 2, "--output writes SVG, so its name must not end in '.png'"),
      Mistake("lmctl plot r.jsonl -o missing/c.svg", 1, "missing/c.svg: cannot be written"),
      Mistake(
        "lmctl plot r.jsonl --x step", 2,
        "--x takes one of steps, epochs, tokens, time, not 'step'; did you mean 'steps'?"),
      Mistake(
        "lmctl plot r.jsonl --y ppl", 2,
        "--y takes one of perplexity, pseudo-perplexity, loss, accuracy, rate"),
      Mistake(
        "lmctl plot r.jsonl --min 0", 2, "--min takes a number above 0, as the scale is logarithmic, not '0'"),
      Mistake("lmctl plot r.jsonl --min 5 --max 4", 2, "--min must be below --max"),
      Mistake("lmctl plot r.jsonl --width 5", 2, "--width takes a whole number from 30 to 1000, not '5'"),
      Mistake("lmctl plot r.jsonl -o c.svg --height 5", 2, "--height takes a whole number from 150 to 10000"),
      Mistake("lmctl plot - - < r.jsonl", 2, "standard input ('-') can be read only once"),
    ])
  func mistakes(mistake: Mistake) throws {
    let folder = try TemporaryFolder()
    try folder.write("r.jsonl", text: SyntheticLog.run())
    try folder.write("empty.jsonl", text: "")
    try folder.write("start.jsonl", text: "{\"event\":\"start\"}\n")
    try folder.write("bare.jsonl", text: "{\"event\":\"step\",\"step\":3,\"perplexity\":9}\n")
    try folder.write("text.txt", text: "once upon a time\nthere was\n")
    let outcome = try Executable.shell(mistake.line, in: folder)
    #expect(outcome.status == mistake.status, "\(outcome.error)")
    #expect(outcome.error.contains(mistake.message) && outcome.output == "", "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1)
    #expect(!folder.contents.contains { $0.hasPrefix("c.") })
  }

  @Test(
    "Logs come from pipes, compressed files and configurations too; a run without records does not stop the others"
  )
  func sources() throws {
    let folder = try TemporaryFolder()
    try folder.write("r.jsonl", text: SyntheticLog.run())
    try folder.write("empty.jsonl", text: "")
    try folder.write("c.json", text: #"{"logs": ["r.jsonl"], "y": "loss"}"#)
    let plain = try text("r.jsonl", folder)
    #expect(
      try text("- < r.jsonl", folder).replacing("standard input: ", with: "r: ").hasSuffix(plain.suffix(200)))
    #expect(
      try text("<(gzip -c r.jsonl | zcat) > /dev/null; gzip -k r.jsonl; lmctl plot r.jsonl.gz", folder)
        == plain)
    #expect(try text("--config c.json", folder) == text("r.jsonl --y loss", folder))
    let both = try Executable.shell("lmctl plot r.jsonl empty.jsonl", in: folder)
    #expect(both.status == 0 && both.output == plain)
    #expect(both.error == "lmctl: warning: empty.jsonl: the log has no step or epoch yet; passed over\n")
  }
}
