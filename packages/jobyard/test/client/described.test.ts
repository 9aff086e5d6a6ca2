import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'

/** The client's types by the names of the interface description, where they differ. */
const RENAMED: Readonly<Record<string, string>> = { Package: 'PackageInfo' }

/** Schemas that the client has as unions, as generic types, or not at all. */
const OTHERS =
  /Page$|^(Trigger|Retry)(Input)?$|^AppSettingInput$|^(Problem|Health|PolicyInput|Nothing)$|^Webhook(Answer|Input)$/
const WITHOUT_TYPE = new Set([
  'AppSettings',
  'AppSettingsChange',
  'AppSettingsInput',
  'CollectionInput',
  'Deployments',
  'Occurrences',
  'PackageFiles',
  'RollbackInput',
  // Secrets are sent as text and shown as set, which is more than the schema of what is stored says.
  'ScriptSpec',
])

interface Members {
  readonly required: string[]
  readonly optional: string[]
}

let server: LiveServer
let schemas: Readonly<Record<string, { properties?: object; required?: string[] }>>
let types: ReadonlyMap<string, Members & { readonly parents: string[] }>

beforeAll(async () => {
  server = await startLiveServer()
  const answer = await fetch(`${server.url}/v1/openapi.json`, { headers: { authorization: `Bearer ${server.token}` } })
  const document = (await answer.json()) as { components: { schemas: typeof schemas } }
  schemas = document.components.schemas
  types = readTypes(await readFile(new URL('../../../client/src/types.ts', import.meta.url), 'utf8'))
})
afterAll(async () => {
  await server.stop()
})

/** The members of every exported interface, as far as they stand in it. */
function readTypes(source: string): Map<string, Members & { parents: string[] }> {
  const found = new Map<string, Members & { parents: string[] }>()
  let current: (Members & { parents: string[] }) | undefined
  let depth = 0
  for (const line of source.split('\n')) {
    const [, name, parents] = /^export interface (\w+)(?: extends ([\w, ]+))? \{/.exec(line) ?? []
    if (name !== undefined) {
      current = { required: [], optional: [], parents: parents?.split(', ') ?? [] }
      found.set(name, current)
      depth = 0
    }
    const [, member, optional] = depth === 1 ? (/^ {2}readonly (\w+)(\?)?:/.exec(line) ?? []) : []
    if (member !== undefined) current?.[optional === undefined ? 'required' : 'optional'].push(member)
    depth += line.split('{').length - line.split('}').length
    if (depth === 0) current = undefined
  }
  return found
}

function membersOf(name: string): Members {
  const own = types.get(name)
  if (own === undefined) throw new Error(`The client has no type ${name}.`)
  const all = [own, ...own.parents.map(membersOf)]
  return { required: all.flatMap((each) => each.required), optional: all.flatMap((each) => each.optional) }
}

describe('the types of the client', () => {
  test('have the members that the interface description names, no more and no fewer', () => {
    const compared = Object.keys(schemas).filter((name) => !OTHERS.test(name) && !WITHOUT_TYPE.has(name))
    expect(compared.length).toBeGreaterThan(20)
    for (const name of compared) {
      const { properties = {}, required = [] } = schemas[name] ?? {}
      const optional = Object.keys(properties).filter((each) => !required.includes(each))
      const members = membersOf(RENAMED[name] ?? name)
      expect({ required: members.required.toSorted(), optional: members.optional.toSorted() }, name).toEqual({
        required: required.toSorted(),
        optional: optional.toSorted(),
      })
    }
  })
})
