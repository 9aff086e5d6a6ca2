import { isFinished } from '@jobyard/jobs'
import { parseDuration } from '../../../domain/durations.ts'
import type { RunRow, TaskRow } from '../../../domain/model.ts'
import { endedByItself } from '../../../domain/restart.ts'
import type { LogFacts } from '../../../store/output/contract.ts'
import { runStatus } from '../statuses.ts'
import type { OwnLine } from './log-line.ts'

/*
 * What the engine of WebJobs writes into logs around the output of a process, worked out from the records. Programs look for
 * these phrases, so they are kept word for word.
 */

/** The hosts of scripts by the names that logs have for them. */
const HOSTS: Readonly<Record<string, string>> = {
  windows: 'WindowsScriptHost',
  powershell: 'PowerShellScriptHost',
  bash: 'BashScriptHost',
  python: 'PythonScriptHost',
  php: 'PhpScriptHost',
  node: 'NodeScriptHost',
  java: 'JarScriptHost',
}

const HOUR_MS = 3_600_000

/** What each log file has once where the site is said not to be always on; programs look for how it begins. */
export const ALWAYS_ON_OFF =
  "'Always On' doesn't appear to be enabled for this Web App. WEBSITE_SCM_ALWAYS_ON_ENABLED is 0, which keeps nothing from running here."

/** Why a run ended. */
export type Ending = Pick<RunRow, 'state' | 'startedAt' | 'finishedAt' | 'reasonCode' | 'reasonText' | 'exitCode'>

/** That a status was taken on. */
export function statusLine(time: number, status: string): OwnLine {
  return { time, text: `Status changed to ${status}` }
}

/** That a script begins. */
export function beginLines(time: number, { script, host = '' }: LogFacts): OwnLine[] {
  const running = statusLine(time, 'Running')
  if (script === undefined) return [running]
  return [{ time, text: `Run script '${script}' with script host - '${HOSTS[host] ?? host}'` }, running]
}

/** That an attempt failed which is followed by another. */
export function retryLines(time: number, task: Pick<TaskRow, 'reasonCode' | 'reasonText' | 'exitCode'>): OwnLine[] {
  return [
    { time, level: 'ERR ', text: failureText(task) },
    { time, level: 'WARN', text: 'The run is tried again' },
  ]
}

/** How a run of a triggered job ended; nothing while it goes on. */
export function triggeredEnd(run: Ending, script: string | undefined): OwnLine[] {
  const { finishedAt: time, reasonText } = run
  if (time === null || !isFinished(run.state)) return []
  const status = runStatus(run)
  const reason: OwnLine[] = reasonText === null ? [] : [{ time, level: 'WARN', text: reasonText }]
  if (status === 'Success') return [statusLine(time, status)]
  // The server went, so it wrote nothing of its own: what is told instead is why.
  if (status === 'Aborted') return reason
  if (status === 'Stopped') return [...reason, statusLine(time, status)]
  return [...idleLine(run, time, script), statusLine(time, status), { time, level: 'ERR ', text: failureText(run) }]
}

function failureText({
  reasonCode,
  reasonText,
  exitCode,
}: Pick<Ending, 'reasonCode' | 'reasonText' | 'exitCode'>): string {
  if (exitCode !== null && (reasonCode === 'exit-code' || reasonText === null)) {
    return `Job failed due to exit code ${exitCode}`
  }
  return `Job failed: ${reasonText ?? reasonCode ?? 'nobody knows why'}`
}

/** That a run was ended for doing nothing, which counts as output of the job. */
function idleLine({ reasonCode, reasonText }: Ending, time: number, script = ''): OwnLine[] {
  if (reasonCode !== 'idle') return []
  const seconds = secondsIn(reasonText ?? '')
  const text =
    `Command '${script}' was aborted due to no output nor CPU activity for ${seconds} seconds. ` +
    'You can increase the SCM_COMMAND_IDLE_TIMEOUT app setting (or WEBJOBS_IDLE_TIMEOUT if this is a WebJob) if needed.'
  return [{ time, level: 'ERR ', ofJob: true, text }]
}

/** The duration that ends a sentence. */
function secondsIn(text: string): number {
  const said = /(\S+)\.$/.exec(text)?.[1]
  return said !== undefined && /^\d/.test(said) ? parseDuration(said) / 1000 : 0
}

/** What is known of a run of a continuous job. */
export interface ContinuousRun {
  readonly run: RunRow
  /** Whether it followed on one that had ended by itself, after the wait for it; else the job was started with it. */
  readonly again: boolean
  readonly singleton: boolean
  /** Whether it was one when the instance said so last. Default: the instance has not said anything yet. */
  readonly saidSingleton?: boolean | undefined
  /** When it was asked to end, epoch milliseconds. Default: with its end, if it was. */
  readonly askedAt?: number | undefined
}

/** What comes before the process of a continuous job. Where it starts anew, the first line is that it does. */
export function continuousBegin({ run, again, singleton, saidSingleton }: ContinuousRun): OwnLine[] {
  const { createdAt: time } = run
  const fresh = [statusLine(time, 'Starting'), ...singletonLine(time, saidSingleton, singleton)]
  // The lock is kept while a job waits for its next start, and given up and taken again after that.
  const released = { time, text: 'WebJob singleton lock is released' }
  const taken = { time, text: 'WebJob singleton lock is acquired' }
  return [...(again ? [] : fresh), ...(singleton && again ? [released] : []), ...(singleton ? [taken] : [])]
}

/** An instance says what the setting is once, and then whenever it is another. */
function singletonLine(time: number, said: boolean | undefined, now: boolean): OwnLine[] {
  const word = (singleton: boolean) => (singleton ? 'True' : 'False')
  if (said === undefined) return [{ time, text: `WebJob singleton setting is ${word(now)}` }]
  return said === now ? [] : [{ time, text: `WebJob singleton setting changed from ${word(said)} to ${word(now)}` }]
}

/** That a run was asked to end, and why: at that time, while it still runs. */
export function askedLines({ run, askedAt }: ContinuousRun): OwnLine[] {
  return askedAt === undefined ? [] : causeLines(run, askedAt)
}

function causeLines({ reasonCode }: Pick<Ending, 'reasonCode'>, time: number): OwnLine[] {
  return [causeLine(reasonCode, time), statusLine(time, 'Stopping')]
}

/** Only somebody who stops a job disables it. New app settings had the whole site of WebJobs begin anew. */
function causeLine(reasonCode: string | null, time: number): OwnLine {
  if (reasonCode === 'redeployed') return { time, text: 'Detected WebJob file/s were updated, refreshing WebJob' }
  if (reasonCode === 'user' || reasonCode === 'deleted') return statusLine(time, 'Disabling')
  return { time, text: 'WebJob is stopping due to website shutting down' }
}

/** How a run of a continuous job ended; nothing while it goes on. `waitMs` is the wait until the next one. */
export function continuousEnd({ run, singleton, askedAt }: ContinuousRun, waitMs: number): OwnLine[] {
  const { finishedAt: time, exitCode, reasonText } = run
  if (time === null || !isFinished(run.state)) return []
  if (run.state === 'stopped') {
    return [...(askedAt === undefined ? causeLines(run, time) : []), ...stopLines(run, time, singleton)]
  }
  if (!endedByItself(run)) return reasonText === null ? [] : [{ time, level: 'WARN', text: reasonText }]
  const ended: OwnLine =
    run.state === 'completed' && (exitCode ?? 0) === 0
      ? statusLine(time, 'Success')
      : { time, level: 'ERR ', text: failureText(run) }
  const waits = { time, text: `Process went down, waiting for ${waitMs / 1000} seconds` }
  return [ended, waits, statusLine(time, 'PendingRestart')]
}

function stopLines({ exitCode, startedAt }: Ending, time: number, singleton: boolean): OwnLine[] {
  const ended: OwnLine[] =
    startedAt === null
      ? []
      : exitCode === null
        ? [{ time, text: 'WebJob process was aborted' }]
        : exitCode === 0
          ? [statusLine(time, 'Success')]
          : [{ time, level: 'ERR ', text: `Job failed due to exit code ${exitCode}` }]
  const released = singleton ? [{ time, text: 'WebJob singleton lock is released' }] : []
  return [...ended, ...released, statusLine(time, 'Stopped')]
}

/** Hours after the start of a process at which its log says that it still runs: after one, and then twice a day. */
const STILL_RUNNING = { firstMs: HOUR_MS, everyMs: 12 * HOUR_MS }

/** That a process still runs, as often as it has been said from its start until `until`. */
export function stillRunningLines(startedAt: number, until: number): OwnLine[] {
  const lines: OwnLine[] = []
  for (let time = startedAt + STILL_RUNNING.firstMs; time < until; time += STILL_RUNNING.everyMs) {
    lines.push({ time, text: 'WebJob is still running' })
  }
  return lines
}
