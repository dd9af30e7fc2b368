import Charts
import LanguageModels

/// The settings of `lmctl plot`.
struct PlotSettings: CommandValues {
  var chart = TrainingCurves.Options()
  var output: String?
  var width: Int?
  var height: Int?
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("axes") {
        Setting("x", \.chart.x, .choice("WHAT"), "along the horizontal axis").typed("x-axis")
        Setting(
          "y", \.chart.y, .choice("WHAT"), "along the vertical axis",
          default: .rule("perplexity; pseudo-perplexity of fillers, accuracy of classifiers") { $0.chart.y }
        ).typed("y-axis", "metric")
        Setting(
          "scale", \.chart.scale, .choice("WHAT"), "of the vertical axis",
          default: .rule("log for perplexity and gradient-norm, linear for the others") { $0.chart.scale })
        Setting(
          "min", \.chart.minimum, .number("Y", "") { _ in true }, "lowest value shown",
          default: .rule("what the curves need") { $0.chart.minimum }
        ).rule { values, _ in
          isPositiveWhereNeeded(values.chart.minimum, values) ?? isOrdered(values)
        }.typed("ymin", "y-min")
        Setting(
          "max", \.chart.maximum, .number("Y", "") { _ in true }, "highest value shown",
          default: .rule("what the curves need, without rare outliers") { $0.chart.maximum }
        ).rule { values, _ in isPositiveWhereNeeded(values.chart.maximum, values) }.typed("ymax", "y-max")
      },
      SettingGroup("output") {
        Setting(
          "output", \.output, .file, "where the SVG picture goes; - for standard output",
          default: .rule("a chart of characters") { $0.output }
        ).short("o").typed("out", "svg")
        CommonSettings.force.lifted(\.common)
        Setting(
          "title", \.chart.title, .text("TEXT"), "above the curves",
          default: .rule("the name of a single log") { $0.chart.title })
        size(
          "width", \.width, "pixels, or columns of the terminal", picture: 200...10_000, 800, text: 30...1000,
          80)
        size(
          "height", \.height, "pixels, or lines of the terminal; more if the legend needs it",
          picture: 150...10_000, 500, text: 8...1000, 24)
      },
      CommonSettings.group(\.common),
    ])
  }

  private static func isPositiveWhereNeeded(_ value: Double?, _ values: Self) -> String? {
    guard let value, (values.chart.scale ?? values.chart.y.scale) == .log, value <= 0 else { return nil }
    return "takes a number above 0, as the scale is logarithmic, not '\(Format.significant(value, 9))'"
  }

  private static func isOrdered(_ values: Self) -> String? {
    guard let low = values.chart.minimum, let high = values.chart.maximum, low >= high else { return nil }
    return "must be below --max"
  }

  /// A size whose range and default depend on whether it is of a picture or of text.
  private static func size(
    _ name: String, _ path: WritableKeyPath<Self, Int?>, _ help: String, picture: ClosedRange<Int>,
    _ pictureDefault: Int, text: ClosedRange<Int>, _ textDefault: Int
  ) -> Setting<Self> {
    Setting(
      name, path, .whole(0...Int.max), help,
      default: .rule("\(pictureDefault) or \(textDefault)") {
        $0.output == nil ? textDefault : pictureDefault
      }
    ).rule { values, _ in
      let range = values.output == nil ? text : picture
      let value = values[keyPath: path] ?? 0
      return range.contains(value)
        ? nil : "takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(value)'"
    }
  }
}
