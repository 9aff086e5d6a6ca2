import Type from 'typebox'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { BINARY, closed, HashInput } from '../schemas/base.ts'
import { Package, PackageFiles } from '../schemas/packages.ts'
import { showPackage } from '../views/packages.ts'

const TAGS = ['packages']
const OF_PACKAGE = closed({ hash: HashInput })

/** Routes that show packages and what is in them. */
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
}

/** The route that gives a file of a package out. */
export function packageFileRoute(app: ApiApp, { directory, services: { packages } }: ApiContext): void {
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
