import type { Lines } from './setting-lines.ts'

/** Whether a text looks like settings as Azure has them, in JSON: no line of `NAME=VALUE` begins so. */
export function isAzureList(text: string): boolean {
  return /^\s*[[{]/.test(text)
}

/**
 * Reads the settings that Azure's portal and `az webapp config appsettings list` give, objects with `name`, `value`, and
 * `slotSetting` for those of one slot; and those of Kudu, one object of names and values.
 */
export function readAzureList(text: string): Lines {
  const list = itemsOf(parse(text))
  if (list === undefined) return wrong('This is no JSON that is whole.')
  const entries = list.flatMap(({ name, value, slotSetting }) => {
    if (typeof name !== 'string' || name.trim() === '' || typeof value !== 'string') return []
    return [{ name: name.trim(), value, pinned: slotSetting === true }]
  })
  if (entries.length < list.length) return wrong('Not every setting has a name and a value that are text.')
  const names = new Set(entries.map(({ name }) => name.toLowerCase()))
  return names.size < entries.length ? wrong('A name is in it twice.') : { entries, faults: [] }
}

function wrong(what: string): Lines {
  const text = `${what} What begins with [ or { is read as the settings that Azure and Kudu give.`
  return { entries: [], faults: [{ line: 1, text }] }
}

type Item = Readonly<Record<string, unknown>>

function itemsOf(parsed: unknown): readonly Item[] | undefined {
  if (Array.isArray(parsed)) return parsed.map((item: unknown) => (isObject(item) ? item : {}))
  return isObject(parsed) ? Object.entries(parsed).map(([name, value]) => ({ name, value })) : undefined
}

function isObject(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
