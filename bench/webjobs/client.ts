import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A request as a client of Kudu sends it. */
export interface KuduCall {
  readonly method?: 'GET' | 'PUT' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readable
}

/** An answer, whole. */
export interface KuduAnswer {
  readonly status: number
  readonly tag: string
  readonly body: Buffer
}

/** A client of Kudu's addresses: a token as the password of HTTP Basic, over connections that stay open. */
export class KuduClient implements Disposable {
  readonly #address: string
  readonly #authorization: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor(address: string, token: string) {
    this.#address = address
    this.#authorization = `Basic ${Buffer.from(`$bench:${token}`).toString('base64')}`
  }

  /** Sends a request; resolves when its answer is there to its last byte. */
  async call(path: string, { method = 'GET', headers = {}, body }: KuduCall = {}): Promise<KuduAnswer> {
    const sent = request(new URL(path, this.#address), {
      method,
      agent: this.#agent,
      headers: { authorization: this.#authorization, ...headers },
    })
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    if (body === undefined) sent.end()
    else await Promise.all([pipeline(body, sent), answered])
    const [answer] = await answered
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    return { status: answer.statusCode ?? 0, tag: answer.headers.etag ?? '', body: Buffer.concat(chunks) }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
