/** Resolves after so many milliseconds, or as soon as the signal aborts. Never rejects. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, milliseconds)
    signal?.addEventListener('abort', finish, { once: true })
  })
}

/** Looks every few milliseconds until the condition holds. False when it does not within the time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  everyMs = 20,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + withinMs
  for (;;) {
    if (await holds()) return true
    if (performance.now() >= end || signal?.aborted === true) return await holds()
    await pause(everyMs, signal)
  }
}
