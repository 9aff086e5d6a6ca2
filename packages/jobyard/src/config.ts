import { join } from 'node:path'
import { networks } from './config/networks.ts'
import {
  choice,
  count,
  databaseAddress,
  duration,
  optional,
  orNone,
  path,
  size,
  sizeWithin,
  text,
  toggle,
  token,
  type ValueType,
  webAddress,
  word,
} from './config/values.ts'
import { DEFAULT_ARCHIVE_LIMITS } from './kinds/script/archive-limits.ts'
import type { Network } from './outbound/addresses.ts'

const KB = 1024
const MB = 1024 * KB
/** The largest limit for what is held in memory as a whole; a text in JavaScript cannot be much longer. */
const LARGEST_BODY = 256 * MB

/** The machine as far as defaults depend on it. */
export interface Machine {
  /** Processors that this process may use. */
  readonly cpus: number
  /** Bytes of memory that this process may use. */
  readonly memory: number
  readonly hostname: string
  /** The current folder, where relative paths begin. */
  readonly folder: string
}

/** A setting: where it is read from, what it may be, and what it is for. */
export interface Setting<T> {
  /** Name of the environment variable without `JOBYARD_`; the flag is the same in lower case: `--database-url`. */
  readonly variable: string
  readonly type: ValueType<T>
  /** Its value when nobody sets it. `data` is the data folder. */
  readonly fallback: (machine: Machine, data: string) => T
  /** The default as documentation says it. */
  readonly otherwise: string
  /** What it is for, in a sentence or two. */
  readonly meaning: string
}

function setting<T>(
  variable: string,
  type: ValueType<T>,
  fallback: T | ((machine: Machine, data: string) => T),
  otherwise: string,
  meaning: string,
): Setting<T> {
  const byDefault = typeof fallback === 'function' ? (fallback as Setting<T>['fallback']) : () => fallback
  return { variable, type, fallback: byDefault, otherwise, meaning }
}

/** Every setting of the server, under the name that it has in {@link Config}. Durations are milliseconds, sizes bytes. */
export const SETTINGS = {
  host: setting(
    'HOST',
    text,
    '127.0.0.1',
    '127.0.0.1',
    'Address to listen on. One that others can reach needs TLS or --behind-proxy.',
  ),
  port: setting('PORT', count(0, 65_535), 7780, '7780', 'Port to listen on; 0 takes any free one.'),
  tlsCert: setting(
    'TLS_CERT',
    optional(path),
    null,
    'not set',
    'File with the certificate chain (PEM) to serve HTTPS with; needs JOBYARD_TLS_KEY, too.',
  ),
  tlsKey: setting('TLS_KEY', optional(path), null, 'not set', 'File with the private key (PEM) of that certificate.'),
  behindProxy: setting(
    'BEHIND_PROXY',
    toggle,
    false,
    '0',
    "Says that a proxy that encrypts stands before the server: allows other addresses than loopback without TLS, and takes the callers' addresses from X-Forwarded-For.",
  ),
  publicUrl: setting(
    'PUBLIC_URL',
    optional(webAddress),
    null,
    'the address it listens on',
    'Address under which others reach the server; webhook addresses begin with it.',
  ),
  dataFolder: setting(
    'DATA',
    path,
    (machine: Machine) => join(machine.folder, 'jobyard-data'),
    './jobyard-data',
    'Folder for everything the server keeps: database, packages, output, data of jobs. Made if it is not there.',
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    optional(databaseAddress),
    null,
    'SQLite in the data folder',
    'PostgreSQL database to use in place of SQLite, so that several instances can share the work.',
  ),
  keyFile: setting(
    'KEY_FILE',
    path,
    (_machine: Machine, data: string) => join(data, 'key'),
    '`key` in the data folder',
    'File with the key that secrets are encrypted with. Made at the first start and never part of a backup: keep a copy elsewhere.',
  ),
  adminToken: setting(
    'ADMIN_TOKEN',
    optional(token),
    null,
    'made at the first start and printed once',
    'Token of the first administrator. Better in the environment than as a flag, which other users of the machine can see.',
  ),
  instance: setting(
    'INSTANCE',
    word,
    (machine: Machine) => nameOf(machine.hostname),
    'the name of the machine',
    'Name of this instance, unique among those that share a database.',
  ),
  slot: setting(
    'SLOT',
    word,
    'production',
    'production',
    'Deployment slot that this instance belongs to: app settings that are pinned to another one do not count here.',
  ),
  callsNetworks: setting(
    'CALLS_NETWORKS',
    networks,
    ['public', 'private'] as readonly Network[],
    'public,private',
    'Networks that hooks and calls may reach: public, private, loopback, or none. Link-local addresses and those of cloud metadata are never reached.',
  ),
  site: setting(
    'SITE',
    optional(path),
    null,
    'not set',
    'Folder that is watched for jobs: App_Data/jobs/{triggered,continuous}/NAME, also below site/wwwroot. Jobs of the default collection then come from there alone.',
  ),
  siteQuietMs: setting(
    'SITE_QUIET',
    duration(100),
    5000,
    '5s',
    'How long a job in the watched folder must stay as it is before it is deployed.',
  ),
  concurrency: setting(
    'CONCURRENCY',
    count(1, 100_000),
    (machine: Machine) => Math.max(8, 4 * machine.cpus),
    '4 per processor, at least 8',
    'Runs that this instance works on at a time; continuous jobs are not counted.',
  ),
  drainMs: setting(
    'DRAIN',
    duration(),
    30_000,
    '30s',
    'How long runs may go on after the server was told to stop; then they are stopped, too.',
  ),
  leaseMs: setting(
    'LEASE',
    duration(1000),
    15_000,
    '15s',
    'Time after which an instance that gives no sign of life counts as dead and its runs are taken over.',
  ),
  runAs: setting(
    'RUN_AS',
    optional(text),
    null,
    "the server's own user; for root: jobyard, else nobody",
    'System user that jobs run as: a name, name:group, uid or uid:gid. Only a server that runs as root can change it.',
  ),
  workFolder: setting(
    'WORK',
    optional(path),
    null,
    "`work` in the data folder, or a place that the jobs' user can reach",
    'Folder for working copies of packages; may be emptied whenever the server is stopped.',
  ),
  jobMemoryBytes: setting(
    'JOB_MEMORY',
    orNone(size),
    (machine: Machine) => Math.max(256 * MB, Math.floor(machine.memory / 2 / MB) * MB),
    "half of the machine's memory, at least 256MB, where control groups can keep it; else none",
    'Memory that one run and all its processes may use, when the job says nothing else.',
  ),
  jobProcesses: setting(
    'JOB_PROCESSES',
    orNone(count(1, 4_000_000)),
    512,
    '512 where control groups can keep it; else none',
    'Processes and threads that one run may have at once, when the job says nothing else.',
  ),
  outputBytes: setting(
    'OUTPUT_LIMIT',
    size,
    32 * MB,
    '32MB',
    'Output kept of each run, when the job says nothing else. Continuous jobs keep the newest, others the oldest.',
  ),
  uploadBytes: setting('UPLOAD_LIMIT', size, 200 * MB, '200MB', 'Largest upload of a package that is taken.'),
  bodyBytes: setting(
    'BODY_LIMIT',
    sizeWithin(16 * KB, LARGEST_BODY),
    MB,
    '1MB',
    'Largest JSON body of a request that is taken, a payload for a run in it included.',
  ),
  payloadBytes: setting(
    'PAYLOAD_LIMIT',
    sizeWithin(KB, LARGEST_BODY),
    MB,
    '1MB',
    'Largest body of a call of a webhook that is taken; the script gets it as its payload.',
  ),
  liveStreams: setting(
    'LIVE_LIMIT',
    count(1, 1_000_000),
    1000,
    '1000',
    'Live streams (events, output as it comes) that may be open at a time; further ones get 503.',
  ),
  liveStreamsPerToken: setting(
    'LIVE_TOKEN_LIMIT',
    count(1, 1_000_000),
    100,
    '100',
    'Live streams that may be open at a time with one token; further ones get 429.',
  ),
  archiveEntries: setting(
    'ARCHIVE_ENTRIES',
    count(1, 10_000_000),
    DEFAULT_ARCHIVE_LIMITS.entries,
    '10000',
    'Files and folders that an uploaded zip may hold.',
  ),
  archiveFileBytes: setting(
    'ARCHIVE_FILE',
    size,
    DEFAULT_ARCHIVE_LIMITS.fileBytes,
    '50MB',
    'Size of the largest file in an uploaded zip, unpacked.',
  ),
  archiveTotalBytes: setting(
    'ARCHIVE_TOTAL',
    size,
    DEFAULT_ARCHIVE_LIMITS.totalBytes,
    '200MB',
    'Size of all files in an uploaded zip together, unpacked.',
  ),
  archiveRatio: setting(
    'ARCHIVE_RATIO',
    count(1, 100_000),
    DEFAULT_ARCHIVE_LIMITS.ratio,
    '100',
    'How many times larger than its packed form a file of more than 1 MB in an uploaded zip may be.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'info',
    'Least important messages that the server writes to its log: fatal, error, warn, info, debug, trace or silent.',
  ),
}

/** Name of a setting in {@link Config}. */
export type SettingKey = keyof typeof SETTINGS

/** Where a setting's value came from. */
export type Source = 'flag' | 'environment' | 'default'

type Values = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never }

/** The settings of a server. Durations are milliseconds, sizes bytes, paths absolute; what is not set is null. */
export interface Config extends Values {
  /** Where each value came from. A limit of jobs that is only a default holds only where control groups can keep it. */
  readonly sources: Readonly<Record<SettingKey, Source>>
  /** Each value as it may be shown to people. */
  readonly shown: Readonly<Record<SettingKey, string>>
}

/** The flag of a setting's variable: `--database-url`. */
export function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll('_', '-')}`
}

/** The names of all settings, in the order of the table. */
export function settingKeys(): SettingKey[] {
  return Object.keys(SETTINGS) as SettingKey[]
}

/** A name for an instance from that of its machine. */
function nameOf(hostname: string): string {
  const name = hostname.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return name.slice(0, 64) || 'jobyard'
}
