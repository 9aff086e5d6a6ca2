import { once } from 'node:events'
import { createServer } from 'node:net'

/** How often another port is asked for when one turns out to be some job's already. */
const TRIES = 20

/**
 * Ports on loopback for continuous jobs to listen on: free a moment ago, and a job's own as long as it runs here. Nothing
 * keeps other programs of the machine from taking one in between, as with WebJobs.
 */
export class JobPorts {
  readonly #taken = new Map<string, { readonly taskId: string; readonly port: number }>()

  /** A port for a task of a job that is about to begin. */
  async take(jobId: string, taskId: string): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      if (this.#isTaken(port) && attempt < TRIES) continue
      this.#taken.set(jobId, { taskId, port })
      return port
    }
  }

  /** Forgets the port of a task that has ended; one that a later task of the job has stays. */
  release(jobId: string, taskId: string): void {
    if (this.#taken.get(jobId)?.taskId === taskId) this.#taken.delete(jobId)
  }

  /** The port of a job that runs here; undefined for one that does not. */
  portOf(jobId: string): number | undefined {
    return this.#taken.get(jobId)?.port
  }

  #isTaken(port: number): boolean {
    for (const taken of this.#taken.values()) if (taken.port === port) return true
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('A loopback socket has no port.')
  return address.port
}
