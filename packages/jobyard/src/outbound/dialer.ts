import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import type { Network } from './addresses.ts'
import { exchange } from './exchange.ts'
import { Fence, type Resolve } from './fence.ts'
import { basicOf, nextHop, readTarget } from './hops.ts'
import { DEFAULTS, type OutboundAnswer, type OutboundRequest } from './request.ts'

/** How a dialer is set up. */
export interface DialerOptions {
  readonly clock: Clock
  /** Networks that may be reached. Link-local addresses, those of cloud metadata and the like never are. */
  readonly networks: readonly Network[]
  /** How names are resolved; for tests. Default: as the system does. */
  readonly resolve?: Resolve
}

/** Connections to one host at a time, and those that are kept for the next call. */
const POOL = { keepAlive: true, maxSockets: 32, maxFreeSockets: 4, scheduling: 'lifo' } as const
/** A connection that nobody used for so long is closed, in milliseconds. */
const IDLE_MS = 15_000

/**
 * The only way out: whatever the program says to somebody else's address goes through here. The address that a
 * connection is really made to must lie in an allowed network; names are resolved once, for the check and for the
 * connection alike. Proxies of the environment are not used.
 */
export class Dialer {
  readonly #clock: Clock
  readonly #fence: Fence
  readonly #agents = new Map<string, HttpAgent>()

  constructor({ clock, networks, resolve }: DialerOptions) {
    this.#clock = clock
    this.#fence = new Fence(networks, resolve)
  }

  /**
   * Calls an address. Every status is an answer. Throws 'destination-invalid', 'destination-refused',
   * 'destination-unreachable' and 'destination-slow'; the signal's own reason when it aborts.
   */
  async call(request: OutboundRequest): Promise<OutboundAnswer> {
    const { wholeMs = DEFAULTS.wholeMs, signal } = request
    const ending = new AbortController()
    const late = () =>
      ending.abort(new JobyardError('destination-slow', `The call took longer than ${wholeMs} ms in all.`))
    const timer = this.#clock.after(wholeMs, late)
    const abort = () => ending.abort(signal?.reason)
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await this.#follow(request, ending.signal)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Refuses an address that could never be called, as far as that can be seen without resolving its name. */
  check(url: string): void {
    this.#fence.checkHost(readTarget(url).hostname)
  }

  /** Closes the connections that are kept. */
  stop(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  async #follow(request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    const { redirects = DEFAULTS.redirects } = request
    let hop = this.#begin(request)
    for (let left = redirects; ; left--) {
      const answer = await this.#exchange(hop, signal)
      const next = left === 0 ? undefined : nextHop(hop, answer)
      if (next === undefined) return answer
      hop = next
    }
  }

  #begin(request: OutboundRequest): OutboundRequest {
    const url = readTarget(request.url)
    const authorization = basicOf(url)
    url.username = ''
    url.password = ''
    return { ...request, url: url.href, headers: { ...authorization, ...request.headers } }
  }

  async #exchange(request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    const url = readTarget(request.url)
    this.#fence.checkHost(url.hostname)
    const agent = this.#agent(url.protocol === 'https:', request)
    try {
      return await exchange(request, url, agent, this.#clock, signal)
    } finally {
      if (request.fresh === true) agent.destroy()
    }
  }

  #agent(secure: boolean, { insecure = false, fresh = false }: OutboundRequest): HttpAgent {
    if (fresh) return this.#makeAgent(secure, insecure, false)
    const key = secure ? `https${insecure ? ' insecure' : ''}` : 'http'
    const agent = this.#agents.get(key) ?? this.#makeAgent(secure, insecure, true)
    this.#agents.set(key, agent)
    return agent
  }

  #makeAgent(secure: boolean, insecure: boolean, keep: boolean): HttpAgent {
    const fence = this.#fence
    const pool = keep ? { ...POOL, timeout: IDLE_MS } : { keepAlive: false }
    const options = { ...pool, lookup: fence.lookup }
    const agent = secure ? new HttpsAgent({ ...options, rejectUnauthorized: !insecure }) : new HttpAgent(options)
    const connect = agent.createConnection.bind(agent)
    agent.createConnection = (given, done) => {
      const socket: Duplex | null | undefined = connect(given, done)
      if (isSocket(socket)) fence.watch(socket, String(given.host ?? ''))
      return socket
    }
    return agent
  }
}

function isSocket(stream: Duplex | null | undefined): stream is Socket {
  return stream !== null && stream !== undefined && 'remoteAddress' in stream
}
