import { readFile } from 'node:fs/promises'

/** A job of the campaign. */
export interface CampaignJob {
  readonly name: string
  readonly script: 'step.sh' | 'forever.sh'
  readonly type: 'triggered' | 'continuous'
  readonly policy: Readonly<Record<string, unknown>>
  readonly triggers?: readonly Readonly<Record<string, unknown>>[]
  /** True: runs of it must never overlap, which its scripts watch by a lock of the job. */
  readonly alone?: boolean
  /** How often clients ask for it, as a weight; absent: never. */
  readonly asked?: number
  /** Arguments of runs that bring none. */
  readonly args?: readonly string[]
  /** Attempts after crashes that its policy allows; absent: none. */
  readonly crashes?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Ends that are kept: enough that every run is seen in a look before it is deleted. */
const KEPT = 400
const EVERY_SECOND = [{ type: 'schedule', ncrontab: '* * * * * *' }]

/** The job of which nearly nothing is kept, to see that what is over goes. */
export const FLEETING = 'few'
/** The job that is followed. */
export const LEADER = 'allow'
/** The one that follows {@link LEADER}. */
export const FOLLOWER = 'after'
/** The job whose runs are suspended and resumed. */
export const RESTING = 'rest'
/** The continuous job that runs on one server at a time. */
export const SINGLETON = 'single'
/** The continuous job that runs on every server. */
export const EVERYWHERE = 'everywhere'
/** How many ends of the fleeting job are kept. */
export const FLEETING_KEPT = 20

const step = { script: 'step.sh', type: 'triggered' } as const
const forever = { script: 'forever.sh', type: 'continuous' } as const

/** All jobs of the campaign: every overlap rule, both rules after a crash, every misfire rule, both sorts of continuous jobs. */
export const JOBS: readonly CampaignJob[] = [
  { ...step, name: LEADER, asked: 6, policy: { overlap: 'allow', keepRuns: KEPT } },
  {
    ...step,
    name: 'again',
    asked: 6,
    crashes: 3,
    policy: { overlap: 'allow', onCrash: 'retry', maxCrashes: 3, keepRuns: KEPT },
  },
  {
    ...step,
    name: 'stubborn',
    asked: 2,
    crashes: 10,
    policy: {
      overlap: 'allow',
      onCrash: 'retry',
      maxCrashes: 10,
      retry: { kind: 'fixed', attempts: 3, delay: '200ms' },
      keepRuns: KEPT,
    },
  },
  {
    ...step,
    name: 'tree',
    asked: 3,
    crashes: 2,
    policy: { overlap: 'allow', onCrash: 'retry', maxCrashes: 2, keepRuns: KEPT },
  },
  {
    ...step,
    name: 'queue',
    asked: 3,
    alone: true,
    crashes: 2,
    policy: { overlap: 'queue', queueDepth: 8, onCrash: 'retry', maxCrashes: 2, keepRuns: KEPT },
  },
  { ...step, name: 'forbid', asked: 2, alone: true, policy: { overlap: 'forbid', keepRuns: KEPT } },
  { ...step, name: 'skip', asked: 1, alone: true, policy: { overlap: 'skip', keepRuns: KEPT } },
  { ...step, name: 'replace', asked: 1, alone: true, policy: { overlap: 'replace', keepRuns: KEPT, grace: '200ms' } },
  { ...step, name: RESTING, asked: 1, policy: { overlap: 'allow', keepRuns: 5000, grace: '200ms' } },
  { ...step, name: FLEETING, asked: 3, policy: { overlap: 'allow', keepRuns: FLEETING_KEPT } },
  {
    ...step,
    name: FOLLOWER,
    policy: { overlap: 'allow', keepRuns: KEPT },
    triggers: [{ type: 'after', jobId: LEADER, on: ['completed', 'failed', 'stopped'] }],
    args: ['0', '0', '-'],
  },
  {
    ...step,
    name: 'tick-all',
    policy: { overlap: 'allow', misfire: { kind: 'all' }, keepRuns: KEPT },
    triggers: EVERY_SECOND,
    args: ['0.1', '0', '-'],
  },
  {
    ...step,
    name: 'tick-once',
    alone: true,
    policy: { overlap: 'skip', misfire: { kind: 'once' }, keepRuns: KEPT },
    triggers: EVERY_SECOND,
    args: ['1.4', '0', '-'],
  },
  {
    ...step,
    name: 'tick-skip',
    alone: true,
    policy: { overlap: 'forbid', misfire: { kind: 'skip' }, keepRuns: KEPT },
    triggers: EVERY_SECOND,
    args: ['0.3', '0', '-'],
  },
  {
    ...forever,
    name: SINGLETON,
    policy: { keepRuns: KEPT, restart: { delay: '0s' } },
    triggers: [{ type: 'continuous', singleton: true }],
  },
  {
    ...forever,
    name: EVERYWHERE,
    policy: { keepRuns: KEPT, restart: { delay: '0s' } },
    triggers: [{ type: 'continuous' }],
    env: { CHAOS_EVERYWHERE: '1' },
  },
]

/** Names of the jobs that fall due every second. */
export const SCHEDULED = JOBS.filter(({ triggers }) => triggers === EVERY_SECOND).map(({ name }) => name)

/** Attempts after crashes by job. */
export const RETRIED: ReadonlyMap<string, number> = new Map(
  JOBS.flatMap(({ name, crashes }) => (crashes === undefined ? [] : [[name, crashes] as const])),
)

/** A script of the campaign, as it is uploaded. */
export async function readScript(name: CampaignJob['script']): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(`./scripts/${name}`, import.meta.url)))
}

/** What is sent to make a job. */
export function jobInput(
  job: CampaignJob,
  hash: string,
  places: { readonly marks: string; readonly locks: string },
): object {
  const { name, type, policy, triggers, alone, args, env } = job
  return {
    name,
    type,
    policy,
    package: hash,
    ...(triggers === undefined ? {} : { triggers }),
    spec: {
      env: {
        CHAOS_MARKS: places.marks,
        CHAOS_LOCKS: places.locks,
        ...(alone === true ? { CHAOS_ALONE: '1' } : {}),
        ...env,
      },
      ...(args === undefined ? {} : { args }),
    },
  }
}
