/// What sorted sources have next, the least of it first: each stands before both of its children, at places 2i + 1 and 2i + 2.
struct MergeHeap<Element> {
  private var elements: [Element] = []

  /// The least element.
  var first: Element? { elements.first }

  /// Puts `element` in.
  @inline(__always)
  mutating func insert(_ element: Element, by precedes: (Element, Element) -> Bool) {
    elements.append(element)
    var place = elements.count - 1
    while place > 0, precedes(elements[place], elements[(place - 1) / 2]) {
      elements.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// Puts what the source of the first element has next in its place; `nil` if that has nothing more.
  @inline(__always)
  mutating func replaceFirst(with element: Element?, by precedes: (Element, Element) -> Bool) {
    if let element {
      elements[0] = element
    } else {
      elements[0] = elements[elements.count - 1]
      elements.removeLast()
    }
    var place = 0
    while true {
      var least = place
      for child in 2 * place + 1..<2 * place + 3
      where child < elements.count && precedes(elements[child], elements[least]) {
        least = child
      }
      if least == place { return }
      elements.swapAt(place, least)
      place = least
    }
  }
}
