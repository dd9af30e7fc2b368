import Foundation
import Testing

/// Logs as `lmctl train --log` writes them.
enum SyntheticLog {
  /// One record of an interval.
  static func step(_ step: Int, epoch: Int = 1, perplexity: String, elapsed: Double? = nil) -> String {
    let logarithm = Double(perplexity).map { log($0) } ?? .nan
    let loss = logarithm.isFinite ? "\(logarithm)" : "null"
    return """
      {"event":"step","epoch":\(epoch),"step":\(step),"tokens":\(step * 700),"loss":\(loss),"perplexity":\(perplexity),\
      "rate":0.003,"gradient_norm":0.5,"tokens_per_second":2400,"elapsed":\(elapsed ?? Double(step))}
      """
  }

  /// One record of an epoch.
  static func epoch(_ epoch: Int, step: Int, heldOut: Double) -> String {
    """
    {"event":"epoch","epoch":\(epoch),"step":\(step),"tokens":\(step * 700),"loss":4.5,"perplexity":90.0,\
    "held_out_loss":\(log(heldOut)),"held_out_perplexity":\(heldOut),"best":true,"rate":0.001,"gradient_norm":0.5,\
    "tokens_per_second":2400,"elapsed":\(step + 1)}
    """
  }

  /// A whole run of falling perplexities.
  static func run(
    epochs: Int = 3, stepsPerEpoch: Int = 100, every: Int = 10, final: Double = 90, heldOut: Bool = true
  )
    -> String
  {
    var lines = [
      "{\"event\":\"start\",\"model\":\"lstm\",\"tokens\":\(stepsPerEpoch * 700),\"options\":{\"epochs\":\(epochs)}}"
    ]
    for epoch in 1...epochs {
      for step in stride(from: every, through: stepsPerEpoch, by: every) {
        let number = (epoch - 1) * stepsPerEpoch + step
        let wobble = number / every % 3
        lines.append(
          Self.step(number, epoch: epoch, perplexity: "\(final + Double(wobble) + 9000 / Double(number))"))
      }
      if heldOut {
        let value = final + 20 + 30 / Double(epoch) + (epoch == epochs ? 15 : 0)
        lines.append(Self.epoch(epoch, step: epoch * stepsPerEpoch, heldOut: value))
      }
    }
    return lines.joined(separator: "\n") + "\n{\"event\":\"end\",\"reason\":\"done\"}\n"
  }
}

/// What stands in an SVG picture that lmctl drew.
struct Picture {
  struct Label {
    let (x, y): (Double, Double)
    let anchor: String
    let text: String
    /// Where its letters are, if the font is a narrow one.
    var box: (left: Double, right: Double, top: Double, bottom: Double) {
      let width = 0.5 * 13 * Double(text.count)
      let left = anchor == "end" ? x - width : anchor == "middle" ? x - width / 2 : x
      return (left, left + width, y - 10, y + 3)
    }
  }

  let text: String
  let labels: [Label]
  /// The rectangle of the curves: x, y, width, height.
  let frame: [Double]
  let size: [Double]

  init(_ text: String) throws {
    self.text = text
    labels = text.matches(of: #/<text[^>]* x="([^"]*)" y="([^"]*)"(?: text-anchor="(\w+)")?>(.*?)</text>/#)
      .map {
        Label(
          x: Double($0.1) ?? .nan, y: Double($0.2) ?? .nan, anchor: String($0.3 ?? "start"),
          text: String($0.4).replacing(#/<[^>]*>|&\w+;/#, with: ""))
      }
    func numbers(_ match: Substring?) -> [Double] {
      (match ?? "").split { !"0123456789.-".contains($0) }.compactMap { Double($0) }
    }
    frame = numbers(text.firstMatch(of: #/<clipPath[^>]*><rect ([^>]*)>/#)?.1)
    size = numbers(text.firstMatch(of: #/viewBox="([^"]*)"/#)?.1)
    try #require(frame.count == 4 && size.count == 4)
  }

  /// The curves of a class, as lists of points.
  func curves(_ style: String) -> [[[Double]]] {
    let inPlot = text.components(separatedBy: "<g clip-path")[1].components(separatedBy: "</g>")[0]
    return inPlot.matches(of: #/<path class="line (\w+) \w+" d="([^"]*)"/#).filter { $0.1 == style }.map {
      $0.2.split { "ML".contains($0) }.map { $0.split(separator: " ").compactMap { Double($0) } }
    }
  }
}
