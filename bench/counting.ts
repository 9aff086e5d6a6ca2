import type { DatabaseSync } from 'node:sqlite'

interface Counts {
  readonly runs: number
  readonly completed: number
  readonly tasks: number
  readonly started: number
}

/**
 * Holds the rows of jobs against the runs that were asked for: each there once, completed, with one task that was started
 * once. Answers what is wrong, in words.
 */
export function checkExactlyOnce(database: DatabaseSync, jobs: readonly string[], expected: number): string[] {
  const ids = JSON.stringify(jobs)
  const { runs, completed } = database
    .prepare(`select count(*) as runs, coalesce(sum(state = 'completed'), 0) as completed from run
      where job_id in (select value from json_each(?))`)
    .get(ids) as unknown as Counts
  const { tasks, started } = database
    .prepare(`select count(*) as tasks, coalesce(sum(started_at is not null and state = 'completed'), 0) as started
      from task where run_id in (select id from run where job_id in (select value from json_each(?)))`)
    .get(ids) as unknown as Counts
  return [
    ...differ('runs on record', runs, expected),
    ...differ('completed runs', completed, expected),
    ...differ('tasks on record', tasks, expected),
    ...differ('completed tasks', started, expected),
    ...readReasons(database, ids),
  ]
}

/** Why runs did not complete, with how many each. */
function readReasons(database: DatabaseSync, ids: string): string[] {
  const rows = database
    .prepare(`select state, reason_code as code, reason_text as text, count(*) as count from run
      where job_id in (select value from json_each(?)) and state <> 'completed' group by 1, 2, 3`)
    .all(ids) as { state: string; code: string | null; text: string | null; count: number }[]
  return rows.map(({ state, code, text, count }) => `${count} ${state}, ${code ?? 'no reason'}: ${text ?? ''}`)
}

/** Says it when a count is not what it should be. */
export function differ(what: string, count: number, expected: number): string[] {
  return count === expected ? [] : [`${what}: ${count} instead of ${expected}`]
}
