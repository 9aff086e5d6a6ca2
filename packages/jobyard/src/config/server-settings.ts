import { join } from 'node:path'
import type { Network } from '../outbound/addresses.ts'
import { networks } from './networks.ts'
import { type Machine, setting } from './setting.ts'
import {
  choice,
  count,
  databaseAddress,
  duration,
  optional,
  path,
  text,
  toggle,
  token,
  webAddress,
  word,
} from './values.ts'

/** How the server is reached, where it keeps what, and who it is among others. */
export const SERVER_SETTINGS = {
  host: setting(
    'HOST',
    text,
    '127.0.0.1',
    '127.0.0.1',
    'Address to listen on. One that others can reach needs TLS or --behind-proxy.',
  ),
  port: setting('PORT', count(0, 65_535, 7780), 7780, '7780', 'Port to listen on; 0 takes any free one.'),
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
}

/** What the server says of itself. */
export const LOG_SETTINGS = {
  logLevel: setting(
    'LOG_LEVEL',
    choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'info',
    'Least important messages that the server writes to its log: fatal, error, warn, info, debug, trace or silent.',
  ),
}

/** A name for an instance from that of its machine. */
function nameOf(hostname: string): string {
  const name = hostname.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return name.slice(0, 64) || 'jobyard'
}
