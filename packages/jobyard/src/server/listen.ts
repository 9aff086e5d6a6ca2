import { readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import type { Config } from '../config.ts'

/** Certificate and key, when the settings name them. */
export function readTls({ tlsCert, tlsKey }: Config): { tls?: { cert: Buffer; key: Buffer } } {
  if (tlsCert === null || tlsKey === null) return {}
  return { tls: { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) } }
}

/** The address that a server answers at, with the port that it got. */
export function addressOf({ host, tlsCert }: Config, server: Server): string {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const name = host.includes(':') ? `[${host}]` : host
  return `${tlsCert === null ? 'http' : 'https'}://${name}:${port}`
}
