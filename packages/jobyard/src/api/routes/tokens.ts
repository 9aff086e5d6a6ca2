import type { Static } from 'typebox'
import { parseDuration } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import { createToken, hashToken } from '../../services/auth/token.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { TokenRow } from '../../store/procedures/tokens.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone, subjectOf } from '../idempotency.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { NewToken, TokenInput, TokenPage } from '../schemas/access.ts'
import { closed, DEFAULT_LIMIT, Id, Nothing, PAGING } from '../schemas/base.ts'
import { showInstant, showMaybeInstant } from '../views/runs.ts'

/** Routes that list tokens and make them worthless. */
export function tokenRoutes(app: ApiApp, context: ApiContext): void {
  const { store, clock } = context.services
  app.get(
    '/v1/tokens',
    {
      config: { access: 'admin', whole: true },
      schema: {
        operationId: 'listTokens',
        tags: ['tokens'],
        summary: 'All tokens, revoked ones too, the oldest first',
        querystring: closed(PAGING),
        response: { 200: TokenPage },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query
      const [after = ''] = readCursor('tokens', cursor, 'string') ?? []
      const rows = (await store.read('listTokens', undefined)).filter(({ id }) => id > after)
      const { items, next } = cutPage(rows, limit, ({ id }) => writeCursor('tokens', id))
      return { items: await Promise.all(items.map((row) => showToken(context, row))), next }
    },
  )
  app.delete(
    '/v1/tokens/:id',
    {
      config: { access: 'admin', whole: true },
      schema: {
        operationId: 'revokeToken',
        tags: ['tokens'],
        summary: 'Make a token worthless',
        description: 'At once on this instance; others notice within five seconds.',
        params: closed({ id: Id }),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      try {
        await store.write('revokeToken', { id, actor: actorOf(request), at: clock.now() })
      } catch (error) {
        passOverIfDone(request, error, 'token-unknown')
      } finally {
        context.authenticator.forget(id)
      }
      return reply.code(204).send(null)
    },
  )
}

/** The route that makes tokens. */
export function tokenWriteRoutes(app: ApiApp, context: ApiContext): void {
  const { services, directory } = context
  const { store, clock, ids } = services
  app.post(
    '/v1/tokens',
    {
      config: { access: 'admin', whole: true, refusals: [404, 409] },
      schema: {
        operationId: 'createToken',
        tags: ['tokens'],
        summary: 'Make a token, which is shown this once',
        body: TokenInput,
        response: { 201: NewToken },
      },
    },
    async (request, reply) => {
      const { name, role, collection, expiresIn } = request.body
      checkJobName(name)
      const collectionId =
        collection === undefined ? null : (await directory.requireCollection(bearerOf(request), collection)).id
      const at = clock.now()
      const expiresAt = expiresIn === undefined ? null : at + readLifetime(expiresIn)
      const actor = actorOf(request)
      let id = subjectOf(request, services)
      if (request.hold?.resumed === true && (await isThere(context, id))) {
        // It was made, and its secret died with the server that made it: nobody can ever use that one.
        await store
          .write('revokeToken', { id, actor, at })
          .catch((error) => passOverIfDone(request, error, 'token-unknown'))
        id = ids.next()
      }
      const token = createToken()
      const hash = hashToken(token)
      const row = await store.write('addToken', { id, name, hash, role, collectionId, expiresAt, actor, at })
      return reply.code(201).send({ ...(await showToken(context, row)), token })
    },
  )
}

function readLifetime(expiresIn: string): number {
  const lifetime = parseDuration(expiresIn, 'expiresIn')
  if (lifetime >= 1000) return lifetime
  throw new JobyardError('duration-invalid', `expiresIn is ${expiresIn}; a token lives for a second at the least.`, {
    field: 'expiresIn',
    hint: 'Write how long it is good for, such as 12h or 90d, or leave it out.',
  })
}

async function isThere({ services }: ApiContext, wanted: string): Promise<boolean> {
  return (await services.store.read('listTokens', undefined)).some(({ id }) => id === wanted)
}

type ShownToken = Static<typeof TokenPage>['items'][number]

async function showToken({ directory }: ApiContext, row: TokenRow): Promise<ShownToken> {
  const { id, name, role, collectionId, createdBy } = row
  return {
    id,
    name,
    role,
    collection: collectionId === null ? null : await directory.collectionName(collectionId),
    createdBy,
    createdAt: showInstant(row.createdAt),
    expiresAt: showMaybeInstant(row.expiresAt),
    revokedAt: showMaybeInstant(row.revokedAt),
    lastUsedAt: showMaybeInstant(row.lastUsedAt),
  }
}
