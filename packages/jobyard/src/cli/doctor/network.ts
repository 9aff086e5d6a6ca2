import { createServer } from 'node:net'
import { requireSafeListening } from '../../config/listening.ts'
import type { Config } from '../../config.ts'
import { JobyardError } from '../../domain/errors.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import { type Check, type Finding, fail, ok } from './check.ts'

/** The address: one that may be listened on, and free, or a server of Jobyard's there already. */
export const addressCheck: Check = {
  name: 'address',
  async run({ config }) {
    const findings: Finding[] = []
    try {
      requireSafeListening(config)
    } catch (error) {
      if (!(error instanceof JobyardError)) throw error
      findings.push(fail(error.message, error.hint))
    }
    return [...findings, await portFinding(config)]
  },
}

async function portFinding(config: Config): Promise<Finding> {
  const { host, port } = config
  const place = `Port ${port} of ${host}`
  try {
    await listenBriefly(host, port)
    return ok(port === 0 ? 'Any free port will be taken.' : `${place} is free.`)
  } catch (error) {
    if (isSystemError(error, 'EADDRINUSE')) return await takenFinding(config, place)
    if (isSystemError(error, 'EACCES')) {
      return fail(
        `${place} may not be used by this user.`,
        'Choose a port above 1023, or let systemd or a proxy have it.',
      )
    }
    if (isSystemError(error)) return fail(`${place} cannot be used: ${error.message}.`, 'See JOBYARD_HOST.')
    throw error
  }
}

async function listenBriefly(host: string, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

const ANSWER_MS = 3000

async function takenFinding({ host, port, tlsCert }: Config, place: string): Promise<Finding> {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  const url = `${tlsCert === null ? 'http' : 'https'}://${name}:${port}/health/live`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })
    await response.body?.cancel()
    if (response.ok) return ok(`${place} answers: a server is running.`)
  } catch (error) {
    if (!(error instanceof Error)) throw error
  }
  return fail(`${place} is taken by another program.`, 'Choose another port with JOBYARD_PORT, or end that program.')
}
