import type { FastifyReply, FastifyRequest } from 'fastify'
import { writeJson } from './json-text.ts'
import { namesTag } from './tags.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers with JSON. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(writeJson(value))
}

/** Answers with a text. */
export function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'text/plain; charset=utf-8').send(text)
}

/** Answers with nothing. */
export function sendNothing(reply: FastifyReply, status = 200): FastifyReply {
  return reply.code(status).send()
}

/**
 * Answers with JSON under a tag, or with 304 when the caller has that already: then it is not made. Whoever keeps the
 * answer must ask again before each use.
 */
export async function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  tag: string,
  make: () => Promise<unknown>,
): Promise<FastifyReply> {
  reply.headers({ etag: tag, 'cache-control': 'private, no-cache' })
  return namesTag(request.headers['if-none-match'], tag) ? sendNothing(reply, 304) : sendJson(reply, await make())
}
