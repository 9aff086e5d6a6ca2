import Type, { type Static } from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { Bearer } from '../../services/auth/bearer.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { HookRow } from '../../store/procedures/hooks.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone, subjectOf } from '../idempotency.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { CollectionRef, closed, DEFAULT_LIMIT, Id, Nothing, PAGING } from '../schemas/base.ts'
import { Hook, HookInput, HookPage } from '../schemas/hooks.ts'
import { showInstant } from '../views/runs.ts'

const TAGS = ['hooks']
const OF_HOOK = closed({ hook: Id })

/** Routes that show hooks. Their addresses often hold a secret in the query, so viewers do not see them. */
export function eventHookRoutes(app: ApiApp, context: ApiContext): void {
  const { directory, hooks } = context
  app.get(
    '/v1/hooks',
    {
      config: { access: 'deployer' },
      schema: {
        operationId: 'listHooks',
        tags: TAGS,
        summary: 'The hooks of a collection, the oldest first',
        querystring: closed({ collection: Type.Optional(CollectionRef), ...PAGING }),
        response: { 200: HookPage },
      },
    },
    async (request) => {
      const { collection, limit = DEFAULT_LIMIT, cursor } = request.query
      const [after = ''] = readCursor('hooks', cursor, 'string') ?? []
      const { id, name } = await directory.requireCollection(bearerOf(request), collection)
      const rows = (await hooks.list(id)).filter((hook) => hook.id > after)
      const { items, next } = cutPage(rows, limit, (hook) => writeCursor('hooks', hook.id))
      return { items: items.map((hook) => showHook(hook, name)), next }
    },
  )
  app.get(
    '/v1/hooks/:hook',
    {
      config: { access: 'deployer' },
      schema: { operationId: 'getHook', tags: TAGS, summary: 'A hook', params: OF_HOOK, response: { 200: Hook } },
    },
    async (request) => {
      const hook = await requireHook(context, bearerOf(request), request.params.hook)
      return showHook(hook, await directory.collectionName(hook.collectionId))
    },
  )
}

/** Routes that make hooks and take them away. */
export function eventHookWriteRoutes(app: ApiApp, context: ApiContext): void {
  const { services, directory, hooks } = context
  app.post(
    '/v1/hooks',
    {
      config: { access: 'deployer', refusals: [404, 409] },
      schema: {
        operationId: 'createHook',
        tags: TAGS,
        summary: 'Have an address called when something happens in a collection',
        description:
          'An address and event that has a hook already gives that one back, with the new password if one came.',
        body: HookInput,
        response: { 200: Hook, 201: Hook },
      },
    },
    async (request, reply) => {
      const { collection: ref, ...input } = request.body
      const collection = await directory.requireCollection(bearerOf(request), ref)
      const id = subjectOf(request, services)
      const { hook, isNew } = await hooks.add(collection.id, wishOf(input), actorOf(request), id)
      return reply
        .code(isNew || hook.id === id ? 201 : 200)
        .header('location', `/v1/hooks/${hook.id}`)
        .send(showHook(hook, collection.name))
    },
  )
  app.post(
    '/v1/hooks/:hook/test',
    {
      config: { access: 'deployer' },
      schema: {
        operationId: 'testHook',
        tags: TAGS,
        summary: 'Try a hook: call its address now',
        description:
          'With something made up, a run or a deployment of a job called `example`, and the header `X-Jobyard-Test: true`. Answers when the call is over; `last` says how it went. It needs ten seconds at the most, and no hook is taken away by its answer.',
        params: OF_HOOK,
        response: { 200: Hook },
      },
    },
    async (request) => {
      const { id, collectionId } = await requireHook(context, bearerOf(request), request.params.hook)
      return showHook(await hooks.test(id, actorOf(request)), await directory.collectionName(collectionId))
    },
  )
  app.delete(
    '/v1/hooks/:hook',
    {
      config: { access: 'deployer' },
      schema: {
        operationId: 'deleteHook',
        tags: TAGS,
        summary: 'Take a hook away',
        description: 'Calls that wait are not made any more.',
        params: OF_HOOK,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      try {
        const { id } = await requireHook(context, bearerOf(request), request.params.hook)
        await hooks.remove(id, actorOf(request))
      } catch (error) {
        passOverIfDone(request, error, 'hook-unknown')
      }
      return reply.code(204).send(null)
    },
  )
}

function wishOf({ event, url, insecure }: Pick<Static<typeof HookInput>, 'event' | 'url' | 'insecure'>) {
  return { event, url, ...(insecure === undefined ? {} : { insecure }) }
}

/** A hook of another collection than the only one of a token is as unknown as one that is not there. */
async function requireHook({ hooks }: ApiContext, bearer: Bearer, ref: string): Promise<HookRow> {
  const hook = await hooks.get(ref.toLowerCase())
  const mayUse = bearer.collectionId === null || bearer.collectionId === hook?.collectionId
  if (hook !== null && mayUse) return hook
  throw new JobyardError('hook-unknown', `There is no hook ${JSON.stringify(ref)}.`, { field: 'hook' })
}

function showHook(hook: HookRow, collection: string): Static<typeof Hook> {
  const { id, event, url, hasCredentials: credentials, insecure, createdBy } = hook
  const { lastAt, lastStatus: status, lastReason, lastBody } = hook
  const last =
    lastAt === null ? null : { at: showInstant(lastAt), status, reason: lastReason ?? '', body: lastBody ?? '' }
  const createdAt = showInstant(hook.createdAt)
  return { id, collection, event, url, credentials, insecure, createdBy, createdAt, last }
}
