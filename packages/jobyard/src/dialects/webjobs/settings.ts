import type { JobRow, TriggerSpec } from '../../domain/model.ts'
import { readJsonObject, writeJsonObject } from '../../kinds/script/lenient-json.ts'
import { JsonText } from './json-text.ts'
import type { Settings } from './shapes.ts'

/**
 * What a job's settings.job says, unknown keys too. What was set for the job in other ways is told in the same words, so that
 * a dashboard shows the schedule that is followed.
 */
export function settingsOf(job: Pick<JobRow, 'spec' | 'type'>, triggers: readonly TriggerSpec[]): Settings {
  const { settings } = job.spec as { settings?: { all?: Readonly<Record<string, unknown>>; exact?: string } }
  const all = settings?.all ?? {}
  const schedule = triggers.find((trigger) => trigger.type === 'schedule')
  const singleton = triggers.some((trigger) => trigger.type === 'continuous' && trigger.singleton === true)
  const everywhere = job.type === 'continuous' && !singleton && all.is_singleton === true
  const counts = {
    ...(schedule === undefined || schedule.origin === 'package' ? {} : { schedule: schedule.ncrontab }),
    ...(singleton ? { is_singleton: true } : everywhere ? { is_singleton: false } : {}),
  }
  return settings?.exact === undefined ? { ...all, ...counts } : withMembers(settings.exact, counts)
}

function withMembers(exact: string, counts: Readonly<Record<string, unknown>>): JsonText {
  const members = new Map([...readJsonObject(exact)].map(([name, { json }]) => [name, json]))
  for (const [name, value] of Object.entries(counts)) members.set(name, JSON.stringify(value))
  return new JsonText(writeJsonObject(members))
}
