import { isObject } from '../../domain/plain-object.ts'
import type { JobKind } from '../../engine/kind.ts'

type Json = Readonly<Record<string, unknown>>

const KEY_HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A new one for every request, and the same one when it is sent again.',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
}

/**
 * Completes the generated document: what bears a title becomes a component and is referred to, so that programs that
 * make types of it get good names; writes take their header; a body of which nothing is required may be absent.
 */
export function completeDocument<T extends object>(document: T, kinds: ReadonlyMap<string, JobKind>): T {
  const { paths, components } = JSON.parse(JSON.stringify(document)) as { paths: Json; components: Json }
  const named = new Map<string, Json>()
  const complete = mapObject(paths, (path) =>
    isObject(path)
      ? mapObject(path, (operation) => (isObject(operation) ? completeOperation(operation) : operation))
      : path,
  )
  const hoisted = hoist(complete, named)
  for (const kind of kinds.values()) named.set(`${capital(kind.name)}Spec`, publicPart(kind))
  const schemas = Object.fromEntries([...named].toSorted(([a], [b]) => Number(a > b) - Number(a < b)))
  return { ...document, paths: hoisted, components: { ...components, schemas } }
}

/** The spec of a kind without the members that only the kind itself sets, which are marked as internal. */
function publicPart({ spec }: JobKind): Json {
  const { properties = {}, ...rest } = JSON.parse(JSON.stringify(spec)) as { properties?: Record<string, Json> }
  const shown = Object.entries(properties).filter(([, member]) => member['x-internal'] !== true)
  return { ...rest, properties: Object.fromEntries(shown) }
}

function completeOperation(operation: Json): Json {
  const { 'x-idempotent': idempotent, ...rest } = operation
  const { parameters, requestBody, responses } = rest
  return {
    ...rest,
    ...(idempotent === true ? { parameters: [...(Array.isArray(parameters) ? parameters : []), KEY_HEADER] } : {}),
    ...(isObject(requestBody) ? { requestBody: { ...requestBody, required: isRequired(requestBody) } } : {}),
    ...(isObject(responses) ? { responses: mapObject(responses, describeAnswer) } : {}),
  }
}

function isRequired({ content }: Json): boolean {
  if (!isObject(content)) return true
  return Object.values(content).some((media) => {
    const schema = isObject(media) ? media.schema : undefined
    return !isObject(schema) || schema.type !== 'object' || Array.isArray(schema.required)
  })
}

/** The generator's own words say nothing; the schema's name says more. */
function describeAnswer(answer: unknown): unknown {
  if (!isObject(answer) || answer.description !== 'Default Response' || !isObject(answer.content)) return answer
  const [media] = Object.values(answer.content)
  const schema = isObject(media) ? media.schema : undefined
  const title = isObject(schema) && typeof schema.title === 'string' ? schema.title : 'The answer'
  return { ...answer, description: `${title}.` }
}

/** Takes titled schemas out, from the innermost on, and puts references in their places. */
function hoist(node: unknown, named: Map<string, Json>): unknown {
  if (Array.isArray(node)) return node.map((each) => hoist(each, named))
  if (!isObject(node)) return node
  const { title, ...rest } = mapObject(node, (each) => hoist(each, named))
  const isSchema = typeof title === 'string' && ('type' in rest || 'anyOf' in rest)
  if (!isSchema) return title === undefined ? rest : { ...rest, title }
  const known = named.get(title)
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(rest)) {
    throw new Error(`Two different schemas are called ${title}.`)
  }
  named.set(title, rest)
  return { $ref: `#/components/schemas/${title}` }
}

function mapObject(object: Json, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
