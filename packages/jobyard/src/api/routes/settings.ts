import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { SettingView } from '../../engine/app-settings.ts'
import type { SettingInput } from '../../engine/settings-change.ts'
import { mayActAs } from '../../services/auth/bearer.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone } from '../idempotency.ts'
import { CollectionRef, closed, Nothing } from '../schemas/base.ts'
import { type AppSettingInput, AppSettings, AppSettingsChange, AppSettingsInput } from '../schemas/settings.ts'
import { showInstant } from '../views/runs.ts'

const TAGS = ['settings']
const SCOPE = closed({ collection: Type.Optional(CollectionRef) })
const REMOVAL = { access: 'deployer', refusals: [409] } as const
/** Done twice it is the same, and answers with values must not be kept where backups take them along. */
const WRITE = { access: 'deployer', refusals: [404, 409], idempotency: 'own' } as const

/** The route that shows app settings. */
export function settingRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/v1/settings',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listSettings',
        tags: TAGS,
        summary: 'The app settings of a collection, by name',
        description: 'Secret values are never shown; plain ones to those who may deploy.',
        querystring: SCOPE,
        response: { 200: AppSettings },
      },
    },
    async (request) => {
      const owner = await ownerOf(context, request, request.query.collection)
      return show(await context.services.appSettings.list(owner), request)
    },
  )
}

/** Routes that change app settings. */
export function settingWriteRoutes(app: ApiApp, context: ApiContext): void {
  replaceRoute(app, context)
  changeRoute(app, context)
  removeRoute(app, context)
}

function replaceRoute(app: ApiApp, context: ApiContext): void {
  app.put(
    '/v1/settings',
    {
      config: WRITE,
      schema: {
        operationId: 'replaceSettings',
        tags: TAGS,
        summary: 'Set all app settings of a collection; those that are not named are taken away',
        body: AppSettingsInput,
        response: { 200: AppSettings },
      },
    },
    async (request) => {
      const { collection, settings } = request.body
      const owner = await ownerOf(context, request, collection)
      const change = { set: readInputs(settings), remove: 'others' } as const
      return show(await context.services.appSettings.change(owner, change, actorOf(request)), request)
    },
  )
}

function changeRoute(app: ApiApp, context: ApiContext): void {
  app.patch(
    '/v1/settings',
    {
      config: WRITE,
      schema: {
        operationId: 'changeSettings',
        tags: TAGS,
        summary: 'Change some app settings of a collection',
        body: AppSettingsChange,
        response: { 200: AppSettings },
      },
    },
    async (request) => {
      const { collection, settings } = request.body
      const owner = await ownerOf(context, request, collection)
      const there = new Set((await context.services.appSettings.list(owner)).map(({ name }) => name.toLowerCase()))
      const gone = Object.entries(settings).flatMap(([name, input]) => (input === null ? [name] : []))
      // Taking away what is not there is no mistake here: the whole is to be as it is said.
      const change = { set: readInputs(settings), remove: gone.filter((name) => there.has(name.toLowerCase())) }
      return show(await context.services.appSettings.change(owner, change, actorOf(request)), request)
    },
  )
}

function removeRoute(app: ApiApp, context: ApiContext): void {
  app.delete(
    '/v1/settings/:name',
    {
      config: REMOVAL,
      schema: {
        operationId: 'deleteSetting',
        tags: TAGS,
        summary: 'Take an app setting away',
        params: closed({ name: Type.String({ minLength: 1, maxLength: 400 }) }),
        querystring: SCOPE,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const owner = await ownerOf(context, request, request.query.collection)
      try {
        const change = { set: {}, remove: [request.params.name] }
        await context.services.appSettings.change(owner, change, actorOf(request))
      } catch (error) {
        passOverIfDone(request, error, 'app-setting-unknown')
      }
      return reply.code(204).send(null)
    },
  )
}

async function ownerOf({ directory }: ApiContext, request: FastifyRequest, collection: string | undefined) {
  return await directory.requireCollection(bearerOf(request), collection)
}

function readInputs(
  sent: Readonly<Record<string, Static<typeof AppSettingInput> | null>>,
): Record<string, SettingInput> {
  return Object.fromEntries(
    Object.entries(sent).flatMap(([name, input]) => {
      if (input === null) return []
      return [[name, typeof input === 'string' ? { value: input } : input]]
    }),
  )
}

function show(settings: readonly SettingView[], request: FastifyRequest): Static<typeof AppSettings> {
  const deploys = mayActAs(bearerOf(request).role, 'deployer')
  const items = settings.map(({ updatedAt, value, warning, ...rest }) => ({
    ...rest,
    value: deploys ? value : null,
    // It quotes the value.
    warning: deploys ? warning : null,
    updatedAt: showInstant(updatedAt),
  }))
  return { items }
}
