import Kernels
import Tensors

/// Where the layers of a network declare the parameters and buffers that they need, each under its own name.
///
/// Declaring takes no memory, so the size of a network is known by building it and asking `arena` and `workspace`; no formula beside
/// the constructors has to agree with them.
struct Declarations {
  let arena: ParameterArena
  let workspace: Workspace
  let engine: Engine
  /// What the names of parameters begin with, as in `layer1`.
  private(set) var name = ""

  init(arena: ParameterArena = ParameterArena(), workspace: Workspace = Workspace(), engine: Engine) {
    (self.arena, self.workspace, self.engine) = (arena, workspace, engine)
  }

  /// Declarations into the same arena and workspace, whose names begin with this one's and `part`.
  func of(_ part: String) -> Declarations {
    var declarations = self
    declarations.name = full(part)
    return declarations
  }

  /// Declares a parameter: a matrix, or a vector. If it `isSparse`, whoever uses its rows says which; see `SparseRows`.
  func parameter(_ name: String, _ shape: Int..., isSparse: Bool = false) -> Parameter {
    arena.add(full(name), shape: shape, isSparse: isSparse)
  }

  /// Declares a buffer for what is used within a sequence.
  func buffer(_ name: String, _ extent: Extent) -> AlignedBuffer { workspace.buffer(full(name), extent) }

  /// Declares a buffer for what every row has from one sequence to the next.
  func state(_ name: String, columns: Int) -> AlignedBuffer {
    workspace.buffer(full(name), .rows(columns), isKept: true)
  }

  private func full(_ part: String) -> String { name.isEmpty ? part : "\(name).\(part)" }
}
