import { readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import type { Config } from '../config.ts'
import { JobyardError } from '../domain/errors.ts'

/** Certificate and key, when the settings name them. */
export function readTls({ tlsCert, tlsKey }: Config): { tls?: { cert: Buffer; key: Buffer } } {
  if (tlsCert === null || tlsKey === null) return {}
  return { tls: { cert: readPem(tlsCert, 'JOBYARD_TLS_CERT'), key: readPem(tlsKey, 'JOBYARD_TLS_KEY') } }
}

function readPem(path: string, field: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new JobyardError('setting-invalid', `${field} names ${path}, which cannot be read.`, {
      field,
      hint: 'Name a file in PEM form that the user of the server may read.',
      cause,
    })
  }
}

/** Begins to listen. Throws `address-unusable` with what to do when the address cannot be had. */
export async function listen(
  api: { listen(options: object): Promise<unknown> },
  { host, port }: Config,
): Promise<void> {
  try {
    await api.listen({ host, port })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = LISTEN_PROBLEMS[code ?? '']
    if (why === undefined) throw error
    throw new JobyardError('address-unusable', `The server cannot listen on ${host}, port ${port}: ${why}.`, {
      cause: error,
    })
  }
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already',
  EACCES: 'ports below 1024 need more rights',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** The address that a server answers at, with the port that it got. */
export function addressOf({ host, tlsCert }: Config, server: Server): string {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const name = host.includes(':') ? `[${host}]` : host
  return `${tlsCert === null ? 'http' : 'https'}://${name}:${port}`
}
