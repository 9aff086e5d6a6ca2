import type { PackageTree } from './package-tree.ts'

/** Listings of packages used lately, so that a run need not read one again. Bounded by the files that they name. */
export class TreeCache {
  readonly #capacity: number
  /** The one used longest ago comes first. */
  readonly #trees = new Map<string, PackageTree>()
  #files = 0

  /** `capacity` is how many files may be named in all; the newest listing is kept even when it alone has more. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(hash: string): PackageTree | undefined {
    const tree = this.#trees.get(hash)
    if (tree !== undefined) {
      this.#trees.delete(hash)
      this.#trees.set(hash, tree)
    }
    return tree
  }

  add(hash: string, tree: PackageTree): void {
    this.remove(hash)
    this.#trees.set(hash, tree)
    this.#files += tree.files.length
    for (const oldest of this.#trees.keys()) {
      if (this.#files <= this.#capacity || oldest === hash) return
      this.remove(oldest)
    }
  }

  remove(hash: string): void {
    const tree = this.#trees.get(hash)
    if (tree === undefined) return
    this.#trees.delete(hash)
    this.#files -= tree.files.length
  }
}
