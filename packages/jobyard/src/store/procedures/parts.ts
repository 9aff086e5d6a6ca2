import type { Value } from '../sql.ts'

/** A part of a statement with its parameters, for statements that are put together from what is asked for. */
export interface Part {
  readonly text: string
  readonly params: readonly Value[]
}

/** A condition on a value that may not be asked for: undefined then. */
export function given(text: string, value: Value | undefined): Part | undefined {
  return value === undefined ? undefined : { text, params: [value] }
}

/** A `where` that all conditions must meet, with a blank before it; nothing when there is none. */
export function whereAll(conditions: readonly (Part | undefined)[]): Part {
  const asked = conditions.filter((part) => part !== undefined)
  const text = asked.length === 0 ? '' : ` where ${asked.map((part) => part.text).join(' and ')}`
  return { text, params: asked.flatMap(({ params }) => params) }
}
