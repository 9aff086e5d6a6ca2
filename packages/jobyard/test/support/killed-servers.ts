import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readLogTail, ServerProcess } from '../../../../chaos/server.ts'

/** Real servers on one data folder, one after the other, of which a test kills each. */
export interface KilledServers {
  /** The administrator's. */
  readonly token: string
  /** Starts the next one; answers its address. */
  start(): Promise<string>
  /** Kills the one that was started last; resolves when it is dead. */
  kill(): Promise<void>
}

/** Prepares a folder for servers with these further settings; whatever is left of them goes with the test. */
export function useKilledServers(settings: Readonly<Record<string, string>> = {}): KilledServers {
  const token = 'a-token-for-this-test-only'
  const root = mkdtempSync(join(tmpdir(), 'jobyard-killed-'))
  // Jobs may run as another user, who must come through here.
  chmodSync(root, 0o711)
  const [dataFolder, temporary] = [join(root, 'data'), join(root, 'tmp')]
  mkdirSync(temporary)
  const started: ServerProcess[] = []
  const kill = async (server: ServerProcess | undefined) => {
    server?.signal('SIGKILL')
    await server?.exited
  }
  onTestFinished(async () => {
    await Promise.all(started.map(kill))
    rmSync(root, { recursive: true, force: true })
  })
  return {
    token,
    async start() {
      const name = `server-${started.length + 1}`
      const own = { JOBYARD_DATA: dataFolder, JOBYARD_PORT: '0', JOBYARD_ADMIN_TOKEN: token }
      const env = { PATH: process.env.PATH ?? '', HOME: root, TMPDIR: temporary, ...own, ...settings }
      const server = new ServerProcess({ name, dataFolder, logFile: join(root, `${name}.log`), env })
      started.push(server)
      const url = await server.ready
      if (url === undefined) throw new Error(`The server does not start: ${readLogTail(server.place).join('\n')}`)
      return url
    },
    kill: () => kill(started.at(-1)),
  }
}
