import { messageOf } from '../../domain/error-message.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import type { UnreadableSchedule } from '../../store/procedures/replace-triggers.ts'

/** The schedule that a script's settings.job names and that cannot be read; undefined when it names none, or a good one. */
export function unreadableSchedule(spec: unknown): UnreadableSchedule | undefined {
  const { settings } = spec as { readonly settings?: { readonly all?: { readonly schedule?: unknown } } }
  const schedule = settings?.all?.schedule
  if (typeof schedule !== 'string') return undefined
  try {
    parseNcrontab(schedule)
    return undefined
  } catch (error) {
    return { unreadable: schedule, error: messageOf(error) }
  }
}
