import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** A small Node process whose server does nothing but send and take bytes: the bare limit. */
export interface BareHttp extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41234`. GET answers the file, 304 under its tag; PUT writes the body into the other one. */
  readonly address: string
}

/** The tag under which the bare server answers 304. */
export const BARE_TAG = '"bare"'

/** Starts one that answers the bytes of a file as JSON, and writes what is sent into another file. */
export async function startBareHttp(answered: string, taken: string): Promise<BareHttp> {
  const child = fork(import.meta.filename, [answered, taken], { stdio: 'inherit' })
  const [address] = await once(child, 'message')
  return { address: String(address), [Symbol.asyncDispose]: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

function serve(answered: string, taken: string): void {
  const body = readFileSync(answered)
  const server = createServer((request, response) => {
    if (request.method === 'PUT') void take(request, response, taken)
    else answer(request, response, body)
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  process.once('disconnect', () => {
    server.close()
    server.closeAllConnections()
  })
}

function answer({ headers }: IncomingMessage, response: ServerResponse, body: Buffer): void {
  if (headers['if-none-match'] === BARE_TAG) response.writeHead(304, { etag: BARE_TAG }).end()
  else response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', etag: BARE_TAG }).end(body)
}

async function take(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
  await pipeline(request, createWriteStream(file))
  response.end()
}

if (import.meta.main) {
  const [, , answered = '', taken = ''] = process.argv
  serve(answered, taken)
}
