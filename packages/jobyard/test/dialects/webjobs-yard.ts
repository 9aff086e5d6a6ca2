import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { type Asked, ask, mask, type RawAnswer } from './golden-files.ts'

/** A server, asked as Kudu's clients ask: by HTTP Basic, with the token as the password. */
export interface WebJobsYard {
  readonly server: LiveServer
  readonly url: string
  /** The header Authorization of {@link call}. */
  readonly basic: string
  call(path: string, asked?: Asked): Promise<RawAnswer>
  /** As {@link call}, with what differs from run to run masked. */
  raw(path: string, asked?: Asked): Promise<string>
  /** Uploads one script. */
  script(type: string, name: string, text: string, file?: string): Promise<RawAnswer>
  /** Uploads a zip of these files. */
  zip(type: string, name: string, files: Readonly<Record<string, string>>): Promise<RawAnswer>
  /** Starts a run and waits for its end. */
  runToEnd(name: string, args?: string): Promise<Record<string, string>>
  /** Names of the uploads under way. */
  uploads(): Promise<string[]>
  /** Waits until a continuous job has a status. */
  status(name: string, status: string): Promise<void>
}

/** A script that goes on until it is told to stop. */
export const UNTIL_TOLD = 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done\n'

/** The header for a token in the place of a password. */
export function basicOf(token: string, user = '$shop'): string {
  return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
}

/** Starts a server of its own. `ca` is what to trust of one that encrypts. */
export async function openWebJobsYard(flags: Readonly<Record<string, string>> = {}, ca?: string): Promise<WebJobsYard> {
  const server = await startLiveServer({ instance: 'one', ...flags })
  const { url } = server
  const basic = basicOf(server.token)
  const call = (path: string, asked: Asked = {}) =>
    ask(`${url}${path}`, { ...asked, headers: { authorization: basic, ...asked.headers }, ca })
  const upload = (path: string, type: string, file: string, body: string | Uint8Array) =>
    call(path, {
      method: 'PUT',
      headers: { 'content-type': type, 'content-disposition': `attachment; filename=${file}` },
      body,
    })
  return {
    server,
    url,
    basic,
    call,
    raw: async (path, asked) => mask((await call(path, asked)).text, url),
    script: (type, name, text, file = 'run.sh') =>
      upload(`/api/${type}webjobs/${name}`, 'application/octet-stream', file, text),
    zip: (type, name, files) =>
      upload(
        `/api/${type}webjobs/${name}`,
        'application/zip',
        `${name}.zip`,
        makeZip(Object.entries(files).map(([file, data]) => ({ name: file, data }))),
      ),
    async runToEnd(name, args) {
      const query = args === undefined ? '' : `?arguments=${encodeURIComponent(args)}`
      const started = await call(`/api/triggeredwebjobs/${name}/run${query}`, { method: 'POST' })
      const { pathname } = new URL(String(started.headers.location))
      return await eventually(`the run of ${name} has ended`, async () => {
        const run = JSON.parse((await call(pathname)).body)
        return run.end_time !== '0001-01-01T00:00:00' && run
      })
    },
    uploads: () => readdir(join(server.data, 'uploads')),
    async status(name, status) {
      await eventually(`${name} is ${status}`, async () => {
        const job = JSON.parse((await call(`/api/continuouswebjobs/${name}`)).body)
        return job.status === status
      })
    },
  }
}
