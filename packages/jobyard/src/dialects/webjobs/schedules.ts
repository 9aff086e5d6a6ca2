import type { JobRow } from '../../domain/model.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'

/** A schedule in settings.job that nobody can read. */
export interface UnreadableSchedule {
  /** As it was written. */
  readonly schedule: string
  /** What is wrong with it. */
  readonly error: string
}

/** The schedule that a job's settings.job names and that cannot be read; undefined when it names none, or a good one. */
export function unreadableSchedule({ spec }: Pick<JobRow, 'spec'>): UnreadableSchedule | undefined {
  const { settings } = spec as { readonly settings?: { readonly all?: { readonly schedule?: unknown } } }
  const schedule = settings?.all?.schedule
  if (typeof schedule !== 'string') return undefined
  try {
    parseNcrontab(schedule)
    return undefined
  } catch (error) {
    return { schedule, error: error instanceof Error ? error.message : String(error) }
  }
}
