import type { Policy, RestartPolicy } from '../../domain/model.ts'
import { countShortRun, restartDelay, restartRule } from '../../domain/restart.ts'
import type { Scope } from '../contract.ts'
import { all, execute, idList, type Steps, sql } from '../sql.ts'
import type { RunRequest } from './insert-runs.ts'
import { noteEnded } from './continuous-runs.ts'
import { type Refused, refuse } from './refusals.ts'
import { CORE_COLUMNS, readRules, type RunCore } from './run-core.ts'
import type { Settled } from './settle.ts'
import { amountOf } from './steering.ts'

/** Runs in a row that each began because the one before ended; a longer chain is taken for a ring and ends. */
const LONGEST_CHAIN = 32

/** What the end of runs brings about. */
export interface Consequences {
  /** Runs that waited in a queue and are up for dispatch now. */
  readonly released: Settled[]
  /** Runs to write: of jobs that follow the ended ones, and of failure actions. */
  readonly requests: RunRequest[]
  /** Runs that are not even asked for, because the chain has become too long. */
  readonly refused: Refused[]
}

const releaseQueued = sql(
  (d) => `update run set queued = 0, dispatch_at = ? where id in (select id from run where id in (
      select min(waiting.id) from run as waiting
      where waiting.queued = 1 and waiting.wanted = 'run' and waiting.job_id in ${d.ids}
        and not exists (select 1 from run as other
          where other.job_id = waiting.job_id and other.finished_at is null and other.queued = 0)
      group by waiting.job_id)${d.forUpdateNow})
    returning ${CORE_COLUMNS.replaceAll('run.', '')}`,
)
const followers = sql(
  (d) => `select t.job_id as "jobId", t.after_job_id as "afterJobId", t.detail from job_trigger t
    where t.after_job_id in ${d.ids}`,
)
const restartRules = sql(`select policy, ${amountOf('restart')} as "restartMs" from job where id = ?`)
const chainDetail = sql((d) => `select id, detail from run where id in ${d.ids}`)
const restPlace = sql(
  `update continuous set run_id = null, restart_at = ?, quick_ends = ? where job_id = ? and place = ? and run_id = ?`,
)
const quickEnds = sql('select quick_ends as "quickEnds" from continuous where job_id = ? and place = ?')

/** Works out, and for what needs no new run does, what the end of these runs brings about. */
export function* consequencesOf(scope: Scope, finished: readonly RunCore[], at: number): Steps<Consequences> {
  const jobIds = idList(finished.map(({ jobId }) => jobId))
  const released = yield* releaseNext(scope, finished, at)
  yield* restContinuous(scope, finished, at)
  const after = yield* all<{ jobId: string; afterJobId: string; detail: string }>(followers, jobIds)
  const failed = finished.filter(({ state }) => state === 'failed')
  if (after.length === 0 && failed.length === 0) return { released, requests: [], refused: [] }
  const jobs = yield* readRules(finished)
  const requests = finished.flatMap((core) => [
    ...after
      .filter(({ afterJobId, detail }) => afterJobId === core.jobId && listensTo(detail, core.state))
      .map(({ jobId }) => ({ jobId, why: 'after' as const, core })),
    ...(core.state === 'failed' ? (jobs.get(core.jobId)?.policy.onFailure ?? []) : []).map((jobId) => ({
      jobId,
      why: 'failure' as const,
      core,
    })),
  ])
  if (requests.length === 0) return { released, requests: [], refused: [] }
  return { released, ...(yield* chain(scope, requests, jobs)) }
}

function listensTo(detail: string, state: string): boolean {
  return (JSON.parse(detail) as { on: readonly string[] }).on.includes(state)
}

/**
 * Puts up for dispatch the first waiting run of each of these jobs that has no other unfinished run. The caller holds the
 * jobs: a trigger that queues a run does so too, and so one of the two sees what the other did.
 */
export function* releaseNext(
  scope: Pick<Scope, 'send'>,
  of: readonly { readonly jobId: string }[],
  at: number,
): Steps<Settled[]> {
  const jobIds = idList(of.map(({ jobId }) => jobId))
  const rows = yield* all<RunCore>(releaseQueued, at, jobIds)
  if (rows.length === 0) return []
  yield* scope.send(rows.map(({ id }) => ({ runId: id, at })))
  return rows.map((row) => ({
    id: row.id,
    jobId: row.jobId,
    number: row.number,
    state: row.state,
    from: row.state,
    wanted: row.wanted,
    why: row.why,
    reasonCode: row.reasonCode,
    reasonText: row.reasonText,
    owner: null,
    fence: row.fence,
    verdictDue: false,
    parked: false,
    dispatchAt: at,
  }))
}

/** Makes requests that remember what they follow, and ends chains that would go round for ever. */
function* chain(
  scope: Scope,
  links: readonly { jobId: string; why: 'after' | 'failure'; core: RunCore }[],
  jobs: ReadonlyMap<string, { name: string }>,
): Steps<Pick<Consequences, 'requests' | 'refused'>> {
  const ids = idList(links.map(({ core }) => core.id))
  const details = yield* all<{ id: string; detail: string }>(chainDetail, ids)
  const depths = new Map(
    details.map(({ id, detail }) => [id, Number((JSON.parse(detail) as { depth?: number }).depth ?? 0)]),
  )
  const requests: RunRequest[] = []
  const refused: Refused[] = []
  for (const { jobId, why, core } of links) {
    const depth = (depths.get(core.id) ?? 0) + 1
    const detail = {
      run: core.id,
      job: core.jobId,
      jobName: jobs.get(core.jobId)?.name ?? null,
      number: core.number,
      state: core.state,
      reason: core.reasonText,
      depth,
    }
    const request = { id: scope.ids.next(), jobId, why, detail, args: [] }
    if (depth <= LONGEST_CHAIN) requests.push(request)
    else refused.push(refuse(request, `${LONGEST_CHAIN} runs in a row have each begun the next; that is a ring.`))
  }
  return { requests, refused }
}

/** Notes for each ended run of a continuous job when its place is filled again. */
function* restContinuous({ slot }: Scope, finished: readonly RunCore[], at: number): Steps<void> {
  for (const core of finished) {
    if (core.why !== 'continuous' || core.exclusive === null) continue
    const place = core.exclusive.slice(core.exclusive.indexOf('@') + 1)
    const [job] = yield* all<{ policy: string; restartMs: number | null }>(restartRules, slot, core.jobId)
    const row = (yield* all<{ quickEnds: number }>(quickEnds, core.jobId, place))[0]
    if (job === undefined) continue
    const policy = restartRule((JSON.parse(job.policy) as Policy).restart, job.restartMs)
    const ranMs = at - (core.startedAt ?? at)
    const rest = restAfter(core, policy, ranMs, row?.quickEnds ?? 0)
    yield* noteEnded(core, rest.delayMs)
    yield* execute(restPlace, at + rest.delayMs, rest.quickEnds, core.jobId, place, core.id)
  }
}

/** A run that was stopped on purpose or lost with its instance says nothing against the script: it is followed at once. */
function restAfter(core: RunCore, policy: RestartPolicy, ranMs: number, quickEnds: number) {
  if (core.state === 'stopped' || core.reasonCode === 'lost') return { delayMs: 0, quickEnds }
  const short = countShortRun(quickEnds, ranMs)
  return { delayMs: restartDelay(policy, short), quickEnds: short }
}
