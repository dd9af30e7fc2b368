/// The colours and lines of charts, as rules of CSS that follow the reader's choice of light or dark.
///
/// The colours keep apart for people with every kind of colour blindness: they are Okabe and Ito's (2008) blue, vermillion, bluish
/// green, reddish purple and orange, darkened on white and lightened on black until the contrast is at least 3 : 1.
/// Markers differ in shape as well, so that a chart can be read in grey.
enum SVGStyle {
  /// Colours on a light ground, and the same on a dark one.
  static let palette: [(light: String, dark: String)] = [
    ("#0072b2", "#4aa8e0"), ("#d55e00", "#f28a3c"), ("#00875f", "#2fc79a"), ("#b0478a", "#e08fc0"),
    ("#a37500", "#e6b422"), ("#24292f", "#f0f6fc"),
  ]

  /// How many shapes of markers there are.
  static let shapeCount = 5

  /// What makes a line dashed.
  static let dashes = " stroke-dasharray=\"6 5\""

  /// The class of the `number`th colour.
  static func colour(_ number: Int) -> String { "c\(number % palette.count)" }

  /// A marker with its middle at (x, y), as an SVG path; every turn of the palette begins with another shape.
  static func marker(_ number: Int, _ x: Double, _ y: Double, radius r: Double) -> String {
    func path(_ points: [(Double, Double)]) -> String {
      "M" + points.map { SVGText.pair(x + $0 * r, y + $1 * r) }.joined(separator: "L") + "Z"
    }
    switch (number + number / palette.count) % shapeCount {
    case 0:
      let (left, across) = (SVGText.pair(x - r, y), SVGText.number(2 * r))
      let radius = SVGText.number(r)
      return "M\(left)a\(radius) \(radius) 0 1 0 \(across) 0a\(radius) \(radius) 0 1 0 -\(across) 0Z"
    case 1: return path([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
    case 2: return path([(0, -1.2), (1.1, 0.8), (-1.1, 0.8)])
    case 3: return path([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
    default: return path([(0, 1.2), (1.1, -0.8), (-1.1, -0.8)])
    }
  }

  /// The style sheet.
  static var sheet: String {
    func colours(_ isDark: Bool) -> String {
      palette.enumerated().map { i, pair in
        let colour = isDark ? pair.dark : pair.light
        return ".c\(i){stroke:\(colour)}.f.c\(i){fill:\(colour)}"
      }.joined(separator: "\n")
    }
    return """
      text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:#24292f}
      .title{font-size:16px;font-weight:600}
      .minor{fill:#57606a}
      .ground{fill:#ffffff}
      .grid{stroke:#d8dee4;stroke-width:1}
      .axis{stroke:#8c959f;stroke-width:1}
      .line{fill:none;stroke-linejoin:round;stroke-linecap:round}
      .thin{stroke-width:1.2;stroke-opacity:.6}
      .medium{stroke-width:1.5}
      .strong{stroke-width:2.2}
      .f{stroke-width:0}
      .halo{fill:#ffffff;stroke:#ffffff;stroke-width:2.5}
      .dots{fill:none;stroke-width:5;stroke-linecap:round}
      .ring{fill:none;stroke-width:1.6}
      .key{stroke:#57606a}
      .f.key{fill:#57606a}
      \(colours(false))
      @media (prefers-color-scheme:dark){
      text{fill:#e6edf3}
      .minor{fill:#9da7b1}
      .ground{fill:#16191d}
      .grid{stroke:#30363d}
      .axis{stroke:#6e7681}
      .halo{fill:#16191d;stroke:#16191d}
      .key{stroke:#9da7b1}
      .f.key{fill:#9da7b1}
      \(colours(true))
      }
      """
  }
}

/// Pieces of SVG.
enum SVGText {
  /// How a picture begins: its size, its style sheet with more `rules`, and its ground.
  static func head(
    width: Double, height: Double, title: String, description: String,
    rules: (_ isDark: Bool) -> String = { _ in "" }
  ) -> [String] {
    let (width, height) = (number(width.rounded(.up)), number(height.rounded(.up)))
    let (light, dark) = (rules(false), rules(true))
    let more = light.isEmpty ? "" : "\n\(light)\n@media (prefers-color-scheme:dark){\n\(dark)\n}"
    return [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" role=\"img\">",
      "<title>\(escaped(title))</title>", "<desc>\(escaped(description))</desc>",
      "<style>\n\(SVGStyle.sheet)\(more)\n</style>",
      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
    ]
  }

  /// A coordinate, to a twentieth of a pixel.
  static func number(_ value: Double) -> String {
    let rounded = (value * 20).rounded() / 20
    return rounded == rounded.rounded() ? "\(Int(rounded))" : NumberText.significant(rounded, 8)
  }

  /// A point.
  static func pair(_ x: Double, _ y: Double) -> String { "\(number(x)) \(number(y))" }

  /// `text` with what has a meaning in XML escaped.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in ChartText.printable(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// About how wide `text` is in pixels, rather too much than too little, since the font is the reader's.
  static func width(_ text: String, size: Double = 13) -> Double {
    text.reduce(0) { sum, character in
      let em =
        ChartText.columns(character) == 2
        ? 1.05 : character.isUppercase || "mwMW@%…".contains(character) ? 0.82 : 0.6
      return sum + em * size
    }
  }
}
