import type { EngineEvent } from './events.ts'
import type { Reason } from './kind.ts'
import type { EngineParts } from './parts.ts'

/** A change of app settings, as it is announced. */
export type SettingsChanged = Extract<EngineEvent, { readonly type: 'settings.changed' }>

const HALTED: Reason = { code: 'settings', text: 'The app setting WEBJOBS_STOPPED stops all jobs of the collection.' }
const NEW_SETTINGS: Reason = {
  code: 'settings',
  text: 'App settings were changed; the job starts again with the new ones.',
}

/** Does what changed app settings ask for; most of it is in the transactions that go by them. */
export class SettingsFollower {
  readonly #parts: EngineParts
  readonly #stop: (runIds: readonly string[], reason: Reason) => Promise<void>

  /** `stop` wants runs to end. */
  constructor(parts: EngineParts, stop: (runIds: readonly string[], reason: Reason) => Promise<void>) {
    this.#parts = parts
    this.#stop = stop
  }

  /**
   * What follows at once from a change that this instance has heard of: the continuous jobs that it runs start again with
   * what is new (each instance sees to its own, so none begins with what was), and none rests for too long.
   */
  async follow({ collectionId, restart }: SettingsChanged, owner: string): Promise<void> {
    const { store, clock, events } = this.#parts
    try {
      const runs = restart ? await store.read('continuousRuns', { owner, collectionId }) : []
      if (runs.length > 0) await this.#stop(runs, NEW_SETTINGS)
      await store.write('rewindPlaces', { at: clock.now() })
    } catch (error) {
      events.emit({ type: 'error', where: 'app settings', error })
    }
  }

  /** Ends continuous jobs that the settings do not want to run; to be called again and again, so that none slips through. */
  async stopUnwanted(owner: string): Promise<void> {
    const { store, appSettings } = this.#parts
    if (appSettings?.anyStopped !== true) return
    const runs = await store.read('unwantedRuns', { owner })
    if (runs.length > 0) await this.#stop(runs, HALTED)
  }
}
