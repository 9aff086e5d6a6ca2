import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import type { ApiContext } from '../context.ts'
import { showHomePage } from '../home-page.ts'

/** Addresses of the portal's pages. All of them are one document, in which the portal shows what the address says. */
const PAGES = ['/', '/sign-in', '/webjobs', '/webjobs/*', '/app-settings', '/web-hooks', '/azurejobs'] as const
/** Where the document leaves room for the nonce of its styles. */
const NONCE = '__STYLE_NONCE__'
/** Scripts and styles bear a hash of their contents in their names, and so never change under one name. */
const FOR_EVER = 'public, max-age=31536000, immutable'

/** The portal's pages; without a built portal a plain page at the root that says where everything is. */
export async function pageRoutes(app: ApiApp, { services, settings }: ApiContext): Promise<void> {
  const folder = settings.pagesFolder
  if (folder === null) return homeRoute(app, services)
  await app.register(fastifyStatic, { root: folder, serve: false, preCompressed: true, cacheControl: false })
  const open = { exposeHeadRoute: true, config: { access: 'open' as const }, schema: { hide: true } }
  for (const path of PAGES) app.get(path, open, async (_request, reply) => sendPage(reply, folder))
  app.get('/assets/*', open, async (request, reply) => {
    const { '*': name } = request.params as { '*': string }
    return reply.header('cache-control', FOR_EVER).sendFile(`assets/${name}`)
  })
  app.get('/icon.svg', open, async (_request, reply) => {
    return reply.header('cache-control', 'public, max-age=86400').sendFile('icon.svg')
  })
}

async function sendPage(reply: FastifyReply, folder: string): Promise<FastifyReply> {
  const nonce = randomBytes(16).toString('base64')
  // Read anew each time: after an upgrade its scripts have other names.
  const document = await readDocument(join(folder, 'index.html'))
  return reply
    .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policyFor(nonce) })
    .send(document.replaceAll(NONCE, nonce))
}

async function readDocument(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const message = 'The portal is not there; perhaps it is just being built.'
    throw new JobyardError('route-unknown', message, { hint: 'Try again in a moment.', cause })
  }
}

/** Scripts come from this server alone; what styles the page writes itself must bear the nonce. */
function policyFor(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function homeRoute(app: ApiApp, { version, isReady }: ApiContext['services']): void {
  app.get(
    '/',
    { exposeHeadRoute: true, config: { access: 'open' }, schema: { hide: true } },
    async (_request, reply) => {
      const { html, policy } = showHomePage({ version, ready: isReady() })
      return reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).send(html)
    },
  )
}
