/** Who wants to know when a task's log has grown. */
export class Followers {
  readonly #watch: (taskId: string, on: boolean) => void
  readonly #byTask = new Map<string, Set<() => void>>()

  /** `watch` is called when a task gets its first follower and when it loses the last. */
  constructor(watch: (taskId: string, on: boolean) => void) {
    this.#watch = watch
  }

  /** Adds a follower; what it returns takes it away again. */
  add(taskId: string, grown: () => void): () => void {
    // Its own function each time, so that the same callback may follow twice.
    const follower = (): void => grown()
    const followers = this.#byTask.get(taskId) ?? new Set()
    if (followers.size === 0) {
      this.#byTask.set(taskId, followers)
      this.#watch(taskId, true)
    }
    followers.add(follower)
    return () => {
      if (!followers.delete(follower) || followers.size > 0) return
      this.#byTask.delete(taskId)
      this.#watch(taskId, false)
    }
  }

  announce(taskIds: readonly string[]): void {
    for (const taskId of taskIds) {
      for (const grown of [...(this.#byTask.get(taskId) ?? [])]) grown()
    }
  }
}
