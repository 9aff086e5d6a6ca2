import { LARGEST_SETTINGS_BYTES, MOST_SETTINGS, readSteer, settingFault, settingKey } from '../domain/app-settings.ts'
import { JobyardError } from '../domain/errors.ts'
import type { SettingRow } from '../store/procedures/settings.ts'
import type { Sealer } from '../store/seal.ts'

/** The collection as far as its settings need it. */
export interface SettingsOwner {
  readonly id: string
  readonly name: string
}

/** What is said of a setting. What is left out stays as it is; a new one is plain and for all slots. */
export interface SettingInput {
  readonly value?: string
  /** True: kept encrypted, never shown, masked in output. One that is secret stays so until false is said, with a value. */
  readonly secret?: boolean
  /** The only slot that it is for; true: this server's; null or false: all. */
  readonly slot?: string | boolean | null
}

/** A change of the settings of a collection. */
export interface SettingsChange {
  /** Settings to add or to change, by name. */
  readonly set: Readonly<Record<string, SettingInput>>
  /** Names of settings to take away; `others`: all that `set` does not name. */
  readonly remove?: readonly string[] | 'others'
  /** True: values that steer the engine and cannot be read are taken, and count as not set, as with WebJobs. Default: refused. */
  readonly lenient?: boolean
}

/** A setting as it is to be stored. */
type Draft = Pick<SettingRow, 'name' | 'value' | 'secret' | 'slot'>

/** Works out what a change of settings is to store, and opens what is stored. */
export class SettingsDesk {
  readonly #sealer: Sealer
  readonly #slot: string

  /** `slot`: that of this instance, in small letters. */
  constructor(sealer: Sealer, slot: string) {
    this.#sealer = sealer
    this.#slot = slot
  }

  /**
   * What there is to store and to take away, given what is there; nothing of what stays as it is. Throws
   * 'app-setting-invalid' and 'app-setting-unknown'.
   */
  workOut(
    owner: SettingsOwner,
    change: SettingsChange,
    rows: readonly SettingRow[],
  ): { readonly put: readonly Draft[]; readonly remove: readonly string[] } {
    const before = new Map(rows.map((row) => [settingKey(row.name), row]))
    const drafts = Object.entries(change.set).map(([name, input]) =>
      this.#draft(owner, name, input, before.get(settingKey(name)), change.lenient === true),
    )
    requireDistinct(drafts.map(({ name }) => name))
    const remove = namesToRemove(change, before)
    const after = new Map<string, Draft>(before)
    for (const name of remove) after.delete(settingKey(name))
    for (const draft of drafts) after.set(settingKey(draft.name), draft)
    this.#requireBounds(owner, [...after.values()])
    return { put: drafts.filter((draft) => !isSame(draft, before.get(settingKey(draft.name)))), remove }
  }

  /** A setting as it is to be stored, given what is said of it and what is there. */
  #draft(owner: SettingsOwner, name: string, input: SettingInput, before: SettingRow | undefined, lenient: boolean) {
    const secret = input.secret ?? before?.secret ?? false
    const slot = input.slot === undefined ? (before?.slot ?? null) : this.#slotOf(name, input.slot)
    if (input.value === undefined) {
      if (before === undefined) throw invalid(name, 'has no value')
      if (before.secret && !secret) throw invalid(name, 'is secret; say its value, too, to have it plain')
    }
    const value = input.value ?? (before?.secret ? null : (before?.value ?? ''))
    if (value === null) return { name, value: before?.value ?? '', secret, slot }
    const fault = settingFault(name, value)
    if (fault !== undefined) throw invalid(name, fault)
    const steers = readSteer(name, value)
    if (steers !== null && secret) throw invalid(name, 'steers the server and cannot be secret')
    if (steers !== null && steers.fault !== null && !lenient) throw invalid(name, steers.fault)
    return { name, value: secret ? this.#seal(owner, name, value, before) : value, secret, slot }
  }

  #slotOf(name: string, slot: string | boolean | null): string | null {
    if (slot === null || slot === false) return null
    if (slot === true) return this.#slot
    if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(slot)) return slot.toLowerCase()
    throw invalid(name, `cannot be pinned to ${JSON.stringify(slot.slice(0, 80))}, which is no name of a slot`)
  }

  /** What is sealed is new each time, so a value that is the same is kept as it was sealed. */
  #seal(owner: SettingsOwner, name: string, value: string, before: SettingRow | undefined): string {
    if (before?.secret && this.open(owner, before) === value && before.name === name) return before.value
    return this.#sealer.seal(value, placeOf(owner.id, name)).sealed
  }

  /** The value of a stored setting; undefined for a secret that cannot be opened. */
  open({ id }: Pick<SettingsOwner, 'id'>, { name, value, secret }: Draft): string | undefined {
    if (!secret) return value
    try {
      return this.#sealer.open({ sealed: value }, placeOf(id, name))
    } catch (error) {
      if (error instanceof JobyardError && error.code === 'secret-unreadable') return undefined
      throw error
    }
  }

  #requireBounds(owner: SettingsOwner, rows: readonly Draft[]): void {
    if (rows.length > MOST_SETTINGS) {
      const message = `The collection ${owner.name} would have ${rows.length} app settings; at most ${MOST_SETTINGS} are kept.`
      throw new JobyardError('app-setting-invalid', message, { field: 'settings' })
    }
    const bytes = rows.reduce((sum, row) => {
      return sum + Buffer.byteLength(row.name) + Buffer.byteLength(this.open(owner, row) ?? row.value)
    }, 0)
    if (bytes <= LARGEST_SETTINGS_BYTES) return
    const message = `The app settings of ${owner.name} would have ${bytes} bytes together; at most ${LARGEST_SETTINGS_BYTES} are kept.`
    throw new JobyardError('app-setting-invalid', message, { field: 'settings' })
  }
}

function isSame(one: Pick<SettingRow, 'name' | 'value' | 'secret' | 'slot'>, other: SettingRow | undefined): boolean {
  if (other === undefined || one.name !== other.name) return false
  return one.value === other.value && one.secret === other.secret && one.slot === other.slot
}

function namesToRemove({ set, remove = [] }: SettingsChange, before: ReadonlyMap<string, SettingRow>): string[] {
  const named = new Set(Object.keys(set).map(settingKey))
  if (remove === 'others') return [...before].filter(([key]) => !named.has(key)).map(([, { name }]) => name)
  return [...new Set(remove.map(settingKey))].map((key) => {
    const row = before.get(key)
    if (row !== undefined) return row.name
    throw new JobyardError('app-setting-unknown', `There is no app setting ${JSON.stringify(key.slice(0, 256))}.`, {
      field: 'name',
    })
  })
}

function requireDistinct(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(settingKey(name))) throw invalid(name, 'is there twice: names differ by more than capital letters')
    seen.add(settingKey(name))
  }
}

function invalid(name: string, fault: string): JobyardError {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name
  return new JobyardError('app-setting-invalid', `The app setting ${JSON.stringify(shown)} ${fault}.`, {
    field: `settings.${shown}`,
  })
}

/** What a secret is sealed for: it cannot be opened as another collection's, or under another name. */
function placeOf(collectionId: string, name: string): string {
  return `setting:${collectionId}:${settingKey(name)}`
}
