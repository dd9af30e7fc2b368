import Charts
import LanguageModels

/// The file that a picture goes to.
enum PictureFile {
  /// Makes sure, before the work, that a picture can be written to `path`.
  static func check(_ path: String, option: String = "--output", inputs: [String], isForced: Bool) throws {
    for suffix in [".png", ".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".eps", ".svgz", ".gz"]
    where path.hasSuffix(suffix) {
      throw UsageError(
        "\(option) writes SVG, so its name must not end in '\(suffix)'; name it .svg and convert it afterwards"
      )
    }
    _ = try OutputFile(path, .picture, inputs: inputs, isForced: isForced)
  }

  /// Writes a picture.
  static func write(_ picture: any SVGPicture, to path: String) throws {
    var text = picture.text
    let file = try AtomicFile(path: path)
    try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
    try file.commit()
  }
}
