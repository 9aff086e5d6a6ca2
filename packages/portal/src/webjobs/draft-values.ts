/** A number that was typed; null for what is usual. */
export function numberOf(text: string): number | null {
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : null
}

/** A text that was typed; null for what is usual. */
export function textOf(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

/** The members of what is wanted that are not as they were; undefined: all are. */
export function differing(
  wanted: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const changed = Object.entries(wanted).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  )
  return changed.length === 0 ? undefined : Object.fromEntries(changed)
}
