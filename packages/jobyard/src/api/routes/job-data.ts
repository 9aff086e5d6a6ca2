import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { readRange } from '../../services/http/byte-range.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { DataEntry, DataFile } from '../../services/job-data/entry.ts'
import type { JobData } from '../../services/job-data/job-data.ts'
import { readSitePath } from '../../services/site-path.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone } from '../idempotency.ts'
import { BINARY, closed, JOB_SCOPE, JobRef, Nothing } from '../schemas/base.ts'
import { DataFolder, DataItem } from '../schemas/job-data.ts'
import { showInstant } from '../views/runs.ts'
import { jobOf, OF_JOB, SCOPE } from './jobs.ts'

const TAGS = ['data']
const OF_ITEM = closed({
  job: JobRef,
  '*': Type.String({ maxLength: 4096, description: 'Path of a file or folder, with `/` between folders.' }),
})
const REFUSALS = [409, 412]

const DESCRIPTION = `A folder is listed, a file is given as it is, with an \`ETag\`; \`Range\` and \`If-None-Match\` count. Regular files and
folders are all there is: links, pipes and devices that a job made are neither shown nor followed.`

/** Routes of what jobs keep in their data folders. */
export function jobDataRoutes(app: ApiApp, context: ApiContext): void {
  // What is sent here is a file, whatever it says that it is.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  readRoutes(app, context)
  putRoute(app, context)
  removeRoute(app, context)
}

function readRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/v1/jobs/:job/data',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'listData',
        tags: TAGS,
        summary: 'What a job keeps in its data folder',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 200: DataFolder },
      },
    },
    async (request) => await list(dataOf(context), (await jobOf(context.directory, request)).id, []),
  )
  app.get(
    '/v1/jobs/:job/data/*',
    {
      config: { access: 'viewer', refusals: [409, 416] },
      schema: {
        operationId: 'readData',
        tags: TAGS,
        summary: "A file or folder of a job's data",
        description: DESCRIPTION,
        params: OF_ITEM,
        querystring: SCOPE,
        response: {
          200: {
            description: 'The folder, or the file.',
            content: { 'application/json': { schema: DataFolder }, 'application/octet-stream': BINARY },
          },
          206: { description: 'A part of the file.', content: { 'application/octet-stream': BINARY } },
        },
      },
    },
    async (request, reply) => {
      const { id } = await jobOf(context.directory, request)
      const data = dataOf(context)
      const parts = partsOf(request)
      const found = parts.length === 0 ? ({ type: 'folder' } as const) : await data.look(id, parts)
      if (found === null) throw unknown(parts)
      if (found.type === 'folder') return reply.send(await list(data, id, parts))
      // What is said of it is of what was opened: the job may put another in its place.
      await using held = await data.hold(id, parts)
      return await sendFile(request, reply, held.file, (range) => held.read(range))
    },
  )
}

function putRoute(app: ApiApp, context: ApiContext): void {
  app.put(
    '/v1/jobs/:job/data/*',
    {
      // A file that is put twice is the same file.
      config: { access: 'deployer', idempotency: 'off', refusals: [...REFUSALS, 413, 507] },
      schema: {
        operationId: 'putData',
        tags: TAGS,
        summary: "Put a file into a job's data",
        description:
          'The body is the file as it is. Folders above it are made. With `If-Match` it is put only where that file is; `*` stands for any.',
        params: OF_ITEM,
        querystring: SCOPE,
        body: { content: { 'application/octet-stream': BINARY } },
        response: { 200: DataItem, 201: DataItem },
      },
    },
    async (request, reply) => {
      const job = await jobOf(context.directory, request)
      const { body, headers } = request
      const length = headers['content-length']
      const declared = length === undefined ? undefined : Number(length)
      const check = (there: DataFile | null) => requireMatch(request, there)
      const source = body instanceof Readable ? body : Readable.from([])
      const options = { declared, check }
      const { file, isNew } = await dataOf(context).put(job, partsOf(request), source, actorOf(request), options)
      return reply
        .code(isNew ? 201 : 200)
        .header('etag', `"${file.tag}"`)
        .send(show(file))
    },
  )
}

function removeRoute(app: ApiApp, context: ApiContext): void {
  app.delete(
    '/v1/jobs/:job/data/*',
    {
      config: { access: 'deployer', refusals: REFUSALS },
      schema: {
        operationId: 'deleteData',
        tags: TAGS,
        summary: "Take a file or folder of a job's data away",
        params: OF_ITEM,
        querystring: closed({
          ...JOB_SCOPE,
          recursive: Type.Optional(Type.Boolean({ description: 'A folder with all that is in it. Default false.' })),
        }),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { recursive = false, ...scope } = request.query
      const job = await context.directory.requireJob(bearerOf(request), request.params.job, scope)
      const check = (there: DataFile | null) => requireMatch(request, there)
      try {
        await dataOf(context).remove(job, partsOf(request), actorOf(request), { recursive, check })
      } catch (error) {
        passOverIfDone(request, error, 'data-unknown')
      }
      return reply.code(204).send(null)
    },
  )
}

function dataOf({ data }: ApiContext): JobData {
  if (data === null) throw new JobyardError('data-unknown', 'The data of jobs is not to be seen here.')
  return data
}

/** The path as it stands in the address: the HTTP library's own idea of it would be decoded already. */
function partsOf({ originalUrl }: Pick<FastifyRequest, 'originalUrl'>): readonly string[] {
  const path = originalUrl.split('?', 1)[0] ?? ''
  const rest = /^\/v1\/jobs\/[^/]+\/data(\/.*)$/is.exec(path)?.[1]
  if (rest === undefined) throw new JobyardError('address-invalid')
  return readSitePath(rest).parts
}

async function list(data: JobData, jobId: string, parts: readonly string[]): Promise<Static<typeof DataFolder>> {
  const items: Static<typeof DataItem>[] = []
  for await (const entry of data.list(jobId, parts)) items.push(show(entry))
  return { items }
}

function show(entry: DataEntry): Static<typeof DataItem> {
  const { name, type, modifiedAt } = entry
  const ofFile = type === 'file' ? { bytes: entry.bytes, tag: entry.tag } : { bytes: 0, tag: null }
  return { name, type, modifiedAt: showInstant(modifiedAt), ...ofFile }
}

async function sendFile(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { name, bytes, tag }: DataFile,
  read: (range: { from: number; to: number }) => Promise<ReadableStream<Uint8Array>>,
): Promise<FastifyReply> {
  const etag = `"${tag}"`
  reply.headers({ etag, 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache' })
  if (headers['if-none-match']?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag) === true) {
    return reply.code(304).send()
  }
  const condition = headers['if-range']
  const range = condition === undefined || condition === etag ? readRange(headers.range, bytes) : undefined
  if (range === null) {
    reply.header('content-range', `bytes */${bytes}`)
    throw new JobyardError('range-invalid', `The file has ${bytes} bytes; none of those asked for are among them.`)
  }
  const { from, to } = range ?? { from: 0, to: bytes }
  // Before anything is said of it: it may have gone.
  const stream = Readable.fromWeb(await read({ from, to }))
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${bytes}`)
  return reply
    .headers({
      'content-type': 'application/octet-stream',
      'content-length': String(to - from),
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    })
    .send(stream)
}

/** Throws 'data-changed' when a header If-Match names another file than the one that is there. */
function requireMatch({ headers }: Pick<FastifyRequest, 'headers'>, there: DataFile | null): void {
  const named = headers['if-match']?.split(',').map((each) => each.trim())
  if (named === undefined || (there !== null && (named.includes('*') || named.includes(`"${there.tag}"`)))) return
  throw new JobyardError('data-changed')
}

function unknown(parts: readonly string[]): JobyardError {
  const message = `There is no ${JSON.stringify(parts.join('/'))} in the data of the job.`
  return new JobyardError('data-unknown', message, { field: 'path' })
}
