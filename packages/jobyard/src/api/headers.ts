import type { ApiApp } from '../services/http/api-app.ts'

/** What browsers are told about every answer that does not say otherwise itself. */
const USUAL: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Puts the headers on answers that keep browsers from doing anything with them, and the id of the request. */
export function addHeaders(app: ApiApp, closing: AbortSignal): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(USUAL)) if (!reply.hasHeader(name)) reply.header(name, value)
    if (closing.aborted) reply.header('connection', 'close')
  })
}
