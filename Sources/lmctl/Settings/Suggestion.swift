/// The nearest of several names to a mistyped one.
enum Suggestion {
  /// `; did you mean 'x'?`, or nothing if no name is near.
  ///
  /// - Parameter typed: what people type who mean a name, by what they type.
  static func text(for typed: String, among names: [String], typed others: [String: String] = [:]) -> String {
    // No name is so long, and to compare a very long one takes its length times theirs.
    guard typed.utf8.count <= 100 else { return "" }
    return name(for: typed, among: names, typed: others).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// The same for an option, which `typed` names with its dashes.
  static func text(forOption typed: String, among options: [Option]) -> String {
    var others: [String: String] = [:]
    for option in options { for name in option.typed { others["--\(name)"] = "--\(option.name)" } }
    // One dash, or an underscore, is a slip; a dash and a letter is an option of its own.
    let bare = String(typed.drop { $0 == "-" }.map { $0 == "_" ? "-" : $0 })
    let spelt = bare.count > 1 ? "--\(bare)" : typed
    return text(for: spelt, among: options.map { "--\($0.name)" }, typed: others)
  }

  private static func name(for typed: String, among names: [String], typed others: [String: String])
    -> String?
  {
    let lower = typed.lowercased()
    if let same = names.first(where: { $0 == lower }) ?? others[lower] { return same }
    if typed.count > 3, let longer = names.first(where: { $0.hasPrefix(lower) }) { return longer }
    let all = names.map { ($0, $0) } + others.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    let ranked = all.map { (name: $0.1, distance: distance(lower, $0.0)) }
    let length = typed.drop { $0 == "-" }.count
    guard let nearest = ranked.min(by: { $0.distance < $1.distance }),
      nearest.distance <= max(1, length / 3)
    else { return nil }
    return nearest.name
  }

  /// The edit distance of Levenshtein, in which a transposition counts one (Damerau 1964).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
