/**
 * The folders on the way to jobs in which something lay when this server looked. An empty one that is not among them may be
 * the place of a disk that is not there.
 */
export class KnownFolders {
  readonly #identities = new Map<string, string>()

  /** Notes that something lies in a folder. `identity` tells it from others that are put at its path. */
  note(path: string, identity: string): void {
    this.#identities.set(path, identity)
  }

  /** Whether something lay at this path before, in whatever folder. */
  knows(path: string): boolean {
    return this.#identities.has(path)
  }

  /** Whether it is the very folder that something lay in before. */
  isSame(path: string, identity: string | undefined): boolean {
    return identity !== undefined && this.#identities.get(path) === identity
  }
}
