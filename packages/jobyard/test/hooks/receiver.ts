import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A call as it came. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Somebody else's server that is called, on loopback. */
export interface Receiver {
  readonly url: string
  readonly calls: Received[]
  /** How calls are answered; 200 at once unless a test says otherwise. */
  answer: (response: ServerResponse, call: Received) => void
  stop(): Promise<void>
}

/** Starts one. */
export async function startReceiver(): Promise<Receiver> {
  const calls: Received[] = []
  const receiver: { answer: Receiver['answer'] } = { answer: (response) => void response.end() }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: path = '', headers } = request
    const call = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') }
    calls.push(call)
    receiver.answer(response, call)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
