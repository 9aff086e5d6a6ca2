import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { FLEETING, FLEETING_KEPT, JOBS, SCHEDULED } from './jobs.ts'
import { isFinished } from './ledger.ts'
import { countOpenFiles, describeProcess, listControlGroups, type OpenFiles } from './processes.ts'
import type { Leftovers, RunRecord, Snapshot } from './records.ts'
import { listProcesses, readDataFolderId } from './server.ts'
import { type Stage, switchJob } from './stage.ts'
import type { Violations } from './violations.ts'
import { pause, until } from './waiting.ts'
import type { Watch } from './watch.ts'

/** All that is under way ends by itself within so many milliseconds, retries included. */
const QUIET_MS = 120_000
/** Retention takes a turn every five seconds. */
const PRUNED_MS = 30_000
const KEPT_OCCURRENCES = 1000
/** Idle connections of the clients' HTTP are closed after five seconds. */
const CONNECTIONS_MS = 6000
/** What a server may have open beyond what it had before a load, once the load is over. */
const MORE_FILES = 12
const MOST_OUTPUT_BYTES = 256 * 1024 * 1024

/** What the end needs to know. */
export interface FinaleParts {
  readonly stage: Stage
  readonly watch: Watch
  readonly violations: Violations
  readonly stopWithinMs: number
}

/** Stops the schedules. Answers when each was stopped, epoch milliseconds. */
export async function stopSchedules({ stage }: FinaleParts): Promise<ReadonlyMap<string, number>> {
  const stopped = new Map<string, number>()
  for (const name of SCHEDULED) {
    // Before the request: what falls due while it is under way may or may not be on record.
    stopped.set(name, Date.now())
    await switchJob(stage, name, 'stop')
  }
  return stopped
}

/** Waits until every run has ended or rests, those of continuous jobs apart. */
export async function awaitQuiet({ stage, watch, violations }: FinaleParts): Promise<void> {
  let open: readonly RunRecord[] = []
  const quiet = await until(
    async () => {
      const snapshot = await watch.look(true)
      open = snapshot?.runs.filter(isOpen) ?? []
      return snapshot !== undefined && open.length === 0
    },
    QUIET_MS,
    500,
  )
  if (quiet) return
  const processes = stage.instances.flatMap(({ place }) => listProcesses(place))
  for (const run of open) {
    const tasks = [...watch.ledger.tasks.values()].filter(({ runId }) => runId === run.id)
    const own = processes.filter(({ mark }) => tasks.some(({ id }) => mark.endsWith(`/${id}`))).map(describeProcess)
    const text = `run ${run.id} of ${watch.ledger.jobName(run.jobId)} does not end`
    violations.add(1, text, { run, tasks, processes: own })
  }
}

function isOpen({ why, state, wanted }: RunRecord): boolean {
  return why !== 'continuous' && !isFinished(state) && !(wanted === 'suspend' && state === 'suspended')
}

/** Open files of the servers, one after the other. */
export async function countFiles({ stage }: FinaleParts): Promise<OpenFiles[]> {
  // Connections of clients that are done are closed by and by.
  await pause(CONNECTIONS_MS)
  return stage.instances.map(({ server }) => countOpenFiles(server?.pid ?? 0) ?? { count: 0, sorts: {} })
}

/** Holds the open files of a second rest against those of a first. */
export function compareFiles(
  before: readonly OpenFiles[],
  after: readonly OpenFiles[],
  { violations }: FinaleParts,
): [number, number][] {
  return after.map((now, index) => {
    const earlier = before[index] ?? { count: 0, sorts: {} }
    if (now.count > earlier.count + MORE_FILES) {
      const text = `server ${index + 1} has ${now.count} files open at rest, and had ${earlier.count} before the last load`
      violations.add(6, text, { earlier, now })
    }
    return [earlier.count, now.count]
  })
}

/** Invariant 6: history is no longer than it may be, once retention had its turn. */
export async function checkHistoryBounds({ watch, violations }: FinaleParts): Promise<void> {
  let faults: string[] = []
  await until(
    async () => {
      const snapshot = await watch.look(true)
      faults = snapshot === undefined ? ['the database is away'] : boundFaults(snapshot)
      return faults.length === 0
    },
    PRUNED_MS,
    1000,
  )
  for (const fault of faults) violations.add(6, fault)
}

function boundFaults({ jobs, runs, occurrences }: Snapshot): string[] {
  return jobs.flatMap(({ id, name }) => {
    const rule = JOBS.find((job) => job.name === name)?.policy.keepRuns
    const kept = name === FLEETING ? FLEETING_KEPT : Number(rule)
    const ended = runs.filter((run) => run.jobId === id && isFinished(run.state)).length
    const recorded = occurrences.filter(({ jobId }) => jobId === id).length
    return [
      ...(ended > kept ? [`${name} keeps ${ended} ended runs instead of ${kept}`] : []),
      ...(recorded > KEPT_OCCURRENCES ? [`${name} keeps ${recorded} occurrences`] : []),
    ]
  })
}

/** Stops the continuous jobs and the servers in good order, and looks at what is left of them. */
export async function endAll(parts: FinaleParts): Promise<Leftovers> {
  const { stage, watch, violations, stopWithinMs } = parts
  for (const { name, type } of JOBS) if (type === 'continuous') await switchJob(stage, name, 'stop')
  const rested = await until(async () => (await watch.look(true))?.runs.every(hasRested) === true, 20_000, 300)
  if (!rested) violations.add(5, 'a continuous job does not end when it is stopped')
  for (const instance of stage.instances) await instance.stop(stopWithinMs)
  await startOnceMore(parts)
  await watch.look(false)
  for (const { place } of stage.instances) {
    const alive = listProcesses(place)
    if (alive.length > 0) violations.add(6, `${alive.length} processes of ${place.name} are left`, alive)
    const groups = listControlGroups(readDataFolderId(place) ?? '')
    if (groups.length > 0) violations.add(6, `control groups of ${place.name} are left`, groups)
    checkFolders(place.dataFolder, violations)
  }
  const strays = readdirSync(stage.temporary)
  if (strays.length > 0) violations.add(6, 'files are left in the folder for temporary files', strays)
  const leftovers = await stage.inspector.readLeftovers()
  checkLeftovers(leftovers, violations)
  return leftovers
}

function hasRested({ why, state }: RunRecord): boolean {
  return why !== 'continuous' || isFinished(state)
}

/**
 * The sockets of killed servers are removed by a later server once they are a minute old. So they are made old here, and
 * the servers start and stop once more.
 */
async function startOnceMore({ stage, stopWithinMs }: FinaleParts): Promise<void> {
  const old = new Date(Date.now() - 3_600_000)
  for (const name of readdirSync(stage.temporary)) utimesSync(join(stage.temporary, name), old, old)
  for (const instance of stage.instances) {
    instance.launch()
    await instance.ready()
    await instance.stop(stopWithinMs)
  }
}

function checkFolders(dataFolder: string, violations: Violations): void {
  const bare = [
    'work/.runs',
    'work/.staging',
    'work/.trash',
    'jobs/.trash',
    'packages/.temporary',
    'uploads',
    '.sqlite',
  ]
  for (const name of bare) {
    const path = join(dataFolder, name)
    const left = existsSync(path) ? readdirSync(path) : []
    if (left.length > 0) violations.add(6, `${left.length} things are left in ${name}`, left.slice(0, 20))
  }
}

function checkLeftovers(leftovers: Leftovers, violations: Violations): void {
  for (const text of leftovers.integrity) violations.add('books', `the database is not sound: ${text}`)
  if (leftovers.orphanLogs > 0) violations.add(6, `${leftovers.orphanLogs} logs are left of tasks that are gone`)
  if (leftovers.trash > 0) violations.add(6, `${leftovers.trash} logs wait to be deleted`)
  if (leftovers.messages > 0) violations.add(6, `${leftovers.messages} messages of dispatch are left`)
  if (leftovers.outputBytes > MOST_OUTPUT_BYTES) violations.add(6, `output takes ${leftovers.outputBytes} bytes`)
}
