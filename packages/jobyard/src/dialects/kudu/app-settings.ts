import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { SettingView } from '../../engine/app-settings.ts'
import { JsonFault, type JsonMember, readJsonObject } from '../../kinds/script/lenient-json.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { CollectionRow } from '../../store/procedures/collections.ts'
import { readText } from '../webjobs/bodies.ts'
import { sendJson, sendNothing } from '../webjobs/sending.ts'
import { siteOfHost } from '../webjobs/site.ts'
import type { KuduContext } from './context.ts'
import { route } from './routes.ts'

interface OfSetting {
  Params: { key: string }
}

/**
 * Routes of the app settings of a site (https://github.com/projectkudu/kudu/wiki/REST-API#settings): names and values in one
 * object. Secret ones are left out, so that whoever writes back what was read keeps them as they are.
 */
export function appSettingRoutes(app: ApiApp, context: KuduContext, base: string): void {
  const { appSettings } = context.services
  app.get(base, route(base, 'deployer'), async (request, reply) => {
    const shown = (await listShown(context, request)).flatMap(({ name, value }) =>
      value === null ? [] : [[name, value] as const],
    )
    return sendJson(reply, Object.fromEntries(shown))
  })
  app.post(base, route(base, 'deployer'), async (request, reply) => {
    const owner = await siteOf(context, request)
    const said = readSettings(await readText(request, context.settings.bodyBytes))
    const all = await appSettings.list(owner)
    const there = new Set(all.filter(isHere(context)).map(({ name }) => name.toLowerCase()))
    const set = Object.fromEntries(said.flatMap(([name, value]) => (value === null ? [] : [[name, { value }]])))
    const gone = said.flatMap(([name, value]) => (value === null && there.has(name.toLowerCase()) ? [name] : []))
    requireHere(context, all, Object.keys(set))
    await appSettings.change(owner, { set, remove: gone, lenient: true }, actorOf(request))
    return sendNothing(reply, 204)
  })
  const path = `${base}/:key`
  app.get<OfSetting>(path, route(path, 'deployer'), async (request, reply) => {
    const key = request.params.key.toLowerCase()
    const found = (await listShown(context, request)).find(({ name }) => name.toLowerCase() === key)
    if (found === undefined) throw new JobyardError('app-setting-unknown')
    if (found.value === null) {
      throw new JobyardError('role-insufficient', `The setting ${found.name} is secret and never shown.`)
    }
    return sendJson(reply, found.value)
  })
  app.delete<OfSetting>(path, route(path, 'deployer'), async (request, reply) => {
    const owner = await siteOf(context, request)
    const key = request.params.key.toLowerCase()
    const here = (await appSettings.list(owner)).filter(isHere(context))
    const found = here.find(({ name }) => name.toLowerCase() === key)
    if (found !== undefined) {
      await appSettings.change(owner, { set: {}, remove: [found.name] }, actorOf(request))
    }
    return sendNothing(reply, 204)
  })
}

async function siteOf(context: KuduContext, request: FastifyRequest): Promise<CollectionRow> {
  return await siteOfHost(context, bearerOf(request), request.hostname)
}

/** The settings that jobs of this slot see. */
async function listShown(context: KuduContext, request: FastifyRequest): Promise<SettingView[]> {
  const all = await context.services.appSettings.list(await siteOf(context, request))
  return all.filter(isHere(context))
}

/** Kudu's clients see the settings of their slot, and know of no other. */
function isHere({ services }: KuduContext): (setting: SettingView) => boolean {
  return ({ slot }) => slot === null || slot.toLowerCase() === services.appSettings.slot
}

/** What is pinned to another slot must not become what this one was to have. Throws 'app-setting-elsewhere'. */
function requireHere(context: KuduContext, all: readonly SettingView[], names: readonly string[]): void {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const here = isHere(context)
  const found = all.find((setting) => wanted.has(setting.name.toLowerCase()) && !here(setting))
  if (found === undefined) return
  const message = `The app setting ${found.name} is pinned to the slot ${found.slot}, which is not this one.`
  throw new JobyardError('app-setting-elsewhere', message, { field: found.name })
}

type Said = readonly (readonly [name: string, value: string | null])[]

/** Settings by name, or one as `{"key": …, "value": …}`, which is the older form; null takes one away. Throws 'input-invalid'. */
function readSettings(text: string): Said {
  const members = readObject(text)
  const [key, value] = [members.get('key'), members.get('value')]
  if (members.size === 2 && key !== undefined && value !== undefined) return [[readValue(key) ?? '', readValue(value)]]
  return [...members].map(([name, member]) => [name, readValue(member)])
}

function readObject(text: string): ReadonlyMap<string, JsonMember> {
  try {
    return readJsonObject(text)
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    throw new JobyardError('input-invalid', `The settings are not valid JSON: ${error.message}.`, { cause: error })
  }
}

/** A number as it was written: as one of ours it may lose digits. */
function readValue({ value, json }: JsonMember): string | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  if (typeof value !== 'object') return json
  throw new JobyardError('input-invalid', 'The value of a setting must be a text, a number, true or false.')
}
