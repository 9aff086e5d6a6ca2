import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, 'golden')

/** Headers that the clients of these interfaces look at, in the order in which golden files have them. */
const HEADERS = [
  'content-type',
  'content-disposition',
  'content-range',
  'location',
  'etag',
  'last-modified',
  'retry-after',
  'www-authenticate',
]

/** How a request differs from the usual one. */
export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** What to trust of a server that encrypts. */
  readonly ca?: string | undefined
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Status line, headers that matter, body. */
  readonly text: string
}

/** Asks, with nothing added by a client: no redirects, no retries, no headers of its own. */
export function ask(url: string, { method = 'GET', headers = {}, body, ca }: Asked = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const open = url.startsWith('https:') ? requestSecurely : request
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = { method, headers: { ...length, ...headers, connection: 'close' }, ca }
    const sent = open(url, options, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode: status = 0, statusMessage, httpVersion } = answer
        const text = Buffer.concat(chunks).toString('utf8')
        const lines = HEADERS.flatMap((name) => {
          const value = answer.headers[name]
          return value === undefined ? [] : [`${name}: ${String(value)}`]
        })
        const head = [`HTTP/${httpVersion} ${status} ${statusMessage}`, ...lines].join('\n')
        resolve({ status, headers: answer.headers, body: text, text: `${head}\n\n${text}` })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Puts words in the place of what differs from run to run: ids, times, tags and the host. */
export function mask(text: string, url: string): string {
  return text
    .replaceAll(url, 'http://HOST')
    .replaceAll(/\b\d{18}\b/g, 'RUN-ID')
    .replaceAll(/(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?(?:Z|\+00:00)(?=")/g, 'TIME')
    .replaceAll(/(?<="duration":")(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d{7})?(?=")/g, 'DURATION')
    .replaceAll(/(?<=^etag: )"(?:[0-9a-f]{16}){1,2}"$/gm, '"TAG"')
    .replaceAll(/(?<=^last-modified: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/gm, 'DATE')
}

/** A golden file: written by hand, line by line, with nothing after its last sign. */
export async function golden(name: string): Promise<string> {
  return (await readFile(join(FOLDER, `${name}.txt`), 'utf8')).replace(/\n$/, '')
}
