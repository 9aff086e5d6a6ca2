import pg from 'pg'
import { JobyardError } from '../../domain/errors.ts'

/** How connections to PostgreSQL are made. Times are whole milliseconds. */
export interface ConnectionOptions {
  /** Address with user, password and database: postgres://user:password@host:5432/name?sslmode=require. */
  readonly url: string
  /** Names the connections in pg_stat_activity. Default: jobyard. */
  readonly applicationName?: string
  /** How long a connection may take to come about. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** How long one statement may take before the server cancels it. Default 30,000. */
  readonly statementTimeoutMs?: number
  /**
   * After how long without a word of ours the server drops a transaction, and its locks. Default 4,000; what the address
   * says in its `options` comes before it.
   */
  readonly idleTransactionMs?: number
  /** How long an answer may take before the connection itself counts as dead. Default 5,000 more than a statement. */
  readonly answerTimeoutMs?: number
}

const IDLE_IN_TRANSACTION = 4000

/**
 * After how many milliseconds without a word the server is to drop an open transaction of ours, and its locks: we are frozen
 * or gone, and the other instances wait for what we hold, to see to the runs of the dead within their lease.
 */
export function idleLimit(leaseMs: number): number {
  return Math.min(IDLE_IN_TRANSACTION, Math.round(leaseMs / 4))
}

/** The settings of every connection: our schema only, our limits, values as plain data. */
export function connectionConfig(options: ConnectionOptions): pg.ClientConfig {
  const { url, applicationName = 'jobyard', connectTimeoutMs = 5000, statementTimeoutMs = 30_000 } = options
  const answerTimeoutMs = options.answerTimeoutMs ?? statementTimeoutMs + 5000
  const idle = `idle_in_transaction_session_timeout=${options.idleTransactionMs ?? IDLE_IN_TRANSACTION}`
  const musts = [
    'search_path=jobyard',
    `statement_timeout=${statementTimeoutMs}`,
    'default_transaction_isolation=read\\ committed',
  ]
  return {
    connectionString: withSettings(url, idle, musts),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  }
}

/** Adds settings to those that the address itself has in its `options`, of which the last one of a name counts. */
function withSettings(text: string, before: string, behind: readonly string[]): string {
  const url = parseUrl(text)
  const own = url.searchParams.get('options') ?? ''
  const all = [`-c ${before}`, own, ...behind.map((setting) => `-c ${setting}`)]
  url.searchParams.set('options', all.filter((part) => part !== '').join(' '))
  // The driver reads the address once more and takes a plus for itself, not for a blank.
  return url.href.replaceAll('+', '%20')
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^(postgres|postgresql):$/.test(url.protocol)) return url
  throw new JobyardError('store-unavailable', 'The address of the database cannot be read.', {
    hint: 'Write postgres://user:password@host:5432/database, with special characters of the password as %XX.',
  })
}

/** Object ids of PostgreSQL's types, from its catalogue pg_type. */
const BOOL = 16
const INT8 = 20
const NUMERIC = 1700

/** Types whose text is worth more than what the driver would make of it: json, jsonb, date, times, interval. */
const AS_TEXT = new Set([114, 3802, 1082, 1083, 1114, 1184, 1186])

type Parse = (text: string) => unknown

/** Values as SQLite would give them: numbers for all whole numbers and sums, 0 and 1 for flags, text for the rest. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): Parse {
  if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
  if (oid === INT8 || oid === NUMERIC) return Number
  if (oid === BOOL) return (text) => (text === 't' ? 1 : 0)
  if (AS_TEXT.has(oid)) return (text) => text
  return pg.types.getTypeParser(oid, 'text')
}
