extension Range<Int> {
  /// The first index for which `isBefore` is false, where it is true for all before and false for all behind; the end if there is
  /// none.
  @inline(__always)
  func partitionPoint(_ isBefore: (Int) throws -> Bool) rethrows -> Int {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = (low + high) / 2
      if try isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
