import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { bodyTooLarge } from '../../services/body-limit.ts'
import type { ApiApp } from '../../services/http/api-app.ts'

/** What begins like a media type (RFC 9110 §8.3.1). */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/

/** Hands every body to its route unread, whatever it says that it is. */
export function leaveBodies(app: ApiApp): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.addHook('onRequest', async ({ headers }) => {
    const { 'content-type': type } = headers
    // The HTTP library refuses what is no type at all; here that is a file like any other.
    if (type !== undefined && !MEDIA_TYPE.test(type)) headers['content-type'] = 'application/octet-stream'
  })
  app.addHook('onResponse', async ({ body }) => {
    // What nobody wanted to read stands in the way of the connection's next request.
    if (body instanceof Readable && !body.readableEnded) body.resume()
  })
}

/** The body of a request, to be read once. One without a body has an empty one. */
export function bodyOf({ body }: FastifyRequest): Readable {
  return body instanceof Readable ? body : Readable.from([])
}

/** The body of a request as text. Throws 'body-too-large'. */
export async function readText(request: FastifyRequest, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of bodyOf(request).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limit) throw bodyTooLarge(limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
