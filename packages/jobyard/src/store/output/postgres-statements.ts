const LOG = `id, task_id as "taskId", fence, cap_bytes as "capBytes", rolling::int, bytes, dropped,
  first_seq as "firstSeq", last_seq as "lastSeq", cut::int, ended::int, lines, system_lines as "systemLines",
  line_bytes as "lineBytes", line_time as "lineTime", opened_at as "openedAt", facts`
const MARK = `seq, lines, system_lines as "systemLines", line_bytes as "lineBytes", line_time as "lineTime", data`
const SPAN = 'first_seq as "firstSeq", last_seq as "lastSeq", bytes'

/** Chunks deleted by one {@link sweep}. */
const SWEEP_CHUNKS = 64

/** A statement that each connection prepares once. */
export interface Named {
  readonly name: string
  readonly text: string
}

/** $1 task, $2 cap, $3 rolling, $4 time, $5 facts. The new fence shuts out whoever had the log open before. */
export const open: Named = {
  name: 'output-open',
  text: `insert into output_logs
      (task_id, fence, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, cut, ended,
        lines, system_lines, line_bytes, line_time, opened_at, facts)
    values ($1, 1, $2, $3, 0, 0, 1, 0, false, false, 0, 0, 0, 0, $4, $5)
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
 * All changes in one statement, so in one round trip and one transaction. $1 to $9 and $17 to $20: the logs, $10 to $15:
 * the chunks, $16: the chunks' bytes, one after the other, so that they travel as they are and not as text; $21 to $28:
 * marks in the same way. The chunks that are
 * rolled off are older than all new ones: the deletion, which does not see these, need not.
 */
export const write: Named = {
  name: 'output-write',
  text: `with given as (
      select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[], $5::bigint[], $6::bigint[],
          $7::bigint[], $8::bigint[], $9::int[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[])
        as given (id, fence, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, flags,
          lines, system_lines, line_bytes, line_time)
    ), changed as (
      update output_logs as log set cap_bytes = given.cap_bytes, rolling = given.rolling, bytes = given.bytes,
        dropped = given.dropped, first_seq = given.first_seq, last_seq = given.last_seq,
        cut = given.flags & 1 <> 0, ended = given.flags & 2 <> 0, lines = given.lines,
        system_lines = given.system_lines, line_bytes = given.line_bytes, line_time = given.line_time
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
    ), marked as (
      insert into output_line_marks (log_id, seq, lines, system_lines, line_bytes, line_time, data)
      select log_id, seq, lines, system_lines, line_bytes, line_time, substring($28::bytea from at for size)
      from (
        select *, (sum(size) over (order by place rows unbounded preceding) - size + 1)::int as at
        from unnest($21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::int[])
          with ordinality as mark (log_id, seq, lines, system_lines, line_bytes, line_time, size, place)
      ) as placed join changed on changed.id = log_id
      on conflict (log_id, seq) do update set lines = excluded.lines, system_lines = excluded.system_lines,
        line_bytes = excluded.line_bytes, line_time = excluded.line_time, data = excluded.data
    ), unmarked as (
      delete from output_line_marks as mark using changed
      where changed.rolled and mark.log_id = changed.id and mark.seq < changed.first_seq
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
    ), unmarked as (
      delete from output_line_marks as mark using owned where mark.log_id = owned.id and mark.seq > owned.seq
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

/** $1 log, $2 seq, $3 and $4 what each line, and each of the system, takes beyond its bytes, $5 place. */
export const lastMark: Named = {
  name: 'output-last-mark',
  text: `select ${MARK} from output_line_marks where log_id = $1 and seq >= $2
      and lines * $3::bigint + system_lines * $4::bigint + line_bytes <= $5::bigint order by seq desc limit 1`,
}

/** $1 log, $2 seq. */
export const firstMark: Named = {
  name: 'output-first-mark',
  text: `select ${MARK} from output_line_marks where log_id = $1 and seq >= $2 order by seq limit 1`,
}

/** $1 log, $2 to $5 its counts. Gives a row unless they are there already, or the log goes on. */
export const saveCounts: Named = {
  name: 'output-save-counts',
  text: `update output_logs set lines = $2, system_lines = $3, line_bytes = $4, line_time = $5
    where id = $1 and ended and lines is null returning id`,
}

/** $1 log, $2 seq, $3 to $6 its counts, $7 data. */
export const addMark: Named = {
  name: 'output-add-mark',
  text: `insert into output_line_marks (log_id, seq, lines, system_lines, line_bytes, line_time, data)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (log_id, seq) do nothing`,
}

/** $1 tasks. */
export const remove: Named = {
  name: 'output-remove',
  text: `with gone as (delete from output_logs where task_id = any($1) returning id),
      unmarked as (delete from output_line_marks where log_id in (select id from gone))
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
