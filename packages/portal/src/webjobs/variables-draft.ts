import type { ScriptSpec } from '@jobyard/client'
import { readLines } from '../words/setting-lines.ts'

/** A variable as it is edited. */
export interface VariableDraft {
  /** Tells rows apart, also while two have the same name. */
  readonly key: number
  readonly name: string
  /** Of a secret that is set only what is typed now. */
  readonly value: string
  readonly secret: boolean
  /** True: it is a secret that is set, under this name; without a new value it stays. */
  readonly kept: boolean
}

/** The variables of a job, to be edited: by name. */
export function variablesDraft({ env = {}, secrets = {} }: ScriptSpec): readonly VariableDraft[] {
  const plain = Object.entries(env).map(([name, value]) => ({ name, value, secret: false, kept: false }))
  const sealed = Object.keys(secrets).map((name) => ({ name, value: '', secret: true, kept: true }))
  return [...plain, ...sealed]
    .sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name))
    .map((variable, key) => ({ ...variable, key }))
}

/** A row for another variable. */
export function addVariable(rows: readonly VariableDraft[], name = '', value = ''): readonly VariableDraft[] {
  const key = Math.max(-1, ...rows.map((row) => row.key)) + 1
  return [...rows, { key, name, value, secret: false, kept: false }]
}

/**
 * Rows with `NAME=VALUE` lines entered: into the row of the same name, else into rows of their own. `at` is the row in
 * which they were pasted; it goes when it has no name. Undefined when the text is not such lines.
 */
export function pasteVariables(
  rows: readonly VariableDraft[],
  at: number,
  text: string,
): readonly VariableDraft[] | undefined {
  const { entries, faults } = readLines(text)
  if (entries.length === 0 || faults.length > 0) return undefined
  const others = rows.filter(({ key, name }) => key !== at || name !== '')
  return entries.reduce<readonly VariableDraft[]>((all, { name, value }) => {
    const index = all.findIndex((row) => row.name === name)
    const row = all[index]
    return row === undefined ? addVariable(all, name, value) : all.with(index, { ...row, value })
  }, others)
}

/** What is wrong with a row; undefined: nothing that can be seen here. */
export function faultOfVariable(row: VariableDraft, rows: readonly VariableDraft[]): string | undefined {
  if (row.name === '') return row.value === '' ? undefined : 'Give it a name.'
  if (row.name.includes('=')) return 'A name cannot have = in it.'
  const twin = rows.some((other) => other.key < row.key && other.name === row.name)
  if (twin) return 'There is one of this name already.'
  return row.kept && !row.secret && row.value === ''
    ? 'What is secret cannot be shown: type its value anew.'
    : undefined
}

type Values = Readonly<Record<string, string | null>>

/** What rows change of the variables that were there: null takes one away. Undefined: nothing. */
export function variablesChange(
  rows: readonly VariableDraft[],
  { env = {}, secrets = {} }: ScriptSpec,
): { readonly env?: Values; readonly secrets?: Values } | undefined {
  const named = rows.filter(({ name }) => name !== '')
  const plain = new Map(named.flatMap(({ name, value, secret }) => (secret ? [] : [[name, value] as const])))
  const sealed = new Map(named.flatMap((row) => (row.secret ? [[row.name, row] as const] : [])))
  const envChange = Object.fromEntries([
    ...[...plain].filter(([name, value]) => env[name] !== value || !Object.hasOwn(env, name)),
    ...Object.keys(env).flatMap((name) => (plain.has(name) ? [] : [[name, null] as const])),
  ])
  const secretChange = Object.fromEntries([
    ...[...sealed].flatMap(([name, { kept, value }]) => (kept && value === '' ? [] : [[name, value] as const])),
    ...Object.keys(secrets).flatMap((name) => (sealed.has(name) ? [] : [[name, null] as const])),
  ])
  const said = {
    ...(Object.keys(envChange).length === 0 ? {} : { env: envChange }),
    ...(Object.keys(secretChange).length === 0 ? {} : { secrets: secretChange }),
  }
  return Object.keys(said).length === 0 ? undefined : said
}
