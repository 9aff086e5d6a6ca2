import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../../domain/errors.ts'
import { type ByteRange, readRange } from '../../../services/http/byte-range.ts'
import type { SiteFile, SiteFolder } from '../../webjobs/files/tree.ts'
import { showDate } from '../../webjobs/net-time.ts'
import { sendJson, sendNothing } from '../../webjobs/sending.ts'
import { namesTag } from '../../webjobs/tags.ts'
import type { KuduContext } from '../context.ts'
import { FOLDER_TYPE, mediaTypeOf } from './mime.ts'
import { quoted } from './preconditions.ts'
import { addressOf, type FilePath, shownPath } from './request-path.ts'

/** Answers with a refusal in the words of Kudu's file interfaces. */
export function sendMessage(reply: FastifyReply, status: number, message: string): FastifyReply {
  return sendJson(reply.code(status), { Message: message })
}

/** Answers that there is nothing at a path. */
export function sendAbsent(reply: FastifyReply, parts: readonly string[]): FastifyReply {
  return sendMessage(reply, 404, `'${shownPath(parts)}' not found.`)
}

/** Answers with an exception, as .NET tells one, without its stack. */
export function sendException(reply: FastifyReply, status: number, message: string, type: string): FastifyReply {
  const exception = { ExceptionMessage: message, ExceptionType: type, StackTrace: null }
  return sendJson(reply.code(status), { Message: 'An error has occurred.', ...exception })
}

/** Sends a caller to the spelling of an address that goes with what is there: with a slash at its end, or without. */
export function redirect(context: KuduContext, request: FastifyRequest, reply: FastifyReply, path: FilePath) {
  reply.header('location', addressOf(context, request, path, path.parts, !path.asFolder))
  return sendNothing(reply, 307)
}

/** What a file that jobs may have written must not do in a browser that shows it. */
export const CONTAINED = { 'content-security-policy': 'sandbox' }

/** Puts what tells the state of a file on an answer. */
export function tagged(reply: FastifyReply, { tag, modifiedAt }: Pick<SiteFile, 'tag' | 'modifiedAt'>): FastifyReply {
  return reply.headers({ etag: quoted(tag), 'last-modified': new Date(modifiedAt).toUTCString() })
}

/** Answers with a file, a part of it, or with what the caller has of it already. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, found: SiteFile): Promise<FastifyReply> {
  if (found.hold === undefined) return await sendHeld(request, reply, found)
  await using held = await found.hold()
  return await sendHeld(request, reply, held.file)
}

async function sendHeld(request: FastifyRequest, reply: FastifyReply, file: SiteFile): Promise<FastifyReply> {
  tagged(reply, file).headers({ ...CONTAINED, 'cache-control': 'private, no-cache', 'accept-ranges': 'bytes' })
  const range = rangeOf(request, file)
  // A range goes before If-None-Match with Kudu.
  if (range === undefined && namesTag(request.headers['if-none-match'], quoted(file.tag)))
    return sendNothing(reply, 304)
  if (range === null) {
    reply.header('content-range', `bytes */${file.bytes}`)
    const message = `None of the requested ranges (${request.headers.range}) overlap with the current extent of the selected resource.`
    return sendException(reply, 416, message, 'System.Net.Http.InvalidByteRangeException')
  }
  const { from, to } = range ?? { from: 0, to: file.bytes }
  // Before anything is said of it: it may have gone.
  const stream = request.method === 'HEAD' || from === to ? null : Readable.fromWeb(await file.open({ from, to }))
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${file.bytes}`)
  reply.headers({ 'content-type': mediaTypeOf(file.name), 'content-length': String(to - from) })
  return stream === null ? reply.send() : reply.send(stream)
}

function rangeOf({ headers }: FastifyRequest, { tag, bytes, modifiedAt }: SiteFile): ByteRange | null | undefined {
  const condition = headers['if-range']
  const same = condition === undefined || condition === quoted(tag) || condition === new Date(modifiedAt).toUTCString()
  return same ? readRange(headers.range, bytes) : undefined
}

/** Answers with what lies in a folder, told while it is read. */
export function sendListing(
  context: KuduContext,
  request: FastifyRequest,
  reply: FastifyReply,
  folder: SiteFolder,
  path: FilePath,
): FastifyReply {
  reply.header('content-type', 'application/json; charset=utf-8')
  if (request.method === 'HEAD') return reply.send()
  const address = (name: string, asFolder: boolean) =>
    addressOf(context, request, path, [...path.parts, name], asFolder)
  return reply.send(Readable.from(listing(folder, path.parts, address)))
}

async function* listing(
  folder: SiteFolder,
  parts: readonly string[],
  address: (name: string, asFolder: boolean) => string,
): AsyncGenerator<string> {
  let before = '['
  for await (const entry of folder.list()) {
    const { name, modifiedAt, createdAt, type } = entry
    const shown = {
      name,
      size: type === 'file' ? entry.bytes : 0,
      mtime: showOffsetDate(modifiedAt),
      crtime: showOffsetDate(createdAt),
      mime: type === 'file' ? mediaTypeOf(name) : FOLDER_TYPE,
      href: address(name, type === 'folder'),
      path: shownPath([...parts, name]),
    }
    yield `${before}${JSON.stringify(shown)}`
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}

/** Dates of files have their offset behind them, which is always that of UTC. */
function showOffsetDate(time: number): string {
  return showDate(time).replace(/Z$/, '+00:00')
}

/** Says in Kudu's words why something could not be done to a file; what is no refusal of ours goes on. */
export function sendRefusal(error: unknown, reply: FastifyReply, parts: readonly string[]): FastifyReply {
  if (!(error instanceof JobyardError) || error.status === 401 || error.status === 403) throw error
  if (error.code === 'data-unknown') return sendAbsent(reply, parts)
  const tag = error.data?.tag
  if (typeof tag === 'string') reply.header('etag', quoted(tag))
  return sendMessage(reply, error.status, error.message)
}
