const LOG = `id, task_id as "taskId", fence, cap_bytes as "capBytes", rolling::int, bytes, dropped,
  first_seq as "firstSeq", last_seq as "lastSeq", cut::int, ended::int`
const SPAN = 'first_seq as "firstSeq", last_seq as "lastSeq", bytes'

/** Chunks deleted by one {@link sweep}. */
const SWEEP_CHUNKS = 64

/** A statement that each connection prepares once. */
export interface Named {
  readonly name: string
  readonly text: string
}

/** $1 task, $2 cap, $3 rolling. The new fence shuts out whoever had the log open before. */
export const open: Named = {
  name: 'output-open',
  text: `insert into output_logs
      (task_id, fence, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, cut, ended)
    values ($1, 1, $2, $3, 0, 0, 1, 0, false, false)
    on conflict (task_id) do update set fence = output_logs.fence + 1, ended = false
    returning ${LOG}`,
}

/** $1 task. */
export const find: Named = { name: 'output-find', text: `select ${LOG} from output_logs where task_id = $1` }

/** $1 tasks. */
export const peek: Named = {
  name: 'output-peek',
  text: `select task_id as "taskId", last_seq as "lastSeq", ended::int from output_logs where task_id = any($1)`,
}

/**
 * All changes in one statement, so in one round trip and one transaction. $1 to $9: the logs, $10 to $15: the chunks,
 * $16: the chunks' bytes, one after the other, so that they travel as they are and not as text. The chunks that are
 * rolled off are older than all new ones: the deletion, which does not see these, need not.
 */
export const write: Named = {
  name: 'output-write',
  text: `with given as (
      select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[], $5::bigint[], $6::bigint[],
          $7::bigint[], $8::bigint[], $9::int[])
        as given (id, fence, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, flags)
    ), changed as (
      update output_logs as log set cap_bytes = given.cap_bytes, rolling = given.rolling, bytes = given.bytes,
        dropped = given.dropped, first_seq = given.first_seq, last_seq = given.last_seq,
        cut = given.flags & 1 <> 0, ended = given.flags & 2 <> 0
      from given where log.id = given.id and log.fence = given.fence
      returning log.id, given.first_seq, given.flags & 4 <> 0 as rolled
    ), added as (
      insert into output_chunks (log_id, first_seq, last_seq, bytes, first_time, data)
      select log_id, placed.first_seq, last_seq, bytes, first_time, substring($16::bytea from at for size)
      from (
        select *, (sum(size) over (order by place rows unbounded preceding) - size + 1)::int as at
        from unnest($10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::int[])
          with ordinality as chunk (log_id, first_seq, last_seq, bytes, first_time, size, place)
      ) as placed join changed on changed.id = log_id
    ), rolled as (
      delete from output_chunks as chunk using changed
      where changed.rolled and chunk.log_id = changed.id and chunk.first_seq < changed.first_seq
    )
    select id from changed`,
}

/** $1 logs, $2 their fences, $3 for each the seq after which nothing is known to be committed. */
export const truncate: Named = {
  name: 'output-truncate',
  text: `with owned as (
      select log.id, given.seq from output_logs as log
      join unnest($1::bigint[], $2::bigint[], $3::bigint[]) as given (id, fence, seq) using (id, fence)
      for update of log
    )
    delete from output_chunks as chunk using owned where chunk.log_id = owned.id and chunk.first_seq > owned.seq`,
}

/** $1 log, $2 seq, $3 limit. The first is the one that holds the seq. */
export const forward: Named = {
  name: 'output-forward',
  text: `select ${SPAN}, first_time as "firstTime", data from output_chunks where log_id = $1 and first_seq >=
      coalesce((select max(first_seq) from output_chunks where log_id = $1 and first_seq <= $2), $2)
    order by first_seq limit $3`,
}

/** $1 log, $2 only those that begin before this seq, $3 limit. */
export const backward: Named = {
  name: 'output-backward',
  text: `select ${SPAN}, first_time as "firstTime", data from output_chunks where log_id = $1 and first_seq < $2
    order by first_seq desc limit $3`,
}

/** $1 log, $2 seq, $3 limit. */
export const spans: Named = {
  name: 'output-spans',
  text: `select ${SPAN} from output_chunks where log_id = $1 and first_seq >= $2 order by first_seq limit $3`,
}

/** $1 tasks. */
export const remove: Named = {
  name: 'output-remove',
  text: `with gone as (delete from output_logs where task_id = any($1) returning id)
    insert into output_removed (log_id) select id from gone`,
}

/** Some chunks of one removed log that no other instance is deleting; gives a row unless there was no such log. */
export const sweep: Named = {
  name: 'output-sweep',
  text: `with log as (
      select log_id from output_removed limit 1 for update skip locked
    ), erased as (
      delete from output_chunks where (log_id, first_seq) in (
        select chunk.log_id, chunk.first_seq from output_chunks as chunk join log using (log_id)
        order by chunk.first_seq limit ${SWEEP_CHUNKS})
      returning 1
    ), done as (
      delete from output_removed where log_id in (select log_id from log)
        and (select count(*) from erased) < ${SWEEP_CHUNKS}
    )
    select log_id from log`,
}
