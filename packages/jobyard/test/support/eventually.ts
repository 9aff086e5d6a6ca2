/** Looks again and again until `probe` gives something else than undefined or false; fails after `withinMs`. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 10_000,
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`It never came about that ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
