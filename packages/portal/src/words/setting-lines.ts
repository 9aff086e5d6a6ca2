import type { AppSetting, AppSettingInput } from '@jobyard/client'
import { isAzureList, readAzureList } from './azure-list.ts'

/** What is wrong with a line, counted from 1. */
export interface LineFault {
  readonly line: number
  readonly text: string
}

/** A name and a value as a text says them. */
export interface Entry {
  readonly name: string
  readonly value: string
  /** True: it says that the setting is of this slot alone. */
  readonly pinned: boolean
}

/** What a text says. */
export interface Lines {
  readonly entries: readonly Entry[]
  readonly faults: readonly LineFault[]
}

/** How one setting is to change. */
export interface SettingChange {
  readonly kind: 'new' | 'changed' | 'removed'
  readonly name: string
  /** The value before; null where there is none that is known. */
  readonly from: string | null
  /** The value after; null where there is none. */
  readonly to: string | null
  readonly secret: boolean
  /** True: it is pinned to the slot of the server. */
  readonly pinned: boolean
}

/** Names of settings compare without regard to case. */
export function settingKey(name: string): string {
  return name.toLowerCase()
}

/** Whether a setting can stand in a line: its value is known and has no line break. */
export function fitsLine({ name, value }: Pick<AppSetting, 'name' | 'value'>): boolean {
  return value !== null && !/[\r\n]/.test(value) && !/^[#[{]/.test(name)
}

/** Settings as `NAME=VALUE` lines; without those that do not fit. */
export function writeLines(settings: readonly AppSetting[]): string {
  return settings
    .filter(fitsLine)
    .map(({ name, value }) => `${name}=${value}\n`)
    .join('')
}

/**
 * Reads `NAME=VALUE` lines: a name ends at the first `=`, its value goes to the end of the line as it stands. Empty lines
 * and those that begin with `#` are passed over. What Azure and Kudu give is read as well.
 */
export function readLines(text: string): Lines {
  if (isAzureList(text)) return readAzureList(text)
  const entries: Entry[] = []
  const faults: LineFault[] = []
  const seen = new Map<string, number>()
  for (const [index, whole] of text.split(/\r\n|\n|\r/).entries()) {
    if (whole.trim() === '' || whole.trimStart().startsWith('#')) continue
    const line = index + 1
    const equals = whole.indexOf('=')
    const name = whole.slice(0, Math.max(0, equals)).trim()
    if (equals < 0) faults.push({ line, text: 'There is no = in it: write NAME=VALUE.' })
    else if (name === '') faults.push({ line, text: 'There is no name before the =.' })
    else if (seen.has(settingKey(name))) {
      faults.push({ line, text: `${name} is in line ${seen.get(settingKey(name))} already.` })
    } else {
      seen.set(settingKey(name), line)
      entries.push({ name, value: whole.slice(equals + 1), pinned: false })
    }
  }
  return { entries, faults }
}

/**
 * What lines change of settings. What fits a line and is in none is removed; secret ones and others that fit no line stay,
 * or get a new value when a line names them.
 */
export function changesOf(before: readonly AppSetting[], entries: Lines['entries']): readonly SettingChange[] {
  const named = new Set(entries.map(({ name }) => settingKey(name)))
  const old = new Map(before.map((setting) => [settingKey(setting.name), setting]))
  const put = entries.flatMap(({ name, value, pinned: asked }): SettingChange[] => {
    const was = old.get(settingKey(name))
    if (was === undefined) return [{ kind: 'new', name, from: null, to: value, secret: false, pinned: asked }]
    // What is pinned already stays where it is.
    const pinned = asked && was.slot === null
    if (!was.secret && was.value === value && was.name === name && !pinned) return []
    return [{ kind: 'changed', name, from: was.value, to: value, secret: was.secret, pinned }]
  })
  const removed = before
    .filter((setting) => fitsLine(setting) && !named.has(settingKey(setting.name)))
    .map(
      ({ name, value, secret }): SettingChange => ({
        kind: 'removed',
        name,
        from: value,
        to: null,
        secret,
        pinned: false,
      }),
    )
  return [...put, ...removed]
}

/** Changes as they are sent. */
export function inputOf(changes: readonly SettingChange[]): Record<string, AppSettingInput | null> {
  return Object.fromEntries(
    changes.map(({ name, to, pinned }) => [
      name,
      to === null ? null : { value: to, ...(pinned ? { slot: true } : {}) },
    ]),
  )
}
