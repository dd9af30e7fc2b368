import Glibc
import LanguageModels

/// Names and numbers as charts show them.
public enum ChartText {
  /// `value` to four digits.
  public static func figure(_ value: Double) -> String {
    let size = abs(value)
    if size >= 1000, size < 1e9 { return NumberText.fixed(value, 0) }
    return NumberText.significant(value, 4)
  }

  /// The columns that a terminal needs for `character`, or the halves of its height that a picture needs.
  static func columns(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first, scalar.value >= 0x1100 else { return 1 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
      0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// The columns that a terminal needs for `text`.
  public static func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

  /// `text` in at most so many columns, with what is in the middle left out: the ends tell names apart.
  public static func shortened(_ text: String, to limit: Int) -> String {
    guard columns(text) > limit else { return text }
    var (head, tail) = ("", "")
    var left = limit - 1
    var (rest, fromHead) = (text[...], true)
    while let next = fromHead ? rest.first : rest.last, columns(next) <= left {
      left -= columns(next)
      if fromHead { head.append(rest.removeFirst()) } else { tail.append(rest.removeLast()) }
      fromHead.toggle()
    }
    return head + "…" + String(tail.reversed())
  }

  /// `text` without characters that would move a terminal's cursor or that XML has no place for.
  public static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.shown.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      let isNoCharacter = scalar.value & 0xFFFE == 0xFFFE
      // Marks that turn the direction of writing would turn what follows too.
      let isDirection = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      result.append(isControl || isNoCharacter || isDirection ? "\u{FFFD}" : scalar)
    }
    return String(result)
  }

  /// Names for files: the last parts of their paths, as many as tell them apart, without extensions.
  public static func names(ofFiles paths: [String]) -> [String] {
    var names = paths.map { name(of: $0, parts: 1) }
    for parts in 2...8 {
      let repeated = Set(names.filter { name in names.count { $0 == name } > 1 })
      if repeated.isEmpty { break }
      for i in names.indices where repeated.contains(names[i]) { names[i] = name(of: paths[i], parts: parts) }
    }
    return names.map(printable)
  }

  private static func name(of path: String, parts: Int) -> String {
    if path == "-" { return "standard input" }
    var name = path.split(separator: "/").suffix(parts).joined(separator: "/")
    for suffix in [".gz", ".bz2", ".xz", ".zst", ".jsonl", ".json", ".log"]
    where name.hasSuffix(suffix) && name.count > suffix.count && !name.hasSuffix("/" + suffix) {
      name.removeLast(suffix.count)
    }
    return name
  }
}
