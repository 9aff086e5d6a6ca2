import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Chunks deleted in one transaction: 4 MB at the most, a few milliseconds of work. */
export const SWEEP_CHUNKS = 64

/** The statements that output is written and read with, prepared. */
export type Statements = ReturnType<typeof prepareAll>

/** Prepares all statements on a connection. */
export function prepareAll(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text)
  const span = 'first_seq as firstSeq, last_seq as lastSeq, bytes'
  const chunk = `${span}, first_time as firstTime, data`
  const counts = 'lines, system_lines as systemLines, line_bytes as lineBytes, line_time as lineTime'
  const mark = `seq, ${counts}, data from line_marks where log_id = ? and seq >= ?`
  return {
    find: sql(`select id, task_id as taskId, cap_bytes as capBytes, rolling, bytes, dropped, first_seq as firstSeq,
      last_seq as lastSeq, cut, ended, ${counts}, opened_at as openedAt, facts from logs where task_id = ?`),
    // The log's row appears with its first commit, so that opening a log writes nothing.
    save: sql(`insert into logs (id, task_id, cap_bytes, rolling, bytes, dropped, first_seq, last_seq, cut, ended,
        lines, system_lines, line_bytes, line_time, opened_at, facts)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set cap_bytes = excluded.cap_bytes,
      rolling = excluded.rolling, bytes = excluded.bytes, dropped = excluded.dropped, first_seq = excluded.first_seq,
      last_seq = excluded.last_seq, cut = excluded.cut, ended = excluded.ended, lines = excluded.lines,
      system_lines = excluded.system_lines, line_bytes = excluded.line_bytes, line_time = excluded.line_time`),
    add: sql('insert into chunks (log_id, first_seq, last_seq, bytes, first_time, data) values (?, ?, ?, ?, ?, ?)'),
    roll: sql('delete from chunks where log_id = ? and first_seq < ?'),
    rollMarks: sql('delete from line_marks where log_id = ? and seq < ?'),
    addMark: sql(`insert or replace into line_marks (log_id, seq, lines, system_lines, line_bytes, line_time, data)
      values (?, ?, ?, ?, ?, ?, ?)`),
    saveCounts: sql(`update logs set lines = ?, system_lines = ?, line_bytes = ?, line_time = ?
      where id = ? and ended = 1 and lines is null`),
    firstMark: sql(`select ${mark} order by seq limit 1`),
    lastMark: sql(`select ${mark} and lines * ? + system_lines * ? + line_bytes <= ? order by seq desc limit 1`),
    holding: sql('select max(first_seq) as seq from chunks where log_id = ? and first_seq <= ?'),
    forward: sql(`select ${chunk} from chunks where log_id = ? and first_seq >= ? order by first_seq`),
    backward: sql(`select ${chunk} from chunks where log_id = ? order by first_seq desc`),
    spans: sql(`select ${span} from chunks where log_id = ? and first_seq >= ? order by first_seq limit ?`),
    doom: sql('insert into removed (log_id) select id from logs where task_id = ?'),
    unmark: sql('delete from line_marks where log_id in (select id from logs where task_id = ?)'),
    forget: sql('delete from logs where task_id = ?'),
    doomed: sql('select log_id as id from removed limit 1'),
    erase: sql(`delete from chunks where id in
      (select id from chunks where log_id = ? order by first_seq limit ${SWEEP_CHUNKS})`),
    done: sql('delete from removed where log_id = ?'),
    lastId: sql(`select max(coalesce((select max(id) from logs), 0), coalesce((select max(log_id) from removed), 0))
      as id`),
    free: sql('pragma freelist_count'),
    pages: sql('pragma page_count'),
    checkpoint: sql('pragma wal_checkpoint(passive)'),
  }
}
