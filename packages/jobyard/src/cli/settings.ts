import type { AppSetting } from '@jobyard/client'
import { JobyardError } from '../domain/errors.ts'
import { answer, printJson } from './answer.ts'
import { askSecret } from './ask.ts'
import { connect } from './connection.ts'
import type { Connected } from './shape.ts'
import { type Column, printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { NOTHING } from './wording.ts'

/** Options of the commands of app settings. */
export interface SettingsOptions extends Connected {
  readonly collection?: string
}

/** Options of `settings set`. */
export interface SettingsSetOptions extends SettingsOptions {
  readonly secret?: boolean
  readonly plain?: boolean
  readonly slot?: boolean
  readonly everySlot?: boolean
}

/** Lists the app settings of a collection. */
export async function listSettings(terminal: Terminal, options: SettingsOptions): Promise<void> {
  const settings = await (await connect(terminal, options)).settings.list(scopeOf(options))
  if (options.json === true) return printJson(terminal, settings)
  const notes: Column<AppSetting>[] = settings.every(({ warning }) => warning === null)
    ? []
    : [{ title: 'NOTE', value: ({ warning }) => warning ?? '', style: () => 'yellow', yields: true }]
  await printTable(terminal.stdout, settings, [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'VALUE', value: shownValue, yields: true },
    { title: 'SLOT', value: ({ slot }) => slot ?? 'all' },
    timeColumn('CHANGED', ({ updatedAt }) => updatedAt),
    { title: 'BY', value: ({ updatedBy }) => updatedBy, yields: true },
    ...notes,
  ])
}

function shownValue({ value, secret }: AppSetting): string {
  if (secret) return '(secret)'
  return value ?? NOTHING
}

/** Sets app settings; the others stay. */
export async function setSettings(
  terminal: Terminal,
  given: readonly string[],
  options: SettingsSetOptions,
): Promise<void> {
  const jobyard = await connect(terminal, options)
  const said = {
    ...(options.secret === true ? { secret: true } : options.plain === true ? { secret: false } : {}),
    ...(options.slot === true ? { slot: true } : options.everySlot === true ? { slot: null } : {}),
  }
  const values = await readValues(terminal, given, options)
  const settings = Object.fromEntries(
    [...values].map(([name, value]) => [name, { ...said, ...(value === undefined ? {} : { value }) }]),
  )
  const after = await jobyard.settings.change(settings, scopeOf(options))
  const names = [...values.keys()]
  await answer(terminal, options, after, `Set ${names.join(', ')}.`)
}

/** Takes app settings away. */
export async function unsetSettings(
  terminal: Terminal,
  names: readonly string[],
  options: SettingsOptions,
): Promise<void> {
  const jobyard = await connect(terminal, options)
  const scope = scopeOf(options)
  const there = new Set((await jobyard.settings.list(scope)).map(({ name }) => name.toLowerCase()))
  const missing = names.find((name) => !there.has(name.toLowerCase()))
  if (missing !== undefined) {
    throw new JobyardError('app-setting-unknown', `There is no app setting ${missing}.`, {
      hint: 'See `jobyard settings list`.',
    })
  }
  const after = await jobyard.settings.change(Object.fromEntries(names.map((name) => [name, null])), scope)
  await answer(terminal, options, after, `Took ${names.join(', ')} away.`)
}

function scopeOf({ collection }: SettingsOptions): { collection?: string } {
  return collection === undefined ? {} : { collection }
}

/** The values as they were given; undefined where only what is said of a setting is to change. */
async function readValues(
  terminal: Terminal,
  given: readonly string[],
  { secret, plain, slot, everySlot }: SettingsSetOptions,
): Promise<Map<string, string | undefined>> {
  const values = new Map<string, string | undefined>()
  const asked = given.filter((each) => !each.includes('='))
  if (secret === true && asked.length > 1 && terminal.stdin.isTTY !== true) {
    throw new JobyardError('usage-invalid', 'Standard input can give the value of one secret only.', {
      hint: 'Set one secret at a time, or write NAME=VALUE.',
    })
  }
  for (const each of given) {
    const at = each.indexOf('=')
    const name = at < 0 ? each : each.slice(0, at)
    if (name.trim() === '') throw unnamed()
    if (at >= 0) values.set(name, each.slice(at + 1))
    else if (secret === true) values.set(name, await askSecret(terminal, `Value of ${name}: `))
    else if (plain === true || slot === true || everySlot === true) values.set(name, undefined)
    else throw valueless(name)
  }
  return values
}

/** What came instead is not shown: it may be a secret. */
function unnamed(): JobyardError {
  return new JobyardError('usage-invalid', 'A setting has no name before "=".', {
    hint: 'Write NAME=VALUE.',
  })
}

function valueless(name: string): JobyardError {
  return new JobyardError('usage-invalid', `${name} has no value.`, {
    hint: `Write ${name}=VALUE; with --secret the value is asked for.`,
  })
}
