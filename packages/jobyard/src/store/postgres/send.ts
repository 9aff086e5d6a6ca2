import type { Clock } from '../../domain/clock.ts'
import type { Scope } from '../contract.ts'
import { execute, type Steps, sql } from '../sql.ts'

/** The task that Graphile Worker knows our messages by. */
export const RUN_TASK = 'jobyard_run'

/**
 * One message per run, keyed by the run: a second one replaces the first while nobody works on it. In the order of
 * the ids, so that two transactions never wait for each other crosswise. Without a delay the database's own clock
 * says when, so that a clock of ours that is fast holds nothing back.
 */
const addMessages = sql(
  (d) => `select count(*) from graphile_worker.add_jobs(array(
    select row('${RUN_TASK}', json_build_object('runId', "runId"), null,
      case when "delay" > 0 then now() + "delay" * interval '1 millisecond' end,
      null, 'run:' || "runId", null, null)::graphile_worker.job_spec
    from ${d.rows({ runId: 'text', delay: 'int' })} as messages_ order by "runId" collate "C"))`,
)

/** The {@link Scope.send} of PostgreSQL: Graphile Worker's messages, in the same transaction. */
export function createSend(clock: Clock): Scope['send'] {
  return function* send(messages): Steps<void> {
    if (messages.length === 0) return
    const now = clock.now()
    yield* execute(
      addMessages,
      JSON.stringify(messages.map(({ runId, at }) => ({ runId, delay: Math.max(at - now, 0) }))),
    )
  }
}
