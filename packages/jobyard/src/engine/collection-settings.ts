import { NO_STEERING, type Steering } from '../domain/app-settings.ts'
import type { JobyardError } from '../domain/errors.ts'

/** What the settings of a collection mean to its jobs, on this instance. */
export interface CollectionSettings {
  /** Environment variables for its jobs, names as they were written. */
  readonly variables: Readonly<Record<string, string>>
  /** Values that must never be stored in output. */
  readonly secrets: readonly string[]
  /** What they say to the engine. */
  readonly steering: Steering
  /** Why nothing can be begun: a secret that cannot be opened, and so could be neither given nor masked. */
  readonly problem?: JobyardError
}

/** Whoever goes by the settings of collections. */
export interface SettingsReader {
  /** Those of a collection, as far as this instance has heard of changes. */
  of(collectionId: string): CollectionSettings
  /** True when the settings of some collection keep it from running here. */
  readonly anyStopped: boolean
}

/** What a collection without settings means to its jobs. */
export const NO_SETTINGS: CollectionSettings = { variables: {}, secrets: [], steering: NO_STEERING }
