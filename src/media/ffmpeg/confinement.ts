/** What a run on data of others may touch. How that is enforced depends on the machine: whoever finds the tools brings it along. */

/** A file by its path, which is absolute, and its descriptor where it is open in this process. */
export interface FilePlace {
  readonly path: string
  readonly fd?: number | undefined
}

export interface Access {
  /** Files that it may read, and directories with all in them, besides what the program itself needs. */
  readonly reads: readonly string[]
  /** Files that it may read, and that are open in this process: what they were when they were opened, under the paths that it is told. */
  readonly open?: readonly { readonly path: string; readonly fd: number }[]
  /** Files that it may write; those that are not there are made. */
  readonly writes?: readonly string[]
  /** It encodes on the graphics card. */
  readonly usesGpu?: boolean | undefined
  /** It reads from the network, or from a device: whoever started this node has named that. */
  readonly usesNetwork?: boolean | undefined
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

/** @param writes paths */
export function fileAccess(reads: readonly FilePlace[], writes: readonly string[] = []): Access {
  return {
    reads: reads.flatMap(({ path, fd }) => (fd === undefined ? [path] : [])),
    open: reads.flatMap(({ path, fd }) => (fd === undefined ? [] : [{ path, fd }])),
    writes,
  }
}
