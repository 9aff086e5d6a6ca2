import type { Webhook } from '@jobyard/client'
import { answer, printJson } from './answer.ts'
import { askSecret } from './ask.ts'
import { connect } from './connection.ts'
import { type ScopeOptions, scopeOf } from './script/options.ts'
import { printFacts } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Options of `webhook set`. */
export interface WebhookSetOptions extends ScopeOptions {
  readonly password?: string
}

/** Shows the address and the password of a job. */
export async function showWebhook(terminal: Terminal, job: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  await print(terminal, options, await jobyard.webhooks.get(job, scopeOf(options)))
}

/** Gives a job a webhook, or another password. */
export async function setWebhook(terminal: Terminal, job: string, options: WebhookSetOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const given = options.password === '-' ? await askSecret(terminal, 'Password: ') : options.password
  const input = given === undefined ? {} : { password: given }
  await print(terminal, options, await jobyard.webhooks.set(job, input, scopeOf(options)))
}

/** Replaces the password. */
export async function renewWebhook(terminal: Terminal, job: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  await print(terminal, options, await jobyard.webhooks.renew(job, scopeOf(options)))
}

/** Takes the webhook away. */
export async function removeWebhook(terminal: Terminal, job: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  await jobyard.webhooks.remove(job, scopeOf(options))
  await answer(terminal, options, { job, removed: true }, `${job} has no webhook any longer.`)
}

async function print(terminal: Terminal, options: ScopeOptions, webhook: Webhook): Promise<void> {
  if (options.json === true) return printJson(terminal, webhook)
  const { url, user, password } = webhook
  await printFacts(terminal.stdout, [
    ['address', url],
    ['user', user],
    ['password', password],
    ['try it', `curl -u ${user}:${password} -d '{"hello": "world"}' ${url}`],
  ])
}
