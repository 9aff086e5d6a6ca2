import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../packages/jobyard/src/domain/clock.ts'
import { createIds } from '../../packages/jobyard/src/domain/ids.ts'

/** Runs per transaction. */
const GROUP = 1000

const INSERT_RUN = `insert into run (id, job_id, collection_id, kind, number, why, detail, args, job_version, state, owner,
  fence, dispatch_at, created_at) values (?, ?, ?, 'no-op', ?, 'manual', '{}', '[]', 1, 'pending', null, 0, ?, ?)`
const CLAIM_RUN = `update run set state = 'running', owner = ?, fence = 1, dispatch_at = null, started_at = ? where id = ?`
const INSERT_TASK = `insert into task (id, run_id, target, attempt, state, owner, fence, created_at, started_at)
  values (?, ?, 'here', 1, 'running', ?, 1, ?, ?)`
const FINISH_TASK = `update task set state = 'completed', finished_at = ? where id = ?`
const FINISH_RUN = `update run set state = 'completed', owner = null, plan_closed = 1, n_completed = 1, finished_at = ?
  where id = ?`

/**
 * Writes what runs leave behind, in as few statements as can be, by one thread that does nothing else: asked for in one
 * transaction, taken in the next, finished in a third. Answers the milliseconds that it took.
 */
export function writeBareRows(file: string, count: number): number {
  using database = new DatabaseSync(file)
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -32768')
  database.exec('pragma wal_autocheckpoint = 4000')
  const [insertRun, claimRun, insertTask, finishTask, finishRun] = [
    INSERT_RUN,
    CLAIM_RUN,
    INSERT_TASK,
    FINISH_TASK,
    FINISH_RUN,
  ].map((text) => database.prepare(text))
  const ids = createIds(systemClock)
  const [job, collection, owner] = [ids.next(), ids.next(), ids.next()]
  const began = performance.now()
  for (let first = 0; first < count; first += GROUP) {
    const at = Date.now()
    const rows = Array.from({ length: Math.min(GROUP, count - first) }, () => ({ run: ids.next(), task: ids.next() }))
    database.exec('begin')
    rows.forEach(({ run }, index) => {
      insertRun?.run(run, job, collection, first + index + 1, at, at)
    })
    database.exec('commit; begin')
    for (const { run, task } of rows) {
      claimRun?.run(owner, at, run)
      insertTask?.run(task, run, owner, at, at)
    }
    database.exec('commit; begin')
    for (const { run, task } of rows) {
      finishTask?.run(at, task)
      finishRun?.run(at, run)
    }
    database.exec('commit')
  }
  return performance.now() - began
}
