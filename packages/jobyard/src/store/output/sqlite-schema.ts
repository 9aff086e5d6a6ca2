import type { DatabaseSync } from 'node:sqlite'
import { JobyardError } from '../../domain/errors.ts'

/** Page size of the output database: fewer, larger pages than usual, because most rows are as large as a chunk. */
export const PAGE_BYTES = 8192

/** Each brings the file from the version of its place (0: an empty file) to the next; never changed once released. */
const MIGRATIONS = [
  `
  create table logs (
    id integer primary key,
    task_id text not null unique,
    cap_bytes integer not null,
    rolling integer not null,
    bytes integer not null,
    dropped integer not null,
    first_seq integer not null,
    last_seq integer not null,
    cut integer not null,
    ended integer not null
  ) strict;

  -- An ordinary table with an index: rows are added at the end of it whatever log they belong to. Without a rowid
  -- (log_id, first_seq) the same load ran at 595 MB/s instead of 916. The blob comes last, so that the other columns are
  -- read without it.
  create table chunks (
    id integer primary key,
    log_id integer not null,
    first_seq integer not null,
    last_seq integer not null,
    bytes integer not null,
    first_time integer not null,
    data blob not null
  ) strict;
  create unique index chunks_by_log on chunks (log_id, first_seq);

  -- Logs that are out of sight and whose chunks are still to be deleted, a few at a time.
  create table removed (log_id integer primary key) strict;
  `,
  `
  -- Lines so far, for whoever shows the log line by line; null: nobody has counted them.
  alter table logs add column lines integer;
  alter table logs add column system_lines integer;
  alter table logs add column line_bytes integer;
  alter table logs add column line_time integer;
  alter table logs add column opened_at integer;
  alter table logs add column facts text;

  -- Every few megabytes the lines before a chunk and what is open there, so that lines are found without reading all.
  create table line_marks (
    log_id integer not null,
    seq integer not null,
    lines integer not null,
    system_lines integer not null,
    line_bytes integer not null,
    line_time integer not null,
    data blob,
    primary key (log_id, seq)
  ) strict, without rowid;
  `,
]

/**
 * Brings an output database up to date, from an empty file on. Throws `store-newer` when a newer Jobyard wrote
 * it.
 */
export function migrateSqlite(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('pragma user_version').get()?.user_version ?? 0)
  if (version > MIGRATIONS.length) {
    const message = `${path} is at version ${version}; this program knows versions up to ${MIGRATIONS.length}.`
    throw new JobyardError('store-newer', message, { data: { database: version, program: MIGRATIONS.length } })
  }
  // Both must be set before the first table is made, and the page size before the write-ahead log is.
  if (version === 0) db.exec(`pragma page_size = ${PAGE_BYTES}; pragma auto_vacuum = incremental`)
  db.exec('pragma journal_mode = wal')
  for (const [index, text] of MIGRATIONS.entries()) {
    if (index < version) continue
    db.exec(`begin immediate; ${text}; pragma user_version = ${index + 1}; commit`)
  }
}
