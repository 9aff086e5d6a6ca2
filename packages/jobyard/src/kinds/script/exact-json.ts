/** ECMAScript 2026, which the compiler's library does not have yet. */
interface ExactJson {
  rawJSON(text: string): object
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): Record<string, unknown>
}

/**
 * Reads the JSON text of an object of which numbers are only to be written again: one that would not come out as it was written, such as
 * 5.0 or one of twenty digits, is an object of which `JSON.stringify` makes the same text.
 */
export function readNumbersExactly(text: string): Record<string, unknown> {
  const json: ExactJson = JSON as typeof JSON & ExactJson
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || String(value) === source) return value
    return json.rawJSON(source)
  })
}
