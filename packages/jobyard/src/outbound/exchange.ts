import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Clock, Timer } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import { DEFAULTS, type OutboundAnswer, type OutboundRequest } from './request.ts'

/** Sends one request and reads its answer, within its time limits. Throws what `Dialer.call` throws. */
export function exchange(
  request: OutboundRequest,
  url: URL,
  agent: Agent,
  clock: Clock,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>()
  const { method, headers = {}, body, maxBytes = DEFAULTS.maxBytes } = request
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  if (signal.aborted) return Promise.reject(signal.reason)
  const sent = send(url, { method, headers: { ...headers, ...length }, agent })
  const limits = new Limits(clock, sent, request)
  const abort = () => sent.destroy(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  sent.on('error', (error) => reject(signal.aborted ? signal.reason : explain(error, url)))
  let answered = false
  sent.on('close', () => {
    limits.end()
    // While the answer is being read, it is that which says how it went.
    if (!answered)
      reject(new JobyardError('destination-unreachable', `${url.host} closed the connection without an answer.`))
  })
  sent.on('response', (answer) => {
    answered = true
    limits.end()
    read(answer, maxBytes).then(
      ({ bytes, cut }) => {
        if (cut) sent.destroy()
        resolve(answerOf(answer, url, bytes, cut))
      },
      (error) => reject(signal.aborted ? signal.reason : explain(error, url)),
    )
  })
  sent.end(body)
  return promise.finally(() => signal.removeEventListener('abort', abort))
}

/** The limits of the parts of a request: until it is connected, and from then until the head of the answer. */
class Limits {
  #timer: Timer | undefined

  constructor(clock: Clock, sent: ClientRequest, { connectMs, headersMs }: OutboundRequest) {
    const connect = connectMs ?? DEFAULTS.connectMs
    const answer = headersMs ?? DEFAULTS.headersMs
    const within = (ms: number, what: string) => {
      this.end()
      const fail = () => sent.destroy(new JobyardError('destination-slow', `${what} within ${ms} ms.`))
      this.#timer = clock.after(ms, fail)
    }
    const connected = () => within(answer, 'No answer began')
    within(connect, 'No connection came about')
    sent.once('socket', (socket) => {
      const ready = 'encrypted' in socket ? 'secureConnect' : 'connect'
      if (sent.reusedSocket) connected()
      else socket.once(ready, connected)
    })
  }

  end(): void {
    this.#timer?.cancel()
  }
}

async function read(answer: IncomingMessage, most: number): Promise<{ bytes: Buffer; cut: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    chunks.push(chunk)
    if (size > most) return { bytes: Buffer.concat(chunks).subarray(0, most), cut: true }
  }
  return { bytes: Buffer.concat(chunks), cut: false }
}

function answerOf(answer: IncomingMessage, url: URL, body: Buffer, cut: boolean): OutboundAnswer {
  const { statusCode: status = 0, statusMessage: reason = '', headers } = answer
  return { status, reason, headers, body, cut, url: url.href }
}

/** What a person is told of a failed connection: which host, and what the system says of it. */
function explain(error: unknown, { host }: URL): JobyardError {
  if (error instanceof JobyardError) return error
  const refused = refusalIn(error)
  if (refused !== undefined) return refused
  const { code, message } = error as NodeJS.ErrnoException
  const why = REASONS[code ?? ''] ?? message
  return new JobyardError('destination-unreachable', `${host} cannot be reached: ${why}.`, { cause: error })
}

/** Where several addresses were tried, the errors of all are in one. */
function refusalIn(error: unknown): JobyardError | undefined {
  if (!(error instanceof AggregateError)) return undefined
  return error.errors.find((each): each is JobyardError => each instanceof JobyardError)
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'the connection did not come about in time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody who is known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody who is known',
  CERT_HAS_EXPIRED: 'its certificate has run out',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}
