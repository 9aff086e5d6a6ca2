import { sayCount } from './amounts.ts'
import type { Saying } from './states.ts'

/** An app setting that means something to the server itself. */
export interface Steering {
  readonly name: string
  /** What it is for, in a few words. */
  readonly text: string
  /** What it takes. */
  readonly takes: string
  /** What counts without it. */
  readonly without: string
  /** What a value has the server do; undefined: it cannot be read, and counts as not set. */
  readonly effect: (value: string) => Saying | undefined
}

const FLAG = '1 or true for on, 0 or false for off'
const SECONDS = 'whole seconds'

const STOPPED: Omit<Steering, 'name'> = {
  text: 'No job of the collection starts, whatever starts it; running continuous jobs are stopped.',
  takes: FLAG,
  without: 'off',
  effect: flag('All jobs of the collection are stopped.', 'Off: jobs start as usual.'),
}

/** What steers the server, by name. The words are those of the guide to app settings. */
export const STEERING: readonly Steering[] = [
  { name: 'WEBJOBS_STOPPED', ...STOPPED },
  {
    name: 'WEBJOBS_DISABLE_SCHEDULE',
    text: 'Schedules stand still; everything else starts jobs as before.',
    takes: FLAG,
    without: 'off',
    effect: flag('All schedules of the collection stand still.', 'Off: schedules work as usual.'),
  },
  {
    name: 'WEBJOBS_RESTART_TIME',
    text: 'How long until a continuous job starts again after a run of less than two minutes.',
    takes: SECONDS,
    without: '60 seconds',
    effect: seconds(
      (time) => `After a short run continuous jobs start again ${time === '' ? 'at once' : `in ${time}`}.`,
    ),
  },
  {
    name: 'WEBJOBS_IDLE_TIMEOUT',
    text: 'Ends a run of a triggered job that neither prints nor uses CPU for so long.',
    takes: `${SECONDS}; 0 for never`,
    without: 'never',
    effect: seconds((time) =>
      time === '' ? 'Quiet runs are never ended.' : `Runs that are quiet for ${time} are ended.`,
    ),
  },
  {
    name: 'WEBJOBS_HISTORY_SIZE',
    text: 'How many finished runs are kept of each triggered job.',
    takes: 'a whole number above 0',
    without: '100',
    effect: (value) => {
      const count = readWhole(value)
      if (count === undefined || count <= 0) return undefined
      return { tone: 'quiet', text: `Of each triggered job ${sayCount(count, 'run is', 'runs are')} kept.` }
    },
  },
  {
    name: 'WEBSITE_TIME_ZONE',
    text: 'The time zone of schedules that name none.',
    takes: 'the name of IANA or of Windows, such as Europe/Berlin or W. Europe Standard Time',
    without: 'UTC',
    effect: (value) => ({
      tone: 'quiet',
      text: `Schedules that name no zone go by ${value.trim() === '' ? 'UTC' : value.trim()}.`,
    }),
  },
  {
    name: 'WEBSITE_INSTANCE_ID',
    text: 'What instances are called to jobs, and in the logs for clients of WebJobs.',
    takes: 'any text',
    without: 'name of the server',
    effect: (value) => ({
      tone: 'quiet',
      text: value === '' ? 'Instances go by their own names.' : `In logs the instance is ${value.slice(0, 6)}.`,
    }),
  },
  { name: 'WEBJOB_STOPPED', ...STOPPED, text: `The same as WEBJOBS_STOPPED: the spelling of Azure's documentation.` },
]

/** Settings of WebJobs that people bring along, and that steer nothing here. */
const IDLE: Readonly<Record<string, string>> = {
  WEBJOBS_ROOT_PATH: 'Steers nothing here: where jobs come from is up to the server.',
  WEBSITE_RUN_FROM_PACKAGE: 'Steers nothing here: each job has a package of its own.',
  WEBSITE_RUN_FROM_ZIP: 'Steers nothing here: each job has a package of its own.',
  WEBSITE_SCM_ALWAYS_ON_ENABLED:
    'Steers nothing here: the server is always on. With 0, the logs for clients of WebJobs say once that it is not.',
  WEBJOBS_LOG_TRIGGERED_JOBS_TO_APP_LOGS: 'Steers nothing here: there is no application beside the jobs.',
  SCM_COMMAND_IDLE_TIMEOUT: 'Steers nothing here. For runs that are quiet there is WEBJOBS_IDLE_TIMEOUT.',
  WEBJOBS_IDLE_TIMEOUT_IN_SECONDS: 'Steers nothing. You may mean WEBJOBS_IDLE_TIMEOUT.',
}

/** What a setting means to the server; undefined for one that only jobs care about. */
export function steeringOf(name: string): Steering | undefined {
  const key = name.toUpperCase()
  return STEERING.find((each) => each.name === key)
}

/** What is said of a setting that looks as if it steered the server and does not. */
export function idleOf(name: string): string | undefined {
  const key = name.toUpperCase()
  return Object.hasOwn(IDLE, key) ? IDLE[key] : undefined
}

/** What a setting does beyond reaching jobs. */
export function sayEffect(name: string, value: string | null): Saying | undefined {
  const steering = steeringOf(name)
  if (steering === undefined) {
    const idle = idleOf(name)
    return idle === undefined ? undefined : { tone: 'quiet', text: idle }
  }
  if (value === null) return { tone: 'quiet', text: steering.text }
  return (
    steering.effect(value) ?? { tone: 'bad', text: `Cannot be read, so it counts as not set: ${steering.without}.` }
  )
}

function flag(on: string, off: string): Steering['effect'] {
  return (value) => {
    const word = value.trim().toLowerCase()
    return word === '1' || word === 'true' ? { tone: 'wait', text: on } : { tone: 'quiet', text: off }
  }
}

/** `say` gets the time in words; nothing for none. */
function seconds(say: (time: string) => string): Steering['effect'] {
  return (value) => {
    const count = readWhole(value)
    return count === undefined ? undefined : { tone: 'quiet', text: say(count <= 0 ? '' : sayCount(count, 'second')) }
  }
}

/** A whole number as the server reads one. */
function readWhole(value: string): number | undefined {
  const text = value.trim()
  if (!/^[+-]?\d{1,10}$/.test(text)) return undefined
  const number = Number(text)
  return Math.abs(number) <= 2_147_483_647 ? number : undefined
}
