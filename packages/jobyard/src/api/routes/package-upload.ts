import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { readHeaderParameter } from '../../services/http/disposition.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { replay } from '../idempotency.ts'
import { BINARY, closed } from '../schemas/base.ts'
import { Package } from '../schemas/packages.ts'
import { showPackage } from '../views/packages.ts'

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
        tags: ['packages'],
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
        const view = await services.packages.receive(path, name, received)
        const target = { targetType: 'package', targetId: view.hash, targetName: name, collectionId }
        const entry = { actor: actorOf(request), action: 'package.upload', ...target, detail: { bytes: view.bytes } }
        await services.store.write('addAudit', { entry, at: services.clock.now() })
        return reply.code(201).send(showPackage(view))
      })
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
