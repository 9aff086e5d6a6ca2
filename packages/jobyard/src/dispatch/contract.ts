/** What a dispatcher needs of the instance it works for. */
export interface Claimer {
  /** How many more runs this instance can take now; may be 0. */
  room(): number
  /**
   * Takes up to `limit` runs that are due, in the order of their `dispatch_at`, or those of `runIds` that are still
   * to be had, and begins them. Answers how many it took and when the next run falls due (epoch milliseconds).
   */
  claim(request: { readonly limit: number; readonly runIds?: readonly string[] }): Promise<ClaimResult>
}

/** What a claim gave. */
export interface ClaimResult {
  readonly claimed: number
  /** When the next run is due that nobody has taken; null when there is none. */
  readonly nextDue: number | null
}

/**
 * Decides who runs what next. A run's row is the truth; a dispatcher only sees to it that some instance with room
 * asks for it soon, so a message that comes twice, late or never does no harm beyond delay.
 */
export interface Dispatcher {
  /** Begins to call the claimer. */
  start(claimer: Claimer): Promise<void>
  /** Tells that a run may have become due here. Cheap; may be called thousands of times a second. */
  wake(): void
  /** Tells that room has come free, for runs that found none. As cheap, and no claim where none is known to wait. */
  useRoom(): void
  /** Where messages can get lost: sends those again of runs that were due long before `at` and that nobody has. */
  resend?(at: number): Promise<unknown>
  /** Where messages are locked: frees those that instances of these names had locked when they died. */
  releaseDead?(names: readonly string[]): Promise<void>
  /** Stops asking for runs; those that were taken go on. Resolves when no claim is under way. */
  stop(): Promise<void>
}
