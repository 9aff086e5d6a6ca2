import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Jobyard } from '@jobyard/client'
import { resolveConfig } from '../../src/config/resolve.ts'
import { type RunningServer, startServer } from '../../src/server.ts'

const TOKEN = 'a-token-for-tests-only'

/** A whole server with a data folder of its own, as `jobyard serve` starts it. */
export interface LiveServer {
  readonly url: string
  readonly token: string
  /** Where the token of the environment leads commands to. */
  readonly env: Readonly<Record<string, string>>
  readonly data: string
  /** A folder for whatever a test needs; removed at the end. */
  readonly folder: string
  readonly client: Jobyard
  /** Ends it and leaves its folder. */
  leave(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server. `flags` are settings, under their flags' names in camel case. */
export async function startLiveServer(flags: Readonly<Record<string, string>> = {}): Promise<LiveServer> {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-cli-'))
  // Else jobs of another user, when the tests run as root, would keep their data elsewhere.
  await chmod(folder, 0o711)
  const data = flags.data ?? join(folder, 'data')
  const config = resolveConfig({
    flags: { data, port: '0', adminToken: TOKEN, drain: '2s', logLevel: 'warn', ...flags },
    env: {},
    cpus: 2,
    memory: 4 * 1024 ** 3,
    hostname: 'test',
    folder,
  })
  const logTo = new Writable({ write: (_chunk, _encoding, done) => done() })
  const server: RunningServer = await startServer(config, { logTo })
  const url = server.address
  return {
    url,
    token: TOKEN,
    env: { JOBYARD_URL: url, JOBYARD_TOKEN: TOKEN },
    data,
    folder,
    client: new Jobyard({ url, token: TOKEN }),
    leave: () => server.stop(),
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
