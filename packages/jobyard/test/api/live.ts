import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'

/** An event of a live stream, its data read as JSON. */
export interface LiveEvent {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it tests.
  readonly data: any
}

/** A live stream as a test reads it. */
export class Live {
  readonly response: IncomingMessage
  readonly #request: ClientRequest
  readonly #blocks: AsyncGenerator<string, void>
  /** Comments that came so far. */
  readonly comments: string[] = []

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent
    this.response = response
    this.#blocks = readBlocks(response)
  }

  /** The next event; fails when the stream ends before one. */
  async next(): Promise<LiveEvent> {
    const event = await this.nextOrEnd()
    if (event === undefined) throw new Error('The stream ended.')
    return event
  }

  /** The next event; undefined when the stream ends before one. */
  async nextOrEnd(): Promise<LiveEvent | undefined> {
    for (;;) {
      const { value, done } = await this.#blocks.next()
      if (done === true) return undefined
      if (!value.startsWith(':')) return readEvent(value)
      this.comments.push(value.slice(1).trim())
    }
  }

  /** All events up to the first of a name, that one included. */
  async until(name: string): Promise<LiveEvent[]> {
    const events: LiveEvent[] = []
    for (;;) {
      const event = await this.next()
      events.push(event)
      if (event.event === name) return events
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.response.once('close', resolve))
    const done = this.response.closed
    this.#request.destroy()
    if (!done) await closed
  }
}

/** Opens a live stream; resolves when the head of the answer is there. Without a token, `headers` say who asks. */
export async function openLive(url: string, token: string | null, headers: Record<string, string> = {}): Promise<Live> {
  const sent = request(url, {
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  })
  // Closing it ourselves is how most of them end.
  sent.on('error', () => undefined)
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return new Live(sent, response)
}

async function* readBlocks(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = ''
  response.setEncoding('utf8')
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      yield* blocks
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
}

function readEvent(block: string): LiveEvent {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  return {
    id: fields.get('id'),
    event: fields.get('event') ?? 'message',
    data: JSON.parse(fields.get('data') ?? 'null'),
  }
}
