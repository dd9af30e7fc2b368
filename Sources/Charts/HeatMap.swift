/// Values in rows and columns, shown as colours; several of them over the same columns make a picture.
public struct HeatMap {
  public let name: String
  public let rowLabels: [String]
  /// The values, row by row; NaN where there is none.
  public let rows: [[Double]]
  public let scale: ColourScale

  public init(name: String, rowLabels: [String], rows: [[Double]], scale: ColourScale) {
    precondition(rowLabels.count == rows.count, "every row has a label")
    (self.name, self.rowLabels, self.rows, self.scale) = (name, rowLabels, rows, scale)
  }
}

/// Heat maps over the same columns.
public struct HeatMaps {
  public let title: String
  public let columnLabels: [String]
  /// The maps; each group of them begins a new line.
  public let groups: [[HeatMap]]
  /// What the rows are.
  public let rowTitle: String

  public init(title: String, columnLabels: [String], rowTitle: String, groups: [[HeatMap]]) {
    precondition(
      groups.joined().allSatisfy { $0.rows.allSatisfy { $0.count == columnLabels.count } },
      "every column has a label")
    (self.title, self.columnLabels, self.groups, self.rowTitle) = (title, columnLabels, groups, rowTitle)
  }

  /// All maps.
  var maps: [HeatMap] { Array(groups.joined()) }

  /// The scales that the maps use.
  var scales: [ColourScale] {
    [.sequential, .diverging].filter { scale in maps.contains { $0.scale == scale } }
  }
}
