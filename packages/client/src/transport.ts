import type { Call, FileRequest } from './call.ts'
import { type JobyardProblem, notJobyard, readProblem, timedOut, unreachable } from './problem.ts'
import { delay, type TimeLimit, timeLimit } from './time-limit.ts'

/** What a client is made with. */
export interface JobyardOptions {
  /** Address of the server, such as `http://127.0.0.1:7780`; a path before `/v1` is kept. */
  readonly url: string | URL
  /** A token of the server; absent for what needs none. */
  readonly token?: string | undefined
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch
  /**
   * Sends a file in the place of `fetch`, for browsers: their fetch neither sends streams over HTTP/1.1 nor tells how
   * far it got. Rejects with a TypeError when the connection fails, as fetch does.
   */
  readonly sendFile?: (request: FileRequest) => Promise<Response>
  /** Milliseconds that an answer may take; 0 for no limit. Live streams and uploads have none. Default 30,000. */
  readonly timeoutMs?: number
  /** How often a request is sent again when the connection fails. Default 2. */
  readonly retries?: number
  /** Makes the Idempotency-Key of each write, so that sending it again does nothing twice. Default: random UUIDs. */
  readonly newId?: () => string
  /** Draws from 0 up to 1, for waits that differ between clients. Default: Math.random. */
  readonly random?: () => number
}

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_RETRIES = 2
/** Wait before the first repetition, in milliseconds; each further one waits three times as long. */
const FIRST_DELAY_MS = 150
const LONGEST_DELAY_MS = 5000

/** Sends requests and turns whatever goes wrong into a {@link JobyardProblem}. */
export class Transport {
  /** The server's address with a slash at its end. */
  readonly base: URL
  readonly #token: string | undefined
  readonly #fetch: typeof fetch
  readonly #sendFile: JobyardOptions['sendFile']
  readonly #timeoutMs: number
  readonly #retries: number
  readonly #newId: () => string
  readonly #random: () => number

  constructor(options: JobyardOptions) {
    this.base = readBase(options.url)
    this.#token = options.token
    this.#fetch = options.fetch ?? globalThis.fetch
    this.#sendFile = options.sendFile
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.#retries = options.retries ?? DEFAULT_RETRIES
    this.#newId = options.newId ?? crypto.randomUUID.bind(crypto)
    this.#random = options.random ?? Math.random
  }

  /** Sends a request and reads its answer as JSON; undefined for an answer without a body (204). */
  async json<T>(call: Call): Promise<T> {
    return (await this.answer<T>(call)).body
  }

  /** As {@link json}, with the status beside it. */
  async answer<T>(call: Call): Promise<{ readonly status: number; readonly body: T }> {
    return await this.#repeat(call, async (headers) => {
      const { response, settle } = await this.#open(call, headers)
      try {
        return { status: response.status, body: (await this.#readJson(response)) as T }
      } finally {
        settle()
      }
    })
  }

  /** Sends a request and gives its answer as soon as its head is there. The caller reads the body. */
  async response(call: Call): Promise<Response> {
    return await this.#repeat(call, async (headers) => {
      const { response, settle } = await this.#open(call, headers)
      settle()
      return response
    })
  }

  /** Waits before the repetition after so many failures in a row. Rejects when the signal aborts. */
  async pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = Math.min(FIRST_DELAY_MS * 3 ** (failures - 1), LONGEST_DELAY_MS)
    await delay(longest * (0.5 + this.#random() / 2), signal)
  }

  /** Sends again what failed, when that can do no harm: reads always, writes because they carry one key every time. */
  async #repeat<T>(call: Call, send: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const headers = this.#headers(call)
    for (let failures = 1; ; failures++) {
      try {
        return await send(headers)
      } catch (error) {
        const again = isProblem(error) && failures <= this.#retries && mayRepeat(call, error)
        if (!again) throw error
        await this.pause(failures, call.signal)
      }
    }
  }

  #headers(call: Call): Record<string, string> {
    return {
      accept: call.accept ?? 'application/json',
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(call.method === 'GET' ? {} : { 'idempotency-key': this.#newId() }),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    }
  }

  async #open(call: Call, headers: Record<string, string>): Promise<{ response: Response; settle: () => void }> {
    const limit = timeLimit(call.timeoutMs ?? this.#timeoutMs, call.signal)
    try {
      const response = await this.#send(call, headers, limit.signal)
      if (!response.ok) throw await readProblem(response, this.base.origin)
      return { response, settle: limit.settle }
    } catch (error) {
      limit.settle()
      throw this.#explain(error, call, limit)
    }
  }

  async #send(call: Call, headers: Record<string, string>, signal: AbortSignal | null): Promise<Response> {
    const { method, file } = call
    const url = this.#address(call)
    if (file !== undefined && this.#sendFile !== undefined)
      return await this.#sendFile({ url, method, headers, signal, ...file })
    // Browsers refuse a fetch that is called as somebody's method.
    const fetch = this.#fetch
    return await fetch(url, { method, headers, signal, ...bodyOf(call) })
  }

  #address({ path, query = {} }: Call): URL {
    const url = new URL(path.slice(1), this.base)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    return url
  }

  async #readJson(response: Response): Promise<unknown> {
    let text: string
    try {
      text = await response.text()
    } catch (error) {
      throw this.#explain(error, {}, undefined)
    }
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch (error) {
      throw notJobyard(response, this.base.origin, error)
    }
  }

  /** What a caller gave up stays what it is; the rest becomes a problem. */
  #explain(error: unknown, { signal }: Pick<Call, 'signal'>, limit: TimeLimit | undefined): unknown {
    if (isProblem(error) || signal?.aborted === true) return error
    if (limit?.signal?.aborted === true) return timedOut(this.base.origin, limit.milliseconds)
    // fetch gives a TypeError when the connection fails; all else is a mistake of ours.
    return error instanceof TypeError ? unreachable(this.base.origin, error) : error
  }
}

function readBase(url: string | URL): URL {
  const base = new URL(url)
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new TypeError(`The address of the server must begin with http:// or https://, not ${base.protocol}//.`)
  }
  if (base.username !== '' || base.password !== '') {
    throw new TypeError('The address of the server must not hold a user or a password; give a token instead.')
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  base.search = ''
  base.hash = ''
  return base
}

function isProblem(error: unknown): error is JobyardProblem {
  return error instanceof Error && error.name === 'JobyardProblem'
}

function mayRepeat(call: Call, problem: JobyardProblem): boolean {
  if (call.repeatable === false) return false
  if (problem.code === 'server-unreachable' || problem.code === 'key-in-use') return true
  return call.method === 'GET' && (problem.status === 502 || problem.status === 503 || problem.status === 504)
}

function bodyOf({ body, stream }: Call): RequestInit {
  if (stream !== undefined) {
    // A body that is a stream is sent while the answer may already begin: fetch wants to be told.
    const init = { body: stream(), duplex: 'half' as const }
    return init
  }
  return body === undefined ? {} : { body: JSON.stringify(body) }
}
