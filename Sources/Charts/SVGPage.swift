/// A picture that knows its size.
public protocol SVGPicture {
  var width: Double { get }
  var height: Double { get }
  /// The picture, beginning with its element `svg`.
  var text: String { get }
}

/// Pictures one below the other, as one picture.
public struct SVGPage: SVGPicture {
  private let pictures: [any SVGPicture]
  private let title: String

  public init(_ pictures: [any SVGPicture], title: String) { (self.pictures, self.title) = (pictures, title) }

  public var width: Double { pictures.map(\.width).max() ?? 0 }
  public var height: Double { pictures.reduce(0) { $0 + $1.height } }

  public var text: String {
    var parts = SVGText.head(width: width, height: height, title: title, description: title)
    var top = 0.0
    for picture in pictures {
      parts.append("<svg y=\"\(SVGText.number(top))\"" + picture.text.dropFirst("<svg".count))
      top += picture.height.rounded(.up)
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }
}
