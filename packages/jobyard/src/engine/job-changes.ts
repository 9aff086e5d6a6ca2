import { isDeepStrictEqual } from 'node:util'
import { formatDuration, formatSize } from '../domain/durations.ts'
import type { JobRow, TriggerSpec } from '../domain/model.ts'
import { isObject } from '../domain/plain-object.ts'

/** A job before or after a change, as far as people change it. */
export interface JobState extends Pick<JobRow, 'name' | 'spec' | 'policy' | 'enabled' | 'packageHash'> {
  readonly triggers: readonly TriggerSpec[]
}

/** What was changed, by its place such as `policy.timeout`: what it was and is, or only that it was `set`, `changed` or `removed`. */
export type JobChanges = Readonly<Record<string, { readonly from: unknown; readonly to: unknown } | string>>

/** More changes than these are not listed one by one. */
const MOST_CHANGES = 100

type Members = Readonly<Record<string, unknown>>

/**
 * Tells how two states of a job differ, for the audit log. Of the spec only the members in `told` are shown with their
 * values: all others, such as variables and arguments, may hold what is to stay secret. Durations and sizes are texts.
 */
export function describeChanges(before: JobState, after: JobState, told: readonly string[]): JobChanges {
  const changes = [
    ...differ('name', before.name, after.name),
    ...differ('enabled', before.enabled, after.enabled),
    ...differ('package', before.packageHash, after.packageHash),
    ...differ('triggers', before.triggers.map(sayTrigger), after.triggers.map(sayTrigger)),
    ...memberChanges('policy', sayPolicy(before.policy), sayPolicy(after.policy), differ),
    ...memberChanges('spec', before.spec, after.spec, (place, from, to) =>
      told.some((name) => place === `spec.${name}`) ? differ(place, from, to) : hiddenChanges(place, from, to),
    ),
  ]
  const left = changes.length - MOST_CHANGES
  return Object.fromEntries(left > 0 ? [...changes.slice(0, MOST_CHANGES), ['…', `${left} more`]] : changes)
}

type Change = readonly [place: string, change: JobChanges[string]]

function differ(place: string, from: unknown, to: unknown): Change[] {
  return isDeepStrictEqual(from, to) ? [] : [[place, { from: from ?? null, to: to ?? null }]]
}

function memberChanges(
  place: string,
  from: unknown,
  to: unknown,
  compare: (place: string, from: unknown, to: unknown) => Change[],
): Change[] {
  const [old, now] = [membersOf(from), membersOf(to)]
  const names = new Set([...Object.keys(old), ...Object.keys(now)])
  return [...names].flatMap((name) => compare(`${place}.${name}`, old[name], now[name]))
}

/** Says of a member, or of each within an object, that it is another one, and nothing of what it holds. */
function hiddenChanges(place: string, from: unknown, to: unknown): Change[] {
  if (isDeepStrictEqual(from, to)) return []
  const whole = (value: unknown): boolean => value !== undefined && !isObject(value)
  if (whole(from) || whole(to)) return [[place, wordFor(from, to)]]
  return memberChanges(place, from, to, (within, old, now) =>
    isDeepStrictEqual(old, now) ? [] : [[within, wordFor(old, now)]],
  )
}

function wordFor(from: unknown, to: unknown): string {
  if (from === undefined) return 'set'
  return to === undefined ? 'removed' : 'changed'
}

function sayTrigger(trigger: TriggerSpec): string {
  switch (trigger.type) {
    case 'continuous':
      return trigger.singleton === true ? 'continuous on one instance' : 'continuous'
    case 'schedule':
      return trigger.zone === 'default' ? trigger.ncrontab : `${trigger.ncrontab} ${trigger.timeZone}`
    case 'webhook':
      return trigger.password === undefined ? 'webhook without a password' : 'webhook'
    case 'after':
      return `after ${trigger.jobId} ${trigger.on.join(',')}`
  }
}

/** A policy with its durations and sizes as people write them: `timeoutMs: 300000` is `timeout: '5m'`. */
function sayPolicy(value: unknown): unknown {
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name.endsWith('Ms')) return [name.slice(0, -2), typeof member === 'number' ? formatDuration(member) : member]
      if (name.endsWith('Bytes')) return [name.slice(0, -5), typeof member === 'number' ? formatSize(member) : member]
      return [name, sayPolicy(member)]
    }),
  )
}

function membersOf(value: unknown): Members {
  return isObject(value) ? value : {}
}
