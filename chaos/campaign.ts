import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AcknowledgedFigures, checkFollowers } from './checks/acknowledged.ts'
import type { ExecutionFigures } from './checks/executions.ts'
import { checkOccurrences, type OccurrenceFigures } from './checks/occurrences.ts'
import { checkRecovery, type RecoveryFigures } from './checks/recovery.ts'
import { checkContinuous, type SingletonFigures } from './checks/singleton.ts'
import {
  awaitQuiet,
  checkHistoryBounds,
  compareFiles,
  countFiles,
  endAll,
  type FinaleParts,
  stopSchedules,
} from './finale.ts'
import { EVERYWHERE, FOLLOWER, LEADER, RETRIED, SCHEDULED, SINGLETON } from './jobs.ts'
import { Load } from './load.ts'
import { Random } from './random.ts'
import type { Leftovers } from './records.ts'
import { type DatabaseName, deployJobs, openStage, type Stage } from './stage.ts'
import { type Deed, Torment } from './torment.ts'
import { Violations } from './violations.ts'
import { pause } from './waiting.ts'
import { type Peaks, Watch } from './watch.ts'

/** How a campaign is to be. Durations in milliseconds. */
export interface CampaignOptions {
  readonly database: DatabaseName
  readonly seed: number
  /** Kills after which it ends. */
  readonly kills: number
  /** Time after which it ends, whatever was killed by then. */
  readonly milliseconds: number
  readonly instances: number
  readonly leaseMs: number
  /** Mean and longest life of a server. */
  readonly lifeMs: number
  readonly longestMs: number
  /** Whether servers and wardens are frozen, too; each takes longer than the warden's patience. */
  readonly freezes: boolean
  /** How long each of the two last loads is, between which open files are compared; 0: there are none. */
  readonly lastLoadsMs: number
  readonly clients: number
  readonly say: (line: string) => void
  /** Keeps the folder in any case. */
  readonly keep: boolean
}

/** What a campaign did and found. */
export interface CampaignReport {
  readonly options: CampaignOptions
  readonly tookMs: number
  readonly counts: Readonly<Record<Deed, number>>
  readonly kills: number
  readonly lives: number
  readonly measured: { readonly gone: readonly number[]; readonly ready: readonly number[] }
  readonly answers: Readonly<Record<string, number>>
  readonly acknowledged: AcknowledgedFigures
  readonly executions: ExecutionFigures
  readonly occurrences: OccurrenceFigures
  readonly recovery: RecoveryFigures
  readonly singleton: SingletonFigures
  readonly everywhere: SingletonFigures
  readonly followed: number
  readonly runs: number
  readonly rowsChecked: number
  readonly peaks: Peaks
  readonly files: readonly (readonly [number, number])[]
  readonly leftovers: Leftovers
  readonly violations: Violations
  /** Where the evidence is; undefined when there was nothing to keep. */
  readonly evidence: string | undefined
}

/** Silence of the server after which its warden ends everything; the servers' default. */
const SILENT_AFTER_MS = 10_000
const DRAIN_MS = 1000
/** Drain, grace of stopping scripts, and a busy machine. */
const STOP_WITHIN_MS = 20_000
const GONE_WITHIN_MS = 5000
/** What a busy machine may take on top of any time that is promised. */
const SLACK_MS = 3000
const PAUSE_MS = 250
const LOOK_MS = 4000

/** Runs a campaign to its end. Rejects when it cannot be staged; what it finds is in the report. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const began = Date.now()
  const violations = new Violations(options.say)
  const stage = await openStage(
    {
      database: options.database,
      instances: options.instances,
      leaseMs: options.leaseMs,
      drainMs: DRAIN_MS,
      goneWithinMs: GONE_WITHIN_MS,
    },
    violations,
  )
  let keep = true
  try {
    const report = await play(options, stage, violations)
    keep = options.keep || violations.total > 0
    if (keep) keepEvidence(stage, violations)
    return { ...report, tookMs: Date.now() - began, evidence: keep ? stage.root : undefined }
  } finally {
    await stage.close(keep)
    if (keep) options.say(`The evidence is in ${stage.root}.`)
  }
}

type Played = Omit<CampaignReport, 'tookMs' | 'evidence'>

async function play(options: CampaignOptions, stage: Stage, violations: Violations): Promise<Played> {
  const random = new Random(options.seed)
  const watch = new Watch(stage, violations)
  const parts: FinaleParts = { stage, watch, violations, stopWithinMs: STOP_WITHIN_MS }
  const ids = await deployJobs(stage)
  const deployedBy = Date.now()
  watch.start(stage.cluster === undefined ? undefined : LOOK_MS)
  const load = startLoad(options, stage, watch, random)
  const torment = new Torment(stage, watch, violations, tormentOptions(options), options.say)
  await torment.run(random.fork())
  options.say(`${torment.kills} kills done; waiting until all is quiet`)
  await load.stop()
  const stopped = await stopSchedules(parts)
  await awaitQuiet(parts)
  const files = await loadTwiceMore(options, parts, random, torment)
  await checkHistoryBounds(parts)
  const leftovers = await endAll(parts)
  await watch.stop()
  const spans = SCHEDULED.map((name) => ({
    jobId: ids.get(name) ?? '',
    firstBy: deployedBy + 1000,
    lastFrom: (stopped.get(name) ?? 0) - 2000,
  }))
  const history = watch.checkHistory(Date.now(), true)
  return {
    options,
    counts: torment.counts,
    kills: torment.kills,
    lives: stage.instances.reduce((sum, { lives }) => sum + lives, 0),
    measured: {
      gone: stage.instances.flatMap(({ measured }) => measured.gone),
      ready: stage.instances.flatMap(({ measured }) => measured.ready),
    },
    answers: load.answers,
    acknowledged: history,
    executions: history,
    occurrences: checkOccurrences(watch.ledger, spans, violations),
    ...checkRest(options, stage, watch, violations),
    runs: watch.ledger.runs.size,
    rowsChecked: watch.rowsChecked,
    peaks: watch.peaks,
    files,
    leftovers,
    violations,
  }
}

function startLoad({ clients }: CampaignOptions, stage: Stage, watch: Watch, random: Random, prefix = 't'): Load {
  const load = new Load({
    ledger: watch.ledger,
    random: random.fork(),
    adminToken: stage.adminToken,
    addresses: () => stage.instances.flatMap(({ address }) => (address === undefined ? [] : [address])),
    clients,
    pauseMs: PAUSE_MS,
    prefix,
  })
  load.start()
  return load
}

function tormentOptions({ kills, milliseconds, lifeMs, longestMs, freezes }: CampaignOptions) {
  return {
    ...{ kills, milliseconds, lifeMs, longestMs, freezes },
    silentAfterMs: SILENT_AFTER_MS,
    stopWithinMs: STOP_WITHIN_MS,
  }
}

/**
 * Two loads that no server dies of, only wardens. The first fills pools that keep what they have opened; the second must
 * not leave more open than the first.
 */
async function loadTwiceMore(
  options: CampaignOptions,
  parts: FinaleParts,
  random: Random,
  torment: Torment,
): Promise<(readonly [number, number])[]> {
  if (options.lastLoadsMs === 0) return []
  await loadOnce(options, parts, random, torment, 'u')
  const before = await countFiles(parts)
  await loadOnce(options, parts, random, torment, 'v')
  return compareFiles(before, await countFiles(parts), parts)
}

async function loadOnce(
  options: CampaignOptions,
  parts: FinaleParts,
  random: Random,
  torment: Torment,
  prefix: string,
): Promise<void> {
  const load = startLoad(options, parts.stage, parts.watch, random, prefix)
  for (let part = 0; part < 3; part++) {
    await pause(options.lastLoadsMs / 3)
    for (const instance of parts.stage.instances) await torment.killWarden(instance)
  }
  await load.stop()
  await awaitQuiet(parts)
}

/** The invariants whose figures need all that was seen. */
function checkRest({ leaseMs, database }: CampaignOptions, stage: Stage, watch: Watch, violations: Violations) {
  const { ledger, marks } = watch
  const { availability } = stage
  const shared = database === 'postgres'
  // The others look every third of a lease. A server that has a database to itself knows at once.
  const look = shared ? leaseMs / 3 : 0
  const rules = { leaseMs: shared ? leaseMs : 0, noticeMs: look + SLACK_MS, retried: RETRIED }
  const seen = { marks, ledger, availability }
  const withinMs = look + SLACK_MS
  return {
    recovery: checkRecovery(ledger, availability, violations, { now: Date.now(), rules }),
    singleton: checkContinuous(SINGLETON, seen, violations, { singleton: true, withinMs }),
    everywhere: checkContinuous(EVERYWHERE, seen, violations, { singleton: false, withinMs }),
    followed: checkFollowers(ledger, violations, {
      leader: LEADER,
      follower: FOLLOWER,
      states: new Set(['completed', 'failed', 'stopped']),
    }),
  }
}

/** Puts beside the logs, marks and data folders what was found. */
function keepEvidence(stage: Stage, violations: Violations): void {
  writeFileSync(join(stage.root, 'violations.json'), JSON.stringify(violations.list, null, 2))
  for (const { place } of stage.instances) {
    const folder = join(stage.root, `database-${place.name}`)
    mkdirSync(folder, { recursive: true })
    for (const name of ['jobyard.db', 'jobyard.db-wal']) {
      const path = join(place.dataFolder, name)
      if (existsSync(path)) copyFileSync(path, join(folder, name))
    }
  }
}
