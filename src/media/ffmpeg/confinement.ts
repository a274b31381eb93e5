/** What a run on data of others may touch. How that is enforced depends on the machine: whoever finds the tools brings it along. */

export interface Access {
  /** Files that it may read, besides what the program itself needs. */
  readonly reads: readonly string[]
  /** Files that it may read, and that are open in this process: what they were when they were opened, under the paths that it is told. */
  readonly open?: readonly { readonly path: string; readonly fd: number }[]
  /** Files that are there already and that it may write. */
  readonly writes?: readonly string[]
  /** No file of its may become larger. */
  readonly fileBytesMax?: number
}

/** A command that confines another. */
export interface Confinement {
  /** Words in front of those that set priority and death. */
  readonly outer: readonly string[]
  /** Words right in front of the program. */
  readonly inner: readonly string[]
  /** All that it finds in its environment, besides what its build needs; undefined: this process's own. */
  readonly env: Readonly<Record<string, string>> | undefined
}

export type Confine = (access: Access) => Confinement
