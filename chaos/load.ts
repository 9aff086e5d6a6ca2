import { type Answer, type Call, isOpen, send } from './client.ts'
import { EVERYWHERE, JOBS, RESTING, SINGLETON } from './jobs.ts'
import type { Ledger, Request } from './ledger.ts'
import type { Random } from './random.ts'
import { pause } from './waiting.ts'

/** What the clients work with. */
export interface LoadOptions {
  readonly ledger: Ledger
  readonly random: Random
  readonly adminToken: string
  /** Addresses of the servers that answer now, as far as known. */
  readonly addresses: () => readonly string[]
  /** Clients at a time. */
  readonly clients: number
  /** Mean wait of a client between two requests, milliseconds. */
  readonly pauseMs: number
  /** What their tokens begin with, so that those of two loads differ. */
  readonly prefix: string
}

/** What a client does next, and how often. */
const DEEDS = { trigger: 100, suspend: 8, resume: 12, stop: 5, rerun: 3, redeploy: 0.5, upload: 2 } as const
const WEIGHTS = Object.fromEntries(JOBS.flatMap(({ name, asked }) => (asked === undefined ? [] : [[name, asked]])))
/** Ids of runs that are remembered to do something with. */
const REMEMBERED = 40
/** Wait before a request is sent again, milliseconds. */
const AGAIN_MS = 150

/** Clients that ask for runs and meddle with them, whatever becomes of the servers, and note what they are told. */
export class Load {
  readonly #options: LoadOptions
  readonly #stop = new AbortController()
  readonly #recent: string[] = []
  readonly #resting: string[] = []
  readonly #clients: Promise<void>[] = []
  #made = 0
  /** Answers by their status, for the report. */
  readonly answers: Record<string, number> = {}

  constructor(options: LoadOptions) {
    this.#options = options
  }

  start(): void {
    for (let client = 0; client < this.#options.clients; client++) {
      this.#clients.push(this.#work(this.#options.random.fork()))
    }
  }

  /** Asks for nothing more; resolves when every request that was sent has its answer. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#clients)
  }

  async #work(random: Random): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#act(random)
      await pause(random.exponential(this.#options.pauseMs, 5000), signal)
    }
  }

  async #act(random: Random): Promise<void> {
    switch (random.weighted(DEEDS)) {
      case 'trigger':
        return this.#trigger(random)
      case 'suspend':
        return this.#change(random, this.#resting, 'suspend')
      case 'resume':
        return this.#change(random, this.#resting, 'resume')
      case 'stop':
        return this.#change(random, this.#recent, 'stop')
      case 'rerun':
        return this.#change(random, this.#recent, 'rerun')
      case 'redeploy':
        return this.#redeploy(random)
      case 'upload': {
        const bytes = new TextEncoder().encode(`#!/bin/bash\n# ${'x'.repeat(random.whole(1, 50_000))}\n`)
        await this.#once({ method: 'POST', path: '/v1/packages?filename=unused.sh', bytes }, random)
      }
    }
  }

  /** Changes a setting of a continuous job, which is then started again in good order. */
  async #redeploy(random: Random): Promise<void> {
    const body = { spec: { args: [String(++this.#made)] } }
    await this.#once({ method: 'PATCH', path: `/v1/jobs/${random.pick([SINGLETON, EVERYWHERE])}`, body }, random)
  }

  async #trigger(random: Random): Promise<void> {
    const job = random.weighted(WEIGHTS)
    const token = `${this.#options.prefix}${++this.#made}`
    const request: Request = { token, job, sent: 0, answer: undefined }
    this.#options.ledger.requests.set(token, request)
    const body = { args: [...argumentsFor(job, random), token] }
    const answer = await this.#insist(
      { method: 'POST', path: `/v1/jobs/${job}/runs`, body, key: `chaos-${token}` },
      random,
      () => request.sent++,
    )
    if (answer.status === 'none') return
    const { status, body: said } = answer
    const runId = typeof said.id === 'string' ? { runId: said.id } : {}
    request.answer = { status, at: Date.now(), ...runId, ...(typeof said.code === 'string' ? { code: said.code } : {}) }
    if (status !== 201 || typeof said.id !== 'string') return
    remember(this.#recent, said.id)
    if (job === RESTING) remember(this.#resting, said.id)
  }

  async #change(random: Random, runs: readonly string[], verb: string): Promise<void> {
    if (runs.length === 0) return
    const key = `chaos-${verb}-${this.#options.prefix}${++this.#made}`
    await this.#insist({ method: 'POST', path: `/v1/runs/${random.pick(runs)}/${verb}`, key }, random)
  }

  /** Sends a request until it is answered, each time under the same key, to whichever server there is. */
  async #insist(call: Call, random: Random, sending: () => void = () => undefined): Promise<Answer> {
    for (;;) {
      const addresses = this.#options.addresses()
      if (addresses.length > 0) {
        sending()
        const answer = await send(random.pick(addresses), this.#options.adminToken, call)
        this.#count(answer)
        if (!isOpen(answer)) return answer
      }
      await pause(AGAIN_MS * random.between(0.5, 1.5))
    }
  }

  /** Sends a request once, whatever becomes of it. */
  async #once(call: Call, random: Random): Promise<void> {
    const addresses = this.#options.addresses()
    if (addresses.length > 0) this.#count(await send(random.pick(addresses), this.#options.adminToken, call))
  }

  #count(answer: Answer): void {
    const name = answer.status === 'none' ? 'none' : String(answer.status)
    this.answers[name] = (this.answers[name] ?? 0) + 1
  }
}

function remember(runs: string[], id: string): void {
  runs.push(id)
  if (runs.length > REMEMBERED) runs.shift()
}

/** Seconds, exit code, and whether a grandchild is left behind. */
function argumentsFor(job: string, random: Random): string[] {
  const longest = job === RESTING ? 8 : job === 'few' ? 0.3 : 4
  const seconds = random.chance(0.4) ? 0 : random.exponential(0.6, longest)
  const fails = random.chance(job === 'stubborn' ? 0.5 : 0.06)
  return [seconds.toFixed(2), fails ? '3' : '0', job === 'tree' || random.chance(0.05) ? 'child' : '-']
}
