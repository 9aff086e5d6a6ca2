import { readSteer, steeringOf, steerWarning } from '../domain/app-settings.ts'
import type { Clock } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import { spread } from '../domain/waits.ts'
import type { Actor } from '../store/procedures/audit.ts'
import type { Repository } from '../store/procedures/index.ts'
import type { SettingRow } from '../store/procedures/settings.ts'
import type { Sealer } from '../store/seal.ts'
import { type CollectionSettings, NO_SETTINGS, type SettingsReader } from './collection-settings.ts'
import type { Events } from './events.ts'
import { Loop } from './loop.ts'
import { type SettingsChange, SettingsDesk, type SettingsOwner } from './settings-change.ts'

/** A setting as it may be shown. */
export interface SettingView {
  readonly name: string
  /** Null for a secret one. */
  readonly value: string | null
  readonly secret: boolean
  /** The only slot that it is for; null: all. */
  readonly slot: string | null
  /** Epoch milliseconds. */
  readonly updatedAt: number
  readonly updatedBy: string
  /** Why the server cannot go by it, though it is one that steers; null: nothing is wrong. */
  readonly warning: string | null
}

/** What the settings are kept with. */
export interface AppSettingsParts {
  readonly store: Repository
  readonly sealer: Sealer
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events
  /** The deployment slot of this instance. */
  readonly slot: string
  /** True where no other instance can change the settings. */
  readonly alone: boolean
}

/** Longest time in milliseconds after which a change of another instance is noticed without a word from it. */
const LOOK_EVERY = 4000
/** How often a change is worked out anew when somebody else was quicker. */
const TRIES = 5

/**
 * The app settings of all collections: names with values that reach jobs as environment and steer the engine. Kept in
 * memory; a change made here counts from its answer on, one of another instance once it was heard of. Every change is
 * announced as `settings.changed`.
 */
export class AppSettings implements SettingsReader {
  readonly #parts: AppSettingsParts
  readonly #slot: string
  readonly #desk: SettingsDesk
  readonly #looking: Loop
  #known = new Map<string, { readonly text: string; readonly meaning: CollectionSettings }>()
  #revision = -1
  #loading: Promise<void> = Promise.resolve()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: AppSettingsParts) {
    this.#parts = parts
    this.#slot = parts.slot.toLowerCase()
    this.#desk = new SettingsDesk(parts.sealer, this.#slot)
    const { clock, random, events } = parts
    const turnOnce = async () => {
      await this.#load()
      return parts.alone ? null : spread(LOOK_EVERY, random())
    }
    this.#looking = new Loop({ name: 'app settings', clock, random, events, turnOnce })
  }

  /** Reads all settings; from here on changes of others are looked for. */
  async start(): Promise<void> {
    await this.#load()
    this.#looking.start()
  }

  /** Looks for changes no more. */
  async stop(): Promise<void> {
    await this.#looking.stop()
  }

  /** Looks for changes of others now: somebody says that there are some. */
  look(): void {
    this.#looking.wake()
  }

  /** The slot of this instance, in small letters. */
  get slot(): string {
    return this.#slot
  }

  of(collectionId: string): CollectionSettings {
    return this.#known.get(collectionId)?.meaning ?? NO_SETTINGS
  }

  /** True when the settings of some collection keep it from running here. */
  get anyStopped(): boolean {
    for (const { meaning } of this.#known.values()) if (meaning.steering.stopped) return true
    return false
  }

  /** The settings of a collection as they are on record, by name. */
  async list({ id }: SettingsOwner): Promise<SettingView[]> {
    const { items } = await this.#parts.store.read('listSettings', { collectionId: id })
    return items.map(({ collectionId: _, value, ...row }) =>
      row.secret ? { ...row, value: null, warning: null } : { ...row, value, warning: steerWarning(row.name, value) },
    )
  }

  /**
   * Changes settings, all of what is said or nothing; answers all that there are then. Throws 'app-setting-invalid' with the
   * setting as `field`, and 'app-setting-unknown' for one to take away that is not there.
   */
  change(owner: SettingsOwner, change: SettingsChange, actor: Actor): Promise<SettingView[]> {
    // One at a time here: only instances are to get in each other's way.
    const next = this.#turn.catch(() => undefined).then(() => this.#change(owner, change, actor))
    this.#turn = next
    return next
  }

  async #change(owner: SettingsOwner, change: SettingsChange, actor: Actor): Promise<SettingView[]> {
    await this.#changeInTurn(owner, change, actor)
    await this.#load()
    return await this.list(owner)
  }

  async #changeInTurn(owner: SettingsOwner, change: SettingsChange, actor: Actor): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#changeOnce(owner, change, actor)
      } catch (error) {
        const raced = error instanceof JobyardError && error.code === 'app-settings-changed'
        if (!raced || attempt === TRIES) throw error
      }
    }
  }

  async #changeOnce(owner: SettingsOwner, change: SettingsChange, actor: Actor): Promise<void> {
    const { store, clock } = this.#parts
    const { revision, items } = await store.read('listSettings', { collectionId: owner.id })
    const { put, remove } = this.#desk.workOut(owner, change, items)
    if (put.length + remove.length === 0) return
    const target = { collectionId: owner.id, collectionName: owner.name }
    await store.write('changeSettings', { ...target, revision, put, remove, actor, at: clock.now() })
  }

  /** Reads the settings when they are not those that are known, one reader at a time. */
  #load(): Promise<void> {
    const next = this.#loading.catch(() => undefined).then(() => this.#loadOnce())
    this.#loading = next
    return next
  }

  async #loadOnce(): Promise<void> {
    const { store } = this.#parts
    const first = this.#revision < 0
    if (!first && (await store.read('settingsRevision', undefined)) === this.#revision) return
    const { revision, items } = await store.read('listSettings', { collectionId: null })
    const before = this.#known
    const rows = Map.groupBy(items, ({ collectionId }) => collectionId)
    this.#known = new Map([...rows].map(([id, of]) => [id, this.#meaningOf(id, of, before.get(id))]))
    this.#revision = revision
    if (first) return
    for (const id of new Set([...before.keys(), ...this.#known.keys()])) {
      const was = before.get(id)
      const now = this.#known.get(id)
      if (was?.text !== now?.text) this.#announce(id, was?.meaning ?? NO_SETTINGS, now?.meaning ?? NO_SETTINGS)
    }
  }

  #meaningOf(
    id: string,
    rows: readonly SettingRow[],
    before: { readonly text: string; readonly meaning: CollectionSettings } | undefined,
  ) {
    const text = JSON.stringify(rows)
    if (before?.text === text) return before
    const here = rows.filter(({ slot }) => slot === null || slot === this.#slot)
    const values = here.map((row) => ({ row, value: this.#desk.open({ id }, row) }))
    const open = values.flatMap(({ row, value }) => (value === undefined ? [] : [{ name: row.name, value, row }]))
    const closed = values.find(({ value }) => value === undefined)
    const meaning: CollectionSettings = {
      variables: Object.fromEntries(open.map(({ name, value }) => [name, value])),
      secrets: open.flatMap(({ row, value }) => (row.secret ? [value] : [])),
      steering: steeringOf(open.filter(({ row }) => !row.secret)),
      ...(closed === undefined ? {} : { problem: unreadable(closed.row.name) }),
    }
    return { text, meaning }
  }

  #announce(collectionId: string, was: CollectionSettings, now: CollectionSettings): void {
    const restart = JSON.stringify(forJobs(was)) !== JSON.stringify(forJobs(now))
    const history = was.steering.history !== now.steering.history
    this.#parts.events.emit({ type: 'settings.changed', collectionId, restart, history })
  }
}

/** What jobs see of settings, without those that only steer. */
function forJobs({ variables }: CollectionSettings): [string, string][] {
  return Object.entries(variables).filter(([name, value]) => readSteer(name, value) === null)
}

function unreadable(name: string): JobyardError {
  const message = `The app setting ${name} is secret and cannot be decrypted with this server's key.`
  return new JobyardError('secret-unreadable', message, { hint: 'Set it again, or take it away.' })
}
