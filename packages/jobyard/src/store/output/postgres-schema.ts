import type pg from 'pg'
import { JobyardError } from '../../domain/errors.ts'

/** Key of the advisory lock that lets one migrator of these tables in at a time; a number nobody else uses. */
const LOCK = 7_241_530_968

/** Each brings the tables from the version of its place (0: none) to the next; never changed once released. */
const MIGRATIONS = [
  `
  create table output_logs (
    id bigint generated always as identity primary key,
    task_id text collate "C" not null unique,
    fence bigint not null,
    cap_bytes bigint not null,
    rolling boolean not null,
    bytes bigint not null,
    dropped bigint not null,
    first_seq bigint not null,
    last_seq bigint not null,
    cut boolean not null,
    ended boolean not null
  );

  create table output_chunks (
    log_id bigint not null,
    first_seq bigint not null,
    last_seq bigint not null,
    bytes bigint not null,
    first_time bigint not null,
    data bytea not null,
    primary key (log_id, first_seq)
  );
  -- Stored as it is: the default would have the server try to compress every chunk while the job waits.
  alter table output_chunks alter column data set storage external;

  -- Logs that are out of sight and whose chunks are still to be deleted, a few at a time.
  create table output_removed (log_id bigint primary key);
  `,
  `
  -- Lines so far, for whoever shows the log line by line; null: nobody has counted them.
  alter table output_logs add column lines bigint, add column system_lines bigint, add column line_bytes bigint,
    add column line_time bigint, add column opened_at bigint, add column facts text;

  -- Every few megabytes the lines before a chunk and what is open there, so that lines are found without reading all.
  create table output_line_marks (
    log_id bigint not null,
    seq bigint not null,
    lines bigint not null,
    system_lines bigint not null,
    line_bytes bigint not null,
    line_time bigint not null,
    data bytea not null,
    primary key (log_id, seq)
  );
  `,
]

/**
 * Brings the tables up to date, on a connection whose search path is the schema `jobyard`. Several may do so at once.
 * Throws `store-newer` when a newer Jobyard has changed them.
 */
export async function migrateOutputTables(client: pg.ClientBase): Promise<void> {
  await client.query('begin')
  await client.query('select pg_advisory_xact_lock($1)', [LOCK])
  await client.query('create schema if not exists jobyard')
  await client.query('create table if not exists output_version (version integer not null)')
  const { rows } = await client.query<{ version: number }>('select version from output_version')
  const version = rows[0]?.version ?? 0
  if (version > MIGRATIONS.length) {
    const message = `The output tables are at version ${version}; this program knows versions up to ${MIGRATIONS.length}.`
    throw new JobyardError('store-newer', message, { data: { database: version, program: MIGRATIONS.length } })
  }
  if (rows.length === 0) await client.query('insert into output_version values (0)')
  for (const text of MIGRATIONS.slice(version)) await client.query(text)
  await client.query('update output_version set version = $1', [MIGRATIONS.length])
  await client.query('commit')
}
