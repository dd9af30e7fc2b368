/// The likeliest tokens of a row, found without sorting the whole of it.
public struct LargestTokens {
  /// A number and where it stands, as a key that is larger the larger the number is, and of equal numbers for the first one.
  private struct Key {
    private static let sign: UInt32 = 0x8000_0000
    let bits: UInt64

    init(_ value: Float, at index: Int) {
      // The order of floats is that of their bits, but for the sign; 0 and −0 are equal.
      let raw = (value + 0).bitPattern
      let ordered = raw & Self.sign == 0 ? raw | Self.sign : ~raw
      bits = UInt64(ordered) << 32 | UInt64(~UInt32(truncatingIfNeeded: index))
    }

    init(bits: UInt64) { self.bits = bits }

    var token: TokenID { TokenID(~UInt32(truncatingIfNeeded: bits)) }
  }

  /// The numbers of a chunk, at least.
  private static let chunk = 64

  /// The k tokens of the largest of n numbers, in falling order, of equal ones the lower first; fewer if there are fewer above −∞.
  ///
  /// The k-th largest of the maxima of chunks is no larger than the k-th largest number: only chunks that reach it are looked
  /// through, and what they hold above it is about k numbers, or a few times as many.
  public static func find(_ k: Int, of n: Int, _ x: UnsafePointer<Float>, _ functions: RowFunctions)
    -> [TokenID]
  {
    let chunk = max(Self.chunk, n / 8 / min(k, n))
    let chunks = (n + chunk - 1) / chunk
    var bound = -Float.infinity
    var maxima: [Float] = []
    if k <= chunks / 2 {
      maxima.reserveCapacity(chunks)
      for first in stride(from: 0, to: n, by: chunk) {
        maxima.append(functions.maximum(min(chunk, n - first), x + first))
      }
      bound = maxima.sorted(by: >)[k - 1]
    }
    var keys: [UInt64] = []
    for index in 0..<chunks where maxima.isEmpty || maxima[index] >= bound {
      for i in index * chunk..<min(n, (index + 1) * chunk) where x[i] >= bound && x[i] > -.infinity {
        keys.append(Key(x[i], at: i).bits)
      }
    }
    if keys.count > k {
      keys.withUnsafeMutableBufferPointer { moveLargest(k, to: &$0) }
      keys.removeLast(keys.count - k)
    }
    keys.sort(by: >)
    return keys.map { Key(bits: $0).token }
  }

  /// Brings the k largest keys, which are all different, to the front (Hoare 1961, "Algorithm 65: Find").
  private static func moveLargest(_ k: Int, to keys: inout UnsafeMutableBufferPointer<UInt64>) {
    var (low, high) = (0, keys.count - 1)
    while low < high {
      let pivot = keys[low + (high - low) / 2]
      var (i, j) = (low, high)
      while i <= j {
        while keys[i] > pivot { i += 1 }
        while keys[j] < pivot { j -= 1 }
        if i <= j {
          keys.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if k - 1 <= j {
        high = j
      } else if k - 1 >= i {
        low = i
      } else {
        return
      }
    }
  }
}
