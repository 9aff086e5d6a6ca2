import type { JobScope } from '@jobyard/client'
import { STATES, type State } from '@jobyard/jobs'
import { JobyardError } from '../../domain/errors.ts'
import type { Connected } from '../shape.ts'

/** What narrows a job's name. */
export interface ScopeOptions extends Connected {
  readonly collection?: string
  /** Where a triggered and a continuous job may have the same name. */
  readonly type?: string
}

/** Options of `script list`. */
export interface ListOptions extends ScopeOptions {
  readonly search?: string
}

/** Options of `script runs`. */
export interface RunsOptions extends ScopeOptions {
  readonly state?: string
  readonly limit: string
}

/** Options of `script rollback`. */
export interface RollbackOptions extends ScopeOptions {
  readonly to?: string
  readonly steps?: string
}

/** Options of `script rm`. */
export interface RemoveOptions extends ScopeOptions {
  readonly yes?: boolean
}

/** The part of a request that narrows a script job's name. */
export function scopeOf({ collection, type }: ScopeOptions): JobScope {
  return {
    kind: 'script',
    ...(collection === undefined ? {} : { collection }),
    ...(type === undefined ? {} : { type }),
  }
}

/** Reads a whole number of an option; `usage-invalid` when it is none or out of range. */
export function readCount(text: string, option: string, least: number, most: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (count >= least && count <= most) return count
  throw new JobyardError('usage-invalid', `${option} is "${text}", not a whole number from ${least} to ${most}.`, {
    field: option,
    hint: `Write a number, such as ${option} ${Math.min(most, Math.max(least, 10))}.`,
  })
}

/** Reads states that are separated by commas. */
export function readStates(text: string | undefined): readonly State[] | undefined {
  if (text === undefined) return undefined
  return text.split(',').map((each) => {
    const state = STATES.find((known) => known === each.trim().toLowerCase())
    if (state !== undefined) return state
    throw new JobyardError('usage-invalid', `--state names "${each.trim()}", which is no state.`, {
      field: '--state',
      hint: `Use ${STATES.join(', ')}.`,
    })
  })
}
