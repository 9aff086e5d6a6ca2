import { request } from 'node:http'
import type { Asked } from './golden-files.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

/** An answer with its bytes. */
export interface Raw {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
  readonly text: string
}

/** A server whose files are asked for, with paths that reach it to the letter: no client puts them in order. */
export interface FilesYard extends WebJobsYard {
  send(path: string, asked?: Asked): Promise<Raw>
  /** Puts a file, whatever is there. */
  put(path: string, text: string | Uint8Array): Promise<Raw>
  /** What a folder lists by name, logs and statuses of runs apart. */
  names(path: string): Promise<string[]>
}

/** Where the files of a job lie, and its data. */
export const FILES_OF = (name: string, type = 'triggered') => `/api/vfs/site/wwwroot/App_Data/jobs/${type}/${name}/`
export const DATA_OF = (name: string, type = 'triggered') => `/api/vfs/data/jobs/${type}/${name}/`

/** What is told of runs in the data folder of a job. */
const OF_RUNS =
  /^(?:\d{18}|job_log\.txt|job_prev_log\.txt|job_scheduler\.log|status_.*|triggeredJob\.lock|singleton\.job\.lock)$/

/** Starts a server of its own. */
export async function openFilesYard(flags: Readonly<Record<string, string>> = {}): Promise<FilesYard> {
  const yard = await openWebJobsYard(flags)
  const { hostname, port } = new URL(yard.url)
  const send = (path: string, { method = 'GET', headers = {}, body }: Asked = {}) =>
    new Promise<Raw>((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const authorization = path.startsWith('/v1/') ? `Bearer ${yard.server.token}` : yard.basic
      const all = { authorization, ...length, ...headers, connection: 'close' }
      const sent = request({ hostname, port, path, method, headers: all }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes, text: bytes.toString('utf8') })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  return {
    ...yard,
    send,
    put: (path, body) => send(path, { method: 'PUT', headers: { 'if-match': '*' }, body }),
    async names(path) {
      const answer = await send(path)
      if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${answer.text}`)
      return (JSON.parse(answer.text) as { name: string }[])
        .map(({ name }) => name)
        .filter((name) => !OF_RUNS.test(name))
    },
  }
}
