import type { ValueType } from './values.ts'

/** Bytes of a kilobyte. */
export const KB = 1024
/** Bytes of a megabyte. */
export const MB = 1024 * KB

/** The machine as far as defaults depend on it. */
export interface Machine {
  /** Processors that this process may use. */
  readonly cpus: number
  /** Bytes of memory that this process may use. */
  readonly memory: number
  readonly hostname: string
  /** The current folder, where relative paths begin. */
  readonly folder: string
}

/** A setting: where it is read from, what it may be, and what it is for. */
export interface Setting<T> {
  /** Name of the environment variable without `JOBYARD_`; the flag is the same in lower case: `--database-url`. */
  readonly variable: string
  readonly type: ValueType<T>
  /** Its value when nobody sets it. `data` is the data folder. */
  readonly fallback: (machine: Machine, data: string) => T
  /** The default as documentation says it. */
  readonly otherwise: string
  /** What it is for, in a sentence or two. */
  readonly meaning: string
}

/** A setting with a default that is a value, or follows from the machine and the data folder. */
export function setting<T>(
  variable: string,
  type: ValueType<T>,
  fallback: T | ((machine: Machine, data: string) => T),
  otherwise: string,
  meaning: string,
): Setting<T> {
  const byDefault = typeof fallback === 'function' ? (fallback as Setting<T>['fallback']) : () => fallback
  return { variable, type, fallback: byDefault, otherwise, meaning }
}
