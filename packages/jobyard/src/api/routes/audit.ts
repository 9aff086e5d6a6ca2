import Type from 'typebox'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { AuditPage } from '../schemas/access.ts'
import { CollectionRef, closed, DEFAULT_LIMIT, PAGING } from '../schemas/base.ts'
import { showInstant } from '../views/runs.ts'

/** Members of particulars that are kept as epoch milliseconds. */
const MOMENTS = new Set(['next', 'expiresAt'])

/** Particulars with their moments in the form of all others. */
function showMoments(detail: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = JSON.stringify(detail, (name, value: unknown) =>
    MOMENTS.has(name) && typeof value === 'number' ? showInstant(value) : value,
  )
  return JSON.parse(shown) as Record<string, unknown>
}

/** The route of the audit log. */
export function auditRoutes(app: ApiApp, { services, directory }: ApiContext): void {
  app.get(
    '/v1/audit',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'listAudit',
        tags: ['audit'],
        summary: 'What was changed, by whom and from where; the newest first',
        querystring: closed({
          target: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 100,
              description: 'Id of what was changed: a job, a run, a token …',
            }),
          ),
          collection: Type.Optional({ ...CollectionRef, description: 'Name or id of a collection. Default: all.' }),
          ...PAGING,
        }),
        response: { 200: AuditPage },
      },
    },
    async (request) => {
      const { target, collection, limit = DEFAULT_LIMIT, cursor } = request.query
      const [before] = readCursor('audit', cursor, 'string') ?? []
      const collectionId = await directory.collectionFilter(bearerOf(request), collection)
      const rows = await services.store.read('listAudit', {
        ...(target === undefined ? {} : { targetId: target }),
        ...(collectionId === undefined ? {} : { collectionId }),
        ...(before === undefined ? {} : { before }),
        limit: limit + 1,
      })
      const { items, next } = cutPage(rows, limit, ({ id }) => writeCursor('audit', id))
      const shown = items.map(async ({ collectionId: of, time, detail, ...row }) => ({
        ...row,
        time: showInstant(time),
        collection: of === null ? null : await directory.collectionName(of),
        detail: showMoments(detail),
      }))
      return { items: await Promise.all(shown), next }
    },
  )
}
