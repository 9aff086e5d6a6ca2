import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import { hashToken } from '../../services/auth/token.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import { createSessionSecret, noSessionCookie, sessionCookie } from '../../services/http/session.ts'
import type { ApiContext } from '../context.ts'
import { Session } from '../schemas/access.ts'
import { closed, Nothing } from '../schemas/base.ts'
import { showInstant } from '../views/runs.ts'

/** How long a session lasts, in milliseconds: a working day, or a month for who asks to be remembered. */
const USUAL_MS = 12 * 3_600_000
const REMEMBERED_MS = 30 * 86_400_000

/** Routes that sign a browser in and out. */
export function sessionRoutes(app: ApiApp, context: ApiContext): void {
  openRoute(app, context)
  closeRoute(app, context)
}

function openRoute(app: ApiApp, { services, settings, directory }: ApiContext): void {
  const { store, clock, version } = services
  app.post(
    '/v1/session',
    {
      config: { access: 'viewer', idempotency: 'off' },
      schema: {
        operationId: 'openSession',
        tags: ['about'],
        summary: 'Sign a browser in with a token',
        description:
          'The answer sets a cookie that stands for the token, for pages of this server alone: 12 hours, or 30 days for who asks to be remembered. It ends earlier when the token expires or is revoked.',
        body: closed({ remember: Type.Optional(Type.Boolean({ description: 'Default false.' })) }),
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      if (request.sessionSecret !== null) {
        throw new JobyardError('token-missing', 'A session cannot make another one.')
      }
      const bearer = bearerOf(request)
      const { tokenId, name, role, collectionId } = bearer
      const remember = request.body.remember === true
      const secret = createSessionSecret()
      const at = clock.now()
      const lasts = remember ? REMEMBERED_MS : USUAL_MS
      const session = { hash: hashToken(secret), tokenId, collectionId, expiresAt: at + lasts }
      await store.write('openSession', { ...session, actor: actorOf(request), at })
      reply.header('set-cookie', sessionCookie(request, settings.publicUrl(), secret, remember ? lasts : undefined))
      const collection = collectionId === null ? null : await directory.collectionName(collectionId)
      return reply.code(201).send({ name, role, collection, version, expiresAt: showInstant(at + lasts) })
    },
  )
}

function closeRoute(app: ApiApp, { services, settings, authenticator }: ApiContext): void {
  const { store, clock } = services
  app.delete(
    '/v1/session',
    {
      config: { access: 'viewer', idempotency: 'off' },
      schema: {
        operationId: 'closeSession',
        tags: ['about'],
        summary: 'Sign the browser out',
        description: 'Its session is worthless at once on this instance, within five seconds on others.',
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { sessionSecret: secret } = request
      if (secret !== null) {
        const { collectionId } = bearerOf(request)
        const closing = { hash: hashToken(secret), collectionId, actor: actorOf(request), at: clock.now() }
        await store.write('closeSession', closing)
        authenticator.forgetSession(secret)
      }
      return reply.code(204).header('set-cookie', noSessionCookie(request, settings.publicUrl())).send(null)
    },
  )
}
