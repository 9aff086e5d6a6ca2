import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, JobyardError } from '../domain/errors.ts'
import type { ApiApp } from '../services/http/api-app.ts'
import { bearerOf } from '../services/http/sender.ts'
import type { ApiServices } from '../services/services.ts'

/** Milliseconds that an answer is kept for whoever sends its request again: a day. */
const KEEP_MS = 86_400_000

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** A key that the request at hand holds. */
export interface KeyHold {
  readonly actor: string
  readonly name: string
  /** The id for what the request makes, the same however often it is sent. */
  readonly subject: string
  /** When it was first sent, epoch milliseconds. */
  readonly takenAt: number
  /** True: it was sent before, and nobody knows how far that got. What it makes may be there already. */
  readonly resumed: boolean
}

interface StoredAnswer {
  readonly status: number
  readonly type: string
  readonly location?: string
  readonly body: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while the request holds an idempotency key. */
    hold: KeyHold | null
  }
}

/**
 * Has a write with an Idempotency-Key done once, however often it is sent.
 *
 * A server may die after it did something and before the answer was stored. So the id of what a request makes is chosen
 * first and stands in the key's row before anything is made. Who sends the request again takes the key over with that
 * very id and looks for it: a run that is there is the answer, and one that is not is made under the same id, which is its
 * primary key. There are never two. A failure that leaves open what was done (5xx) frees the key in the same way.
 */
export class IdempotencyKeys {
  readonly #services: ApiServices
  /** Keys of requests that this process works on: those are never taken over. */
  readonly #underWay = new Set<string>()

  constructor(services: ApiServices) {
    this.#services = services
  }

  /**
   * Takes the request's key for it. Gives the answer instead when there is one already; undefined when the request is to
   * be done. Throws 'key-in-use', 'key-reused', and 'input-invalid' for a key that is none.
   */
  async take(request: FastifyRequest, actor: string, content: string): Promise<StoredAnswer | undefined> {
    const name = readKey(request)
    if (name === undefined) return undefined
    const place = `${actor}\n${name}`
    if (this.#underWay.has(place)) throw new JobyardError('key-in-use')
    this.#underWay.add(place)
    let held = false
    try {
      const answer = await this.#ask(request, actor, name, content)
      held = request.hold !== null
      return answer
    } finally {
      if (!held) this.#underWay.delete(place)
    }
  }

  async #ask(request: FastifyRequest, actor: string, name: string, content: string) {
    const { store, clock, ids, engine, sealer } = this.#services
    const fingerprint = hash(`${request.method} ${request.url}\n${content}`)
    const at = clock.now()
    const asked = { actor, name, fingerprint, owner: engine.identity.id, subject: ids.next(), at }
    const found = await store.write('takeKey', { ...asked, expiresAt: at + KEEP_MS })
    if (found.state === 'different') throw new JobyardError('key-reused')
    if (found.state === 'running') throw new JobyardError('key-in-use')
    if (found.state === 'answered') {
      return JSON.parse(sealer.open({ sealed: found.body }, placeOf(actor, name))) as StoredAnswer
    }
    const { subject, takenAt } = found
    request.hold = { actor, name, subject, takenAt, resumed: found.state === 'resumed' }
    return undefined
  }

  /** Keeps the answer of a request, encrypted, as it may hold a new token or password. */
  async settle(hold: KeyHold, answer: StoredAnswer): Promise<void> {
    const { store, sealer } = this.#services
    const { actor, name, subject, takenAt } = hold
    try {
      if (answer.status >= 500) await store.write('freeKey', { actor, name, subject, takenAt })
      else {
        const { sealed } = sealer.seal(JSON.stringify(answer), placeOf(actor, name))
        await store.write('settleKey', { actor, name, status: answer.status, body: sealed })
      }
    } finally {
      this.#underWay.delete(`${actor}\n${name}`)
    }
  }
}

/** Has every write look at its Idempotency-Key before it is done, and keeps its answer after. */
export function keepKeys(app: ApiApp, keys: IdempotencyKeys): void {
  app.decorateRequest('hold', null)
  app.addHook('preHandler', async (request: FastifyRequest, reply: FastifyReply) => {
    const { idempotency = 'on', access } = request.routeOptions.config
    if (access === undefined || idempotency !== 'on' || !WRITES.has(request.method)) return
    const answer = await keys.take(request, bearerOf(request).tokenId, JSON.stringify(request.body ?? null))
    if (answer !== undefined) return replay(reply, answer)
  })
  app.addHook('onSend', async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    const { hold } = request
    if (hold === null) return
    request.hold = null
    const location = reply.getHeader('location')
    try {
      await keys.settle(hold, {
        status: reply.statusCode,
        type: String(reply.getHeader('content-type') ?? ''),
        ...(typeof location === 'string' ? { location } : {}),
        body: typeof payload === 'string' ? payload : '',
      })
    } catch (error) {
      // What was asked for is done, and says so. Sent again, it is found by its subject.
      request.log.error({ err: error }, 'the answer could not be kept for its Idempotency-Key')
    }
  })
}

/** Gives an answer once more. */
export function replay(reply: FastifyReply, { status, type, location, body }: StoredAnswer): FastifyReply {
  reply.code(status).header('idempotent-replayed', 'true')
  if (location !== undefined) reply.header('location', location)
  if (type !== '') reply.header('content-type', type)
  return reply.send(body === '' ? undefined : body)
}

/** The id for what a request makes. */
export function subjectOf(request: FastifyRequest, services: ApiServices): string {
  return request.hold?.subject ?? services.ids.next()
}

/** Passes over an error that says no more than that an earlier sending of the same request has done what it asks for. */
export function passOverIfDone(request: FastifyRequest, error: unknown, code: ErrorCode): void {
  const done = request.hold?.resumed === true && error instanceof JobyardError && error.code === code
  if (!done) throw error
}

function readKey({ headers }: FastifyRequest): string | undefined {
  const name = headers['idempotency-key']
  if (name === undefined) return undefined
  if (typeof name === 'string' && /^[\x21-\x7e]{1,200}$/.test(name)) return name
  throw new JobyardError('input-invalid', 'The Idempotency-Key must have 1 to 200 printable characters, no blanks.', {
    field: 'Idempotency-Key',
    hint: 'Use a new UUID for every request, and the same one when you send it again.',
  })
}

function placeOf(actor: string, name: string): string {
  return `answer:${actor}:${name}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
