/** What was started, to be stopped in the opposite order. */
export class Shutdown {
  readonly #steps: { readonly name: string; readonly stop: () => unknown }[] = []
  #running: Promise<void> | undefined

  /** Remembers how to stop a part that was just started. */
  add(name: string, stop: () => unknown): void {
    this.#steps.push({ name, stop })
  }

  /** Stops everything, the newest first; a part that fails to does not keep the others from it. */
  run(): Promise<void> {
    this.#running ??= this.#stopAll()
    return this.#running
  }

  async #stopAll(): Promise<void> {
    const failures: Error[] = []
    for (const { name, stop } of this.#steps.toReversed()) {
      try {
        await stop()
      } catch (cause) {
        failures.push(new Error(`${name} (${cause instanceof Error ? cause.message : String(cause)})`, { cause }))
      }
    }
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `Not everything could be stopped: ${failures.map(({ message }) => message).join('; ')}.`,
      )
  }
}
