import { checkJobName } from '../../kinds/script/names.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { CollectionRow } from '../../store/procedures/collections.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone, subjectOf } from '../idempotency.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { Collection, CollectionInput, CollectionPage } from '../schemas/access.ts'
import { CollectionRef, closed, DEFAULT_LIMIT, Nothing, PAGING } from '../schemas/base.ts'
import { showInstant } from '../views/runs.ts'

const OF_COLLECTION = closed({ collection: { ...CollectionRef, description: 'Name or id of a collection.' } })

/** Routes that show collections. */
export function collectionRoutes(app: ApiApp, { directory }: ApiContext): void {
  app.get(
    '/v1/collections',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listCollections',
        tags: ['collections'],
        summary: 'All collections, by name',
        querystring: closed(PAGING),
        response: { 200: CollectionPage },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query
      const [after] = readCursor('collections', cursor, 'string') ?? []
      const all = (await directory.collections(bearerOf(request))).map(showCollection)
      const rest = after === undefined ? all : all.filter(({ name }) => name.toLowerCase() > after)
      return cutPage(rest, limit, ({ name }) => writeCursor('collections', name.toLowerCase()))
    },
  )
  app.get(
    '/v1/collections/:collection',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getCollection',
        tags: ['collections'],
        summary: 'A collection',
        params: OF_COLLECTION,
        response: { 200: Collection },
      },
    },
    async (request) => showCollection(await directory.requireCollection(bearerOf(request), request.params.collection)),
  )
}

/** Routes that make collections and take them away. */
export function collectionWriteRoutes(app: ApiApp, context: ApiContext): void {
  const { services, directory } = context
  const { store, clock } = services
  app.post(
    '/v1/collections',
    {
      config: { access: 'admin', whole: true, refusals: [409] },
      schema: {
        operationId: 'createCollection',
        tags: ['collections'],
        summary: 'Make a collection',
        body: CollectionInput,
        response: { 201: Collection },
      },
    },
    async (request, reply) => {
      const name = checkJobName(request.body.name)
      const id = subjectOf(request, services)
      const made = request.hold?.resumed === true ? await findById(context, id) : undefined
      const row = made ?? (await store.write('addCollection', { id, name, actor: actorOf(request), at: clock.now() }))
      return reply.code(201).send(showCollection(row))
    },
  )
  app.delete(
    '/v1/collections/:collection',
    {
      config: { access: 'admin', whole: true, refusals: [409] },
      schema: {
        operationId: 'deleteCollection',
        tags: ['collections'],
        summary: 'Take an empty collection away',
        params: OF_COLLECTION,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      try {
        const { id } = await directory.requireCollection(bearerOf(request), request.params.collection)
        await store.write('deleteCollection', { id, actor: actorOf(request), at: clock.now() })
      } catch (error) {
        passOverIfDone(request, error, 'collection-unknown')
      }
      return reply.code(204).send(null)
    },
  )
}

async function findById({ services }: ApiContext, wanted: string): Promise<CollectionRow | undefined> {
  return (await services.store.read('listCollections', undefined)).find(({ id }) => id === wanted)
}

function showCollection({ id, name, createdAt }: CollectionRow) {
  return { id, name, createdAt: showInstant(createdAt) }
}
