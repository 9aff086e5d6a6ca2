import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { ServiceContext } from '../../services/context.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { HookEvent, HookRow } from '../../store/procedures/hooks.ts'
import { readText } from '../webjobs/bodies.ts'
import { showDate } from '../webjobs/net-time.ts'
import { sendJson, sendNothing, sendText } from '../webjobs/sending.ts'
import { siteOfHost } from '../webjobs/site.ts'
import { route } from './routes.ts'

/** Kudu's names of what hooks are called for. */
const EVENTS: Readonly<Record<string, HookEvent>> = { TriggeredJobFinished: 'run-finished', PostDeployment: 'deployed' }

/** Both spellings of the address of hooks. */
export const HOOKS = ['/api/hooks', '/hooks'] as const

interface OfHook {
  Params: { id: string }
}

interface OfEvent {
  Params: { event: string }
}

/**
 * The routes of hooks (https://github.com/projectkudu/kudu/wiki/Web-hooks). The application must leave bodies unread, as
 * that of the dialect does (`leaveBodies`), and answer errors as the dialect does.
 */
export function hookRoutes(app: ApiApp, context: ServiceContext): void {
  for (const base of HOOKS) {
    readRoutes(app, context, base)
    writeRoutes(app, context, base)
  }
}

/** The addresses of hooks often hold a secret in their query, so viewers do not see them. */
function readRoutes(app: ApiApp, context: ServiceContext, base: string): void {
  app.get(base, route(base, 'deployer'), async (request, reply) => {
    const hooks = await context.hooks.list(await siteOf(context, request))
    return sendJson(reply, hooks.map(showHook))
  })
  const item = `${base}/:id`
  app.get<OfHook>(item, route(item, 'deployer'), async (request, reply) => {
    const hook = await findHook(context, request, request.params.id)
    // Kudu says so, and its clients look for it.
    return sendJson(reply, hook === undefined ? null : showHook(hook))
  })
}

function writeRoutes(app: ApiApp, context: ServiceContext, base: string): void {
  app.post(base, route(base, 'deployer'), async (request, reply) => {
    const { event, url, insecure } = readHook(await readText(request, context.settings.bodyBytes))
    const collectionId = await siteOf(context, request)
    try {
      const id = context.services.ids.next()
      const { hook } = await context.hooks.add(collectionId, { event, url, insecure }, actorOf(request), id)
      return sendJson(reply.code(201), showHook(hook))
    } catch (error) {
      return answerRefusal(error, event, reply)
    }
  })
  const item = `${base}/:id`
  app.delete<OfHook>(item, route(item, 'deployer'), async (request, reply) => {
    const hook = await findHook(context, request, request.params.id)
    if (hook !== undefined) await remove(context, hook, request)
    return sendNothing(reply)
  })
  const publish = `${base}/publish/:event`
  app.post<OfEvent>(publish, route(publish, 'deployer'), async (request, reply) => {
    const text = await readText(request, context.settings.bodyBytes)
    readJson(text)
    await context.hooks.publish(await siteOf(context, request), readEvent(request.params.event), text)
    return sendNothing(reply)
  })
}

async function siteOf(context: ServiceContext, request: FastifyRequest): Promise<string> {
  return (await siteOfHost(context, bearerOf(request), request.hostname)).id
}

async function findHook(context: ServiceContext, request: FastifyRequest, id: string): Promise<HookRow | undefined> {
  const hooks = await context.hooks.list(await siteOf(context, request))
  return hooks.find((hook) => showHookId(hook) === id)
}

async function remove({ hooks }: ServiceContext, { id }: HookRow, request: FastifyRequest): Promise<void> {
  try {
    await hooks.remove(id, actorOf(request))
  } catch (error) {
    // Somebody else was faster, and it is gone all the same.
    if (!(error instanceof JobyardError) || error.code !== 'hook-unknown') throw error
  }
}

/** Kudu fails over an address that is not whole, and knows events by names of its own. */
function answerRefusal(error: unknown, wanted: HookEvent, reply: FastifyReply): FastifyReply {
  if (!(error instanceof JobyardError)) throw error
  if (error.code === 'destination-invalid') return sendText(reply.code(500), error.message)
  if (error.code !== 'hook-exists') throw error
  const other = Object.keys(EVENTS).find((name) => EVENTS[name] !== wanted)
  return sendText(reply.code(409), `There is a hook to this address for the event ${other} already.`)
}

/** A hook as Kudu's clients write one; as with it, the case of names does not matter, and true may be a text. */
function readHook(text: string): { event: HookEvent; url: string; insecure: boolean } {
  const value = readJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new JobyardError('input-invalid', 'The body is no JSON object.')
  }
  const members: readonly [string, unknown][] = Object.entries(value)
  const read = (name: string): unknown =>
    (members.find(([each]) => each === name) ?? members.find(([each]) => each.toLowerCase() === name))?.[1]
  const url = read('url')
  if (typeof url !== 'string') throw new JobyardError('input-invalid', 'The hook has no url.', { field: 'url' })
  return { event: readEvent(read('event')), url, insecure: readFlag('insecure_ssl', read('insecure_ssl')) }
}

function readFlag(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = typeof value === 'string' ? value.trim().toLowerCase() : ''
  if (word === 'true' || word === 'false') return word === 'true'
  throw new JobyardError('input-invalid', `The hook's ${name} must be true or false.`, { field: name })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = text.trim() === '' ? 'The request has no body.' : 'The body is not valid JSON.'
    throw new JobyardError('input-invalid', message, { cause })
  }
}

function readEvent(given: unknown): HookEvent {
  const wanted = String(given ?? '').toLowerCase()
  const found = Object.entries(EVENTS).find(([name]) => name.toLowerCase() === wanted)?.[1]
  if (found !== undefined) return found
  const known = Object.keys(EVENTS).join(' and ')
  throw new JobyardError('input-invalid', `There is no event ${JSON.stringify(given ?? null)}; there are ${known}.`)
}

/** A hook as Kudu shows it; every member is always there. */
function showHook(hook: HookRow) {
  const event = Object.entries(EVENTS).find(([, each]) => each === hook.event)?.[0] ?? hook.event
  return {
    id: showHookId(hook),
    url: hook.url,
    event,
    insecure_ssl: hook.insecure,
    last_status: showStatus(hook),
    last_reason: hook.lastReason,
    last_datetime: hook.lastAt === null ? null : showDate(hook.lastAt),
    last_context: hook.lastBody,
  }
}

/** Ticks of .NET between its first day and that of Unix, of which there are 10,000 in a millisecond. */
const EPOCH_TICKS = 621_355_968_000_000_000n

/**
 * The id that Kudu would have given: the time of the making in ticks. Below the millisecond stand digits of the hook's own
 * id, so that hooks of one millisecond differ. It is stored nowhere.
 */
export function showHookId({ id, createdAt }: Pick<HookRow, 'id' | 'createdAt'>): string {
  const below = BigInt(`0x${id.slice(-12)}`) % 10_000n
  return String(EPOCH_TICKS + BigInt(createdAt) * 10_000n + below)
}

/** A status as .NET names it: the words without their blanks; `Failure` when no answer came. */
function showStatus({ lastStatus, lastAt }: HookRow): string | null {
  if (lastAt === null) return null
  if (lastStatus === null) return 'Failure'
  return STATUS_CODES[lastStatus]?.replaceAll(/[^A-Za-z]/g, '') ?? String(lastStatus)
}
