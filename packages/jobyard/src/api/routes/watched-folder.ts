import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { CollectionRef, closed } from '../schemas/base.ts'
import { FolderAnswer } from '../schemas/folder.ts'
import { showInstant } from '../views/runs.ts'

const OF_COLLECTION = closed({ collection: { ...CollectionRef, description: 'Name or id of a collection.' } })

/** The route that tells of the folder that a collection's jobs come from. */
export function watchedFolderRoutes(app: ApiApp, { directory, services }: ApiContext): void {
  app.get(
    '/v1/collections/:collection/folder',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getWatchedFolder',
        tags: ['collections'],
        summary: 'The folder that the jobs of a collection come from, and what in it is not deployed',
        params: OF_COLLECTION,
        response: { 200: FolderAnswer },
      },
    },
    async (request) => {
      const { id: collectionId } = await directory.requireCollection(bearerOf(request), request.params.collection)
      const folder = await services.store.read('getWatchedFolder', { collectionId, at: services.clock.now() })
      if (folder === null) return { folder: null }
      const { path, instance, seenAt, problems } = folder
      return { folder: { path, instance, seenAt: showInstant(seenAt), problems: [...problems] } }
    },
  )
}
