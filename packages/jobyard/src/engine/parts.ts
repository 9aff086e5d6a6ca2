import type { Clock } from '../domain/clock.ts'
import type { Ids } from '../domain/ids.ts'
import type { OutputStore } from '../store/output/contract.ts'
import type { Repository } from '../store/procedures/index.ts'
import type { SettingsReader } from './collection-settings.ts'
import type { Events } from './events.ts'
import type { JobKind } from './kind.ts'

/** What every part of the engine works with. */
export interface EngineParts {
  readonly store: Repository
  readonly output: OutputStore
  readonly clock: Clock
  readonly ids: Ids
  /** A number from 0 to below 1. */
  readonly random: () => number
  readonly events: Events
  readonly kinds: ReadonlyMap<string, JobKind>
  /** The app settings of collections. Absent: there are none. */
  readonly appSettings?: SettingsReader
}

/** Who this engine is among the instances. */
export interface Identity {
  /** New at every entry, never used again. */
  id: string
  /** The same over restarts. */
  readonly name: string
}
