/// Sorts numbers by their digits to base 256, the lowest first; stable, in time proportional to the number of digits that differ.
enum RadixSort {
  /// Sorts `keys`, and `values` with them.
  ///
  /// `spareKeys` and `spareValues` are overwritten; all four must be equally long.
  static func sort(
    _ keys: UnsafeMutableBufferPointer<UInt64>, _ values: UnsafeMutableBufferPointer<UInt32>,
    spareKeys: UnsafeMutableBufferPointer<UInt64>, spareValues: UnsafeMutableBufferPointer<UInt32>
  ) {
    if keys.count < 48 { return sortByInsertion(keys, values) }
    var (any, all): (UInt64, UInt64) = (0, .max)
    for key in keys {
      any |= key
      all &= key
    }
    let differing = any ^ all
    var (fromKeys, fromValues, toKeys, toValues) = (keys, values, spareKeys, spareValues)
    var isElsewhere = false
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { next in
      for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xFF != 0 {
        next.initialize(repeating: 0)
        for key in fromKeys { next[Int(truncatingIfNeeded: key >> shift & 0xFF)] += 1 }
        var sum = 0
        for digit in 0..<256 { (next[digit], sum) = (sum, sum + next[digit]) }
        for i in fromKeys.indices {
          let key = fromKeys[i]
          let digit = Int(truncatingIfNeeded: key >> shift & 0xFF)
          let target = next[digit]
          next[digit] = target + 1
          toKeys[target] = key
          toValues[target] = fromValues[i]
        }
        swap(&fromKeys, &toKeys)
        swap(&fromValues, &toValues)
        isElsewhere.toggle()
      }
    }
    if isElsewhere {
      _ = keys.update(fromContentsOf: fromKeys)
      _ = values.update(fromContentsOf: fromValues)
    }
  }

  private static func sortByInsertion(
    _ keys: UnsafeMutableBufferPointer<UInt64>, _ values: UnsafeMutableBufferPointer<UInt32>
  ) {
    for i in keys.indices.dropFirst() {
      let (key, value) = (keys[i], values[i])
      var j = i
      while j > 0, keys[j - 1] > key {
        keys[j] = keys[j - 1]
        values[j] = values[j - 1]
        j -= 1
      }
      keys[j] = key
      values[j] = value
    }
  }

  /// Sorts `keys`, and `values` with them; memory: as much again.
  static func sort(_ keys: inout [UInt64], _ values: inout [UInt32]) {
    var spareKeys = [UInt64](repeating: 0, count: keys.count)
    var spareValues = [UInt32](repeating: 0, count: values.count)
    keys.withUnsafeMutableBufferPointer { keys in
      values.withUnsafeMutableBufferPointer { values in
        spareKeys.withUnsafeMutableBufferPointer { spareKeys in
          spareValues.withUnsafeMutableBufferPointer { spareValues in
            sort(keys, values, spareKeys: spareKeys, spareValues: spareValues)
          }
        }
      }
    }
  }
}
