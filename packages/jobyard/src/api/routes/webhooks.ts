import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone } from '../idempotency.ts'
import { Webhook, WebhookInput } from '../schemas/access.ts'
import { Nothing } from '../schemas/base.ts'
import { jobOf, OF_JOB, SCOPE } from './jobs.ts'

const TAGS = ['webhooks']
const CONFIG = { access: 'deployer', refusals: [409] } as const

/** Routes that show webhooks and take them away. Every look at a password is on record, as every change is. */
export function webhookRoutes(app: ApiApp, { directory, webhooks }: ApiContext): void {
  app.get(
    '/v1/jobs/:job/webhook',
    {
      config: CONFIG,
      schema: {
        operationId: 'getWebhook',
        tags: TAGS,
        summary: "The address and the password of a job's webhook",
        params: OF_JOB,
        querystring: SCOPE,
        response: { 200: Webhook },
      },
    },
    async (request) => {
      const job = await jobOf(directory, request)
      return await webhooks.show(job, actorOf(request))
    },
  )
  app.delete(
    '/v1/jobs/:job/webhook',
    {
      config: CONFIG,
      schema: {
        operationId: 'deleteWebhook',
        tags: TAGS,
        summary: 'Take the webhook away',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const job = await jobOf(directory, request)
      try {
        await webhooks.remove(job, actorOf(request))
      } catch (error) {
        passOverIfDone(request, error, 'webhook-unknown')
      }
      return reply.code(204).send(null)
    },
  )
}

/** Routes that give webhooks their passwords. */
export function webhookPasswordRoutes(app: ApiApp, { directory, webhooks }: ApiContext): void {
  app.put(
    '/v1/jobs/:job/webhook',
    {
      config: CONFIG,
      schema: {
        operationId: 'setWebhook',
        tags: TAGS,
        summary: 'Give a job a webhook, or its webhook another password',
        params: OF_JOB,
        querystring: SCOPE,
        body: WebhookInput,
        response: { 200: Webhook },
      },
    },
    async (request) => {
      const job = await jobOf(directory, request)
      return await webhooks.set(job, request.body.password, actorOf(request))
    },
  )
  app.post(
    '/v1/jobs/:job/webhook/renew',
    {
      config: CONFIG,
      schema: {
        operationId: 'renewWebhook',
        tags: TAGS,
        summary: 'Replace the password by a new one; the old one is worthless at once',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 200: Webhook },
      },
    },
    async (request) => {
      const job = await jobOf(directory, request)
      return await webhooks.renew(job, actorOf(request))
    },
  )
}
