/** A bound on how long an answer may take. */
export interface TimeLimit {
  readonly milliseconds: number
  /** Aborts when the limit is over, or when the caller gives up; null when neither can be. */
  readonly signal: AbortSignal | null
  /** The answer is there: the limit does not count any longer. */
  settle(): void
}

/** A limit of so many milliseconds, 0 for none, beside a signal that aborts earlier. */
export function timeLimit(milliseconds: number, signal: AbortSignal | undefined): TimeLimit {
  if (milliseconds === 0) return { milliseconds, signal: signal ?? null, settle: () => undefined }
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), milliseconds)
  const both = signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal])
  return { milliseconds, signal: both, settle: () => clearTimeout(timer) }
}

/** Resolves after so many milliseconds; rejects with the signal's reason when that aborts first. */
export async function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
