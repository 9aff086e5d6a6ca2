import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import { readNumbersExactly } from '../../kinds/script/exact-json.ts'
import type { PackageView } from '../../kinds/script/packages.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { readHeaderParameter } from '../../services/http/disposition.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { replay } from '../idempotency.ts'
import { closed, HashInput } from '../schemas/base.ts'
import { Package, PackageFiles } from '../schemas/packages.ts'

const TAGS = ['packages']
const OF_PACKAGE = closed({ hash: HashInput })
const BINARY = { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) }

/** The name of an upload that has none: an archive's, whose files have names of their own. */
const UNNAMED = 'package.zip'

/** The route that takes packages in. Its body is not read before the handler does, piece by piece. */
export function uploadRoute(app: ApiApp, { services, keys, uploads }: ApiContext): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.post(
    '/v1/packages',
    {
      config: { access: 'deployer', idempotency: 'own', refusals: [409, 413, 422, 507] },
      schema: {
        operationId: 'uploadPackage',
        tags: TAGS,
        summary: 'Upload a zip archive or a single script',
        description:
          'The body is the file as it is. Its name comes from `filename`, or from the header Content-Disposition; a single script needs one, because its ending says what runs it. A `settings.job` that is no JSON object is refused. The package belongs to no job until one names its hash.',
        querystring: closed({
          filename: Type.Optional(Type.String({ minLength: 1, maxLength: 255, examples: ['report.py'] })),
        }),
        body: { content: { 'application/zip': BINARY, 'application/octet-stream': BINARY } },
        response: { 201: Package },
      },
    },
    async (request, reply) => {
      const name = request.query.filename ?? readFileName(request.headers['content-disposition']) ?? UNNAMED
      const { body } = request
      if (!(body instanceof Readable)) throw new JobyardError('input-invalid', 'The body is empty.', { field: 'body' })
      return await uploads.receive(body, declaredLength(request), async ({ path, sha256 }) => {
        const { tokenId, collectionId } = bearerOf(request)
        const before = await keys.take(request, tokenId, `${name}\n${sha256}`)
        if (before !== undefined) return replay(reply, before)
        const received = { collectionId, unreadableSettings: 'refuse' } as const
        return reply.code(201).send(showPackage(await services.packages.receive(path, name, received)))
      })
    },
  )
}

/** Routes that show packages. */
export function packageRoutes(app: ApiApp, { directory, services: { packages } }: ApiContext): void {
  app.get(
    '/v1/packages/:hash',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getPackage',
        tags: TAGS,
        summary: 'What a package is',
        params: OF_PACKAGE,
        response: { 200: Package },
      },
    },
    async (request) => {
      await directory.requirePackage(bearerOf(request), request.params.hash)
      return showPackage(await packages.describe(request.params.hash))
    },
  )
  app.get(
    '/v1/packages/:hash/files',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listPackageFiles',
        tags: TAGS,
        summary: 'The files of a package',
        params: OF_PACKAGE,
        response: { 200: PackageFiles },
      },
    },
    async (request) => {
      await directory.requirePackage(bearerOf(request), request.params.hash)
      const files = await packages.list(request.params.hash)
      return { items: files.map(({ path, bytes, executable }) => ({ path, bytes, executable })) }
    },
  )
  app.get(
    '/v1/packages/:hash/files/*',
    {
      // What stands in a script may be more than its viewers are to know.
      config: { access: 'deployer' },
      schema: {
        operationId: 'readPackageFile',
        tags: TAGS,
        summary: 'The contents of a file of a package',
        params: closed({ hash: HashInput, '*': Type.String({ minLength: 1, maxLength: 1000 }) }),
        response: { 200: { description: 'The contents.', content: { 'application/octet-stream': BINARY } } },
      },
    },
    async (request, reply) => {
      const { hash, '*': path } = request.params
      await directory.requirePackage(bearerOf(request), hash)
      const { stream, bytes } = await packages.openFile(hash, path)
      const name = encodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
      reply.headers({
        'content-type': 'application/octet-stream',
        'content-length': String(bytes),
        'content-disposition': `attachment; filename*=UTF-8''${name}`,
      })
      return reply.send(stream)
    },
  )
}

function declaredLength({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** The file's name in a header Content-Disposition (RFC 6266); undefined when there is none in it. */
function readFileName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const encoded = /^utf-8'[^']*'(.+)$/i.exec(readHeaderParameter(header, 'filename*') ?? '')?.[1]
  if (encoded !== undefined) {
    try {
      return decodeURIComponent(encoded)
    } catch (error) {
      if (!(error instanceof URIError)) throw error
      throw new JobyardError('input-invalid', 'The file name in Content-Disposition is not encoded as it says.', {
        field: 'Content-Disposition',
      })
    }
  }
  const name = readHeaderParameter(header, 'filename')
  return name === '' ? undefined : name
}

function showPackage(view: PackageView): Static<typeof Package> {
  const { hash, files, bytes, script, settings, exactSettings, disabled, warnings } = view
  const { file, directory, host, interpreter } = script ?? { file: '', directory: '', host: '', interpreter: '' }
  return {
    hash,
    files,
    bytes,
    script: script === null ? null : { file, directory, host, interpreter },
    settings: exactSettings === undefined ? { ...settings } : readNumbersExactly(exactSettings),
    disabled,
    warnings: warnings.map((warning) => ({ ...warning })),
  }
}
