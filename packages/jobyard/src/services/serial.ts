/** Does work that concerns the same thing one after the other, in this process. */
export class Serial {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does `work` once all that was given before for this key has ended, well or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const turn = before.then(work, work)
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}
