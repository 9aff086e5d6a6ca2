import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import { readCredentials } from '../../services/auth/credentials.ts'
import { senderOf } from '../../services/auth/lockout.ts'
import { bodyTooLarge } from '../../services/body-limit.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import type { ApiContext } from '../context.ts'
import { replay } from '../idempotency.ts'
import { makeRun, readArgs } from '../run-requests.ts'
import { WebhookAnswer } from '../schemas/access.ts'
import { closed, Id } from '../schemas/base.ts'

/** The address at which others start a job. It has its own password and takes a body of any type. */
export function hookRoutes(app: ApiApp, context: ApiContext): void {
  const { payloadBytes } = context.settings
  const admitted = new WeakMap<object, JobRow>()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: payloadBytes }, (_request, body, done) =>
    done(null, body),
  )
  app.setErrorHandler((error) => {
    const { statusCode } = error as { statusCode?: number }
    throw statusCode === 413 && !(error instanceof JobyardError) ? bodyTooLarge(payloadBytes, 'webhook') : error
  })
  app.post(
    '/hooks/:jobId',
    {
      config: { access: 'open', idempotency: 'own', refusals: [401, 404, 409, 413, 429] },
      bodyLimit: payloadBytes,
      // Before any of the body is read.
      onRequest: async (request) => {
        admitted.set(request, await admit(context, request, request.params.jobId))
      },
      schema: {
        operationId: 'callWebhook',
        tags: ['webhooks'],
        security: [{ webhook: [] }, { webhookBearer: [] }],
        summary: 'Start a job by its webhook',
        description:
          "With the webhook's password by HTTP basic authentication (any user name) or as a Bearer token. The body, of whatever type, reaches the script as the file named in JOBYARD_PAYLOAD_FILE. A job that skips triggers while it runs answers 202 with `skipped`.",
        params: closed({ jobId: Id }),
        querystring: closed({
          args: Type.Optional(
            Type.String({ maxLength: 8000, description: 'Arguments: one text that is cut as shells do.' }),
          ),
        }),
        response: { 202: WebhookAnswer },
      },
    },
    async (request, reply) => {
      const job = admitted.get(request)
      if (job === undefined) throw new JobyardError('webhook-refused')
      const body = Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined
      const content = createHash('sha256')
        .update(body ?? '')
        .digest('hex')
      const before = await context.keys.take(request, `webhook:${job.id}`, content)
      if (before !== undefined) return replay(reply, before)
      const contentType = request.headers['content-type'] ?? null
      const made = await makeRun(context, request, job, {
        why: 'webhook',
        detail: { address: request.ip },
        args: readArgs(request.query.args),
        ...(body === undefined ? {} : { payload: { contentType, body } }),
      })
      return reply.code(202).send(showMade(made))
    },
  )
}

function showMade(made: Awaited<ReturnType<typeof makeRun>>): Static<typeof WebhookAnswer> {
  if ('skipped' in made) return { runId: null, number: null, queued: false, skipped: true }
  const { id, number, queued } = made.run
  return { runId: id, number, queued, skipped: false }
}

/**
 * The job whose webhook is called, if the password is right. Passwords may be chosen by people, so they can be guessed:
 * after too many wrong ones a sender is locked out of this webhook, with the right one too. Others are not.
 */
async function admit(
  { services, webhooks, webhookLockout }: ApiContext,
  request: FastifyRequest,
  id: string,
): Promise<JobRow> {
  const sender = `${senderOf(request.ip)} ${id}`
  webhookLockout.check(sender)
  const password = readCredentials(request.headers.authorization)?.secret
  const job = await services.store.read('getJob', { id: id.toLowerCase() })
  if (job === null) throw new JobyardError('webhook-unknown', 'There is no webhook at this address.')
  if (password !== undefined && (await webhooks.verify(job, password))) return job
  if (password !== undefined) webhookLockout.fail(sender)
  throw new JobyardError('webhook-refused')
}
