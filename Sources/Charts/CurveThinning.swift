import Glibc

/// Thins a curve for a picture.
enum CurveThinning {
  /// Of the points in each of `columns` columns, the first, the lowest, the highest and the last: what is drawn looks the same
  /// (Jugel et al. 2014, "M4"). Gaps stay.
  static func thinned(_ points: [ChartPoint], along axis: Axis, columns: Int) -> [ChartPoint] {
    guard points.count > 4 * columns else { return points }
    var result: [ChartPoint] = []
    var column: [ChartPoint] = []
    var columnNumber = Int.min
    func flush() {
      let finite = column.indices.filter { column[$0].y.isFinite }
      var kept: Set<Int> = [0, column.count - 1]
      if let lowest = finite.min(by: { column[$0].y < column[$1].y }) { kept.insert(lowest) }
      if let highest = finite.max(by: { column[$0].y < column[$1].y }) { kept.insert(highest) }
      // One gap stands for all gaps of the column.
      if let gap = column.firstIndex(where: { !$0.y.isFinite }) { kept.insert(gap) }
      result += kept.sorted().map { column[$0] }
    }
    for point in points {
      let number = Int((axis.position(of: point.x) * Double(columns)).rounded(.down))
      if number != columnNumber, !column.isEmpty {
        flush()
        column.removeAll(keepingCapacity: true)
      }
      columnNumber = number
      column.append(point)
    }
    if !column.isEmpty { flush() }
    return result
  }
}
