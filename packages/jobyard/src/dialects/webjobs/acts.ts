import { JobyardError } from '../../domain/errors.ts'
import type { JobRow, RunRow, TriggerSpec } from '../../domain/model.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import { DEFAULT_TIME_ZONE } from '../../domain/zone.ts'
import { readArguments } from '../../kinds/script/arguments.ts'
import { JsonFault, readJsonObject } from '../../kinds/script/lenient-json.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import { LARGEST_SETTINGS } from '../../kinds/script/settings-job.ts'
import type { ServiceContext } from '../../services/context.ts'
import { saveJob } from '../../services/job-saving.ts'
import { requestRun } from '../../services/run-requests.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import { KIND, type WebJobType } from './reader.ts'

/** So much of what a program says of itself is kept with each run, in characters. */
const LONGEST_PROGRAM = 1000

/** Who asks for something. */
export interface Caller {
  readonly actor: Actor
  /** What the request says of the caller's program. */
  readonly userAgent: string | undefined
}

/** A job by its address. */
export interface JobAddress {
  readonly collectionId: string
  readonly type: WebJobType
  readonly name: string
}

/** An upload that lies complete in a file. */
export interface Deployed {
  readonly path: string
  readonly fileName: string
  readonly form: 'archive' | 'script'
}

/**
 * Makes a job of an upload, or gives the job of that name a new package, in one write after everything was checked. What
 * settings were put in place of the old package's go with it, and a continuous job that was stopped starts again: so it
 * is with WebJobs. History, rules and what was set through `/v1` stay.
 */
export async function deploy(
  context: ServiceContext,
  { collectionId, type, name }: JobAddress,
  { path, fileName, form }: Deployed,
  { actor }: Caller,
): Promise<JobRow> {
  checkJobName(name)
  const { hash, disabled } = await context.services.packages.receive(path, fileName, { form })
  const enabled = type === 'continuous' ? { enabled: !disabled } : {}
  const target = { collectionId, kind: KIND, type, name }
  // Kudu writes all files anew, and a continuous job starts again with them even where they are the same.
  const deployed = { packageHash: hash, source: 'kudu', afresh: true }
  const input = { ...target, ...enabled, ...deployed, spec: { ownSettings: null } }
  const { job } = await saveJob(context, input, 'either', actor)
  // Changes of single files of what was there before are gone with it.
  await context.edits.drop({ collectionId, type, name })
  return job
}

/**
 * Puts settings in the place of the package's settings.job, as text; they replace what was said of the job's instances, too,
 * as Kudu's do. Throws 'settings-invalid'. */
export async function putSettings(
  context: ServiceContext,
  job: JobRow,
  text: string,
  { actor }: Caller,
): Promise<void> {
  const { collectionId, type, name } = job
  const triggers = await rescheduled(context, job, readSchedule(text))
  const input = { collectionId, kind: KIND, type, name, spec: { ownSettings: text, ownSingleton: null }, ...triggers }
  await saveJob(context, input, 'existing', actor)
}

/** The schedule that settings name. */
function readSchedule(text: string): string | undefined {
  const bytes = Buffer.byteLength(text)
  if (bytes > LARGEST_SETTINGS) {
    throw new JobyardError(
      'settings-invalid',
      `The settings have ${bytes} bytes; at most ${LARGEST_SETTINGS} are taken.`,
    )
  }
  try {
    const schedule = readJsonObject(text).get('schedule')?.value
    return typeof schedule === 'string' ? schedule : undefined
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    throw new JobyardError('settings-invalid', `The settings are not valid JSON: ${error.message}.`, { cause: error })
  }
}

/**
 * A schedule that was set for the job itself would go on hiding that of the settings: it becomes that one. One that was
 * taken away comes back, because the settings say so.
 */
async function rescheduled(
  { webhooks }: ServiceContext,
  { id, type }: JobRow,
  ncrontab: string | undefined,
): Promise<{ triggers?: readonly TriggerSpec[] }> {
  const before = await webhooks.triggers(id)
  if (type === 'triggered' && !before.some((trigger) => trigger.type === 'schedule') && isSchedule(ncrontab)) {
    return { triggers: [...before, { type: 'schedule', ncrontab, timeZone: DEFAULT_TIME_ZONE, origin: 'package' }] }
  }
  if (!before.some((trigger) => trigger.type === 'schedule' && trigger.origin === undefined)) return {}
  const triggers = before.flatMap((trigger): TriggerSpec[] => {
    if (trigger.type !== 'schedule') return [trigger]
    return ncrontab === undefined || trigger.origin !== undefined ? [] : [{ ...trigger, ncrontab }]
  })
  return { triggers }
}

/** One that cannot be read becomes a warning of the job. */
function isSchedule(ncrontab: string | undefined): ncrontab is string {
  if (ncrontab === undefined) return false
  try {
    parseNcrontab(ncrontab)
    return true
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    return false
  }
}

/** Starts a run. Throws 'run-refused' while the job runs, and 'job-stopped'. */
export async function run(
  { services }: ServiceContext,
  job: JobRow,
  text: string | undefined,
  { actor, userAgent }: Caller,
): Promise<RunRow> {
  const args = readArguments(text).list
  const detail = {
    by: actor.name,
    address: actor.address,
    userAgent: userAgent?.slice(0, LONGEST_PROGRAM) ?? '',
    ...(text === undefined ? {} : { arguments: text }),
  }
  const made = await requestRun(services, services.ids.next(), job, { why: 'manual', actor, detail, args })
  if ('run' in made) return made.run
  throw new JobyardError('run-refused', made.skipped)
}

/** Lets a continuous job run, or not. */
export async function setEnabled({ services }: ServiceContext, job: JobRow, enabled: boolean, { actor }: Caller) {
  // Each save is on record and makes a new version, and a job that is asked for twice need not start twice.
  if (job.enabled !== enabled) await services.jobs.setEnabled(job, enabled, actor)
}

/**
 * Takes a job away. Nothing is said of one that must stay, as Kudu does when a deletion fails: its clients know no other
 * answer than that it is done. The log tells why. Throws when the server itself is in trouble.
 */
export async function remove({ services }: ServiceContext, { id, name }: JobRow, { actor }: Caller): Promise<void> {
  try {
    await services.engine.deleteJob(id, name, actor)
  } catch (error) {
    if (!(error instanceof JobyardError) || error.status >= 500) throw error
    // Somebody else was faster, and it is gone all the same.
    if (error.code === 'job-unknown') return
    const problem = error.message
    services.logger.warn({ job: name, actor: actor.name, problem }, 'a job stays that a client of WebJobs deleted')
  }
}
