import Charts
import LanguageModels
import TestSupport
import Testing

@testable import lmctl

/// Damaged files that only the program reads; see `Fuzz`.
@Suite("Damaged configurations and logs")
struct ReaderFuzzTests {
  @Test(
    "A damaged configuration is refused, or gives values within their ranges", arguments: ["train", "eval"])
  func fuzzConfigurations(command: String) throws {
    let folder = try TemporaryFolder()
    let text = """
      {"model": "lstm", "hidden": 24, "layers": 2, "lr": 0.003, "dropout": 0.5, "optimizer": "adam", "epochs": 3,
        "checkpoint-every": "10steps", "time-limit": "1h30m", "seed": 1, "tie": true, "valid": null,
        "unit": "word", "min-count": 2, "lowercase": false, "separator": "ascii", "texts": ["a.txt", "b.txt"]}
      """
    let scoring = """
      {"context": "stream", "json": true, "cache": 100, "per": "sentence", "threads": 2, "oov-types": 3, "quiet": true}
      """
    let command = try CommandLineTool.command(command)
    let original = command.name == "train" ? text : scoring
    let result = try Fuzz("configuration-\(command.name)", [Array(original.utf8)]) { bytes, _ in
      try folder.write("c.json", bytes)
      try Self.read(command, folder("c.json"))
    }
    #expect(result.complaints == [])
  }

  /// What a command does with a configuration before it begins.
  private static func read(_ command: any Command.Type, _ path: String) throws {
    func values<Some: Command>(of command: Some.Type) throws {
      let options = command.allOptions
      var arguments = try Arguments([], options: options)
      try Configuration(path: path).add(
        to: &arguments, options, operandsName: command.operandsInConfiguration)
      _ = try command.settings.values(&arguments, initial: Some.Values())
    }
    try values(of: command)
  }

  @Test("A damaged log is refused, or drawn")
  func fuzzLogs() throws {
    let folder = try TemporaryFolder()
    let original = SyntheticLog.run(epochs: 2, stepsPerEpoch: 30)
    let result = try Fuzz("log", [Array((original + original).utf8)]) { bytes, round in
      try folder.write("l.jsonl", bytes)
      var options = TrainingCurves.Options()
      options.x = HorizontalQuantity.allCases[round % HorizontalQuantity.allCases.count]
      options.y = VerticalQuantity.allCases[round / 3 % VerticalQuantity.allCases.count]
      let log = try TrainingLog(path: folder("l.jsonl"))
      let runs = log.runs.compactMap { TrainingCurves.run($0, name: "l", options) }
      if runs.isEmpty { return }
      let chart = TrainingCurves.chart(runs, options)
      #expect(!TextChart(chart, width: 80, height: 24, isColoured: round % 2 == 0).text.contains("nan"))
      #expect(!SVGChart(chart, width: 800, height: 500).text.contains("\"nan"))
    }
    #expect(result.complaints == [])
  }
}
