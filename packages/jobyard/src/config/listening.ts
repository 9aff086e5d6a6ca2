import { BlockList, isIP } from 'node:net'
import type { Config } from '../config.ts'
import { JobyardError } from '../domain/errors.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether only this machine can reach an address to listen on. Of names only `localhost` is known to be so. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(bare)
  if (family === 0) return bare.toLowerCase() === 'localhost'
  return LOOPBACK.check(bare, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Throws 'listen-refused' when the server would listen beyond this machine while tokens and secrets go over the wire as
 * they are: without TLS, and without being told that a proxy sees to it.
 */
export function requireSafeListening(config: Pick<Config, 'host' | 'tlsCert' | 'behindProxy'>): void {
  if (isLoopback(config.host) || config.tlsCert !== null || config.behindProxy) return
  throw new JobyardError(
    'listen-refused',
    `Others can reach ${config.host}, and without TLS they could read tokens and secrets on their way.`,
    { field: 'JOBYARD_HOST' },
  )
}
