import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import type { ApiApp } from '../../services/http/api-app.ts'
import { PROBLEM_TYPE } from '../answers.ts'
import type { ApiContext } from '../context.ts'
import { openObject } from '../schemas/base.ts'
import { Problem } from '../schemas/problem.ts'
import { completeDocument } from './document.ts'

/** Where the readable page is. */
const PAGE = '/docs'

const TAGS = [
  { name: 'about', description: 'The caller and the server.' },
  { name: 'collections', description: 'Groups of jobs, which bound what tokens may see.' },
  { name: 'packages', description: 'Uploaded archives and scripts.' },
  { name: 'jobs', description: 'What to do, when, and under which rules.' },
  { name: 'runs', description: 'Executions of jobs, and their tasks.' },
  { name: 'output', description: 'What runs print.' },
  { name: 'events', description: 'What happens, live.' },
  { name: 'settings', description: 'App settings: what all jobs of a collection get, and what steers the server.' },
  { name: 'webhooks', description: 'Addresses at which others start jobs.' },
  { name: 'hooks', description: 'Addresses that are called when something happens.' },
  { name: 'schedules', description: 'When schedules fall due.' },
  { name: 'tokens', description: 'Who may do what.' },
  { name: 'audit', description: 'What was changed by whom.' },
]

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A token.' },
  webhook: { type: 'http', scheme: 'basic', description: 'The password of the webhook, under any user name.' },
  webhookBearer: { type: 'http', scheme: 'bearer', description: 'The password of the webhook.' },
} as const

const ABOUT = `Every route but \`/health/*\`, \`/docs\` and this description wants a token: \`Authorization: Bearer TOKEN\`. Those of webhooks, \`/hooks/*\`, want the password of the webhook instead, as HTTP Basic under any user name or as Bearer.

- Moments are ISO 8601 in UTC; durations are texts such as \`30s\` or \`5m\`, sizes such as \`64MB\`.
- Lists come in pages: give \`next\` back as \`cursor\`.
- A write may carry an \`Idempotency-Key\`: sent again within a day, the same request gets the same answer and is done once.
- A refusal is a problem document (RFC 9457) with a stable \`code\`, the \`field\` at fault, and a \`hint\`.
- A job is addressed by its id, its name or its short number; \`collection\`, \`kind\` and \`type\` narrow that.`

/**
 * Describes the interface: a document at `/v1/openapi.json` and a page to read at `/docs`, which works without the
 * internet. Both are open, unlike everything else: they are the same for every installation and hold nothing of this one,
 * and a browser that opens a page has no way to send a token.
 */
export async function describeRoutes(app: ApiApp, context: ApiContext): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.url === PAGE || route.url.startsWith(`${PAGE}/`)) route.config = { ...route.config, access: 'open' }
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Jobyard',
        version: context.services.version,
        description: ABOUT,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transform: ({ schema, url, route }) => {
      if (schema?.hide === true) return { schema, url }
      return { schema: addRefusals(schema ?? {}, route.config ?? {}, String(route.method)), url }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('The description is not made as OpenAPI.')
      return completeDocument(document.openapiObject, context.services.kinds)
    },
  })
}

/** The routes of the description; registered after all others. */
export async function documentRoutes(app: ApiApp): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: PAGE,
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: false, defaultModelsExpandDepth: 0 },
    theme: { title: 'Jobyard: interface' },
    // Everything comes from here; the page's library writes style attributes.
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
  })
  app.get(
    '/v1/openapi.json',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getOpenApi',
        tags: ['about'],
        summary: 'This description, as OpenAPI 3.1',
        response: { 200: openObject('An OpenAPI document.') },
      },
    },
    async (_request, reply) =>
      reply.header('content-type', 'application/json; charset=utf-8').send({ ...app.swagger() }),
  )
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The input is not valid; `field` says what.',
  401: 'The token (or password) is missing, unknown, expired or revoked.',
  403: 'The role of the token does not suffice.',
  404: 'What is named does not exist, or lies in another collection.',
  409: 'It does not fit what is there, or a request with this Idempotency-Key is under way.',
  413: 'The body is too large; the limit is named.',
  415: 'The body is of a type that is not read here.',
  422: 'The Idempotency-Key was used for a different request.',
  429: 'Too many requests with a wrong token or password, or too many live streams.',
  500: 'A defect of Jobyard; its log has the particulars under the request id.',
  503: 'The database cannot be reached, or there are too many live streams; try again.',
  507: 'The disk is full; nothing was stored.',
}

/** Adds to a route's schema who may use it and how it refuses: what follows from its form, and what its config names. */
function addRefusals(schema: FastifySchema, config: FastifyContextConfig, method: string): FastifySchema {
  const { access = 'admin', whole, idempotency = 'on', refusals = [] } = config
  const writes = method !== 'GET' && idempotency !== 'off'
  const statuses = new Set([
    ...refusals,
    ...(schema.params || schema.querystring || schema.body ? [400] : []),
    ...(access === 'open' ? [] : [401, 403, 429]),
    ...(schema.params ? [404] : []),
    ...(schema.body ? [413, 415] : []),
    ...(writes ? [409, 422, 507] : []),
    ...(access === 'open' && !writes ? [] : [500, 503]),
  ])
  const answers = [...statuses].map((status) => [
    status,
    { description: REFUSALS[status] ?? 'Refused.', content: { [PROBLEM_TYPE]: { schema: Problem } } },
  ])
  const who =
    access === 'open' ? [] : [`Needs the role \`${access}\`${whole === true ? ' of the whole installation' : ''}.`]
  const given = typeof schema.response === 'object' ? schema.response : {}
  return {
    ...schema,
    description: [schema.description, ...who].filter((part) => part !== undefined).join('\n\n'),
    security: schema.security ?? (access === 'open' ? [] : [{ bearer: [] }]),
    response: { ...Object.fromEntries(answers), ...given },
    ...(writes ? { 'x-idempotent': true } : {}),
  }
}
