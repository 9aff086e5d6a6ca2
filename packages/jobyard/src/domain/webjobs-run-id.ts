import type { RunRow } from './model.ts'

/**
 * The id that WebJobs know a run by: `yyyyMMddHHmmssffff`, the time of its making in UTC. The first three digits of the
 * fraction are its milliseconds, which the run's own id begins with; the last one is that of the run's number, so that runs
 * of one millisecond differ. It is stored nowhere.
 */
export function showRunId({ id, number }: Pick<RunRow, 'id' | 'number'>): string {
  const digits = new Date(madeAt(id)).toISOString().replaceAll(/\D/g, '')
  return `${digits}${number % 10}`
}

/** When a run was made, by its UUIDv7; epoch milliseconds. */
function madeAt(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

/** What an id says of its run. */
export interface RunIdParts {
  /** Epoch milliseconds. */
  readonly madeAt: number
  /** The last digit of the run's number. */
  readonly digit: number
}

/** Reads an id that {@link showRunId} may have written; undefined when it is none. */
export function readRunId(text: string): RunIdParts | undefined {
  const [, year, month, day, hour, minute, second, fraction, digit] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})(\d)$/.exec(text) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction}Z`)
  return Number.isNaN(time) ? undefined : { madeAt: time, digit: Number(digit) }
}
