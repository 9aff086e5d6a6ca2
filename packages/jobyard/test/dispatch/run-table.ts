import type { TestRun } from './exercise.ts'

/** Inserts a run with what the table insists on; parameters: id, dispatch_at. */
export const INSERT_RUN = `insert into run (id, job_id, collection_id, kind, number, why, detail, args, state, dispatch_at, created_at)
  values (?, 'job', 'collection', 'test', (select count(*) + 1 from run), 'manual', '{}', '[]', 'pending', ?, 0)`

/** Inserts many; one parameter, a JSON array of {id, at}. PostgreSQL. */
export const INSERT_RUNS = `insert into run (id, job_id, collection_id, kind, number, why, detail, args, state, dispatch_at, created_at)
  select id, 'job', 'collection', 'test', row_number() over () + (select count(*) from run), 'manual', '{}', '[]', 'pending', at, 0
  from jsonb_to_recordset($1::jsonb) as runs_ (id text, at bigint)`

/** For the message of each run. */
export const messagesOf = (runs: readonly TestRun[]) => runs.map(({ id, at }) => ({ runId: id, at }))
