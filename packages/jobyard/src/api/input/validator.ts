import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { explainFault } from './fault.ts'

const WHOLES: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'address',
  headers: 'head of the request',
}

/**
 * Compiles a route's schema into its check. Nothing is converted in a body, filled in or taken away; the texts of a query
 * become the numbers and flags that the schema wants. A body that is absent counts as an empty object.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  // A body that is taken in as it comes is no value to check.
  if ('format' in schema && schema.format === 'binary') return (value: unknown) => ({ value })
  const check = Compile(schema)
  return (given: unknown) => {
    const value = httpPart === 'body' ? (given ?? {}) : readTexts(schema, given)
    return check.Check(value) ? { value } : { error: explainFault(schema, value, WHOLES[httpPart] ?? httpPart) }
  }
}

/** Reads the texts of a query as the schema's numbers and flags; what is none stays a text, and fails the check. */
function readTexts(schema: TSchema, given: unknown): Record<string, unknown> {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { readonly type?: string }>> }
  const entries = Object.entries(given ?? {}).map(([name, value]: [string, unknown]) => {
    const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined
    return [name, typeof value === 'string' ? readText(value, type) : value] as const
  })
  return Object.fromEntries(entries)
}

function readText(text: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|1)$/.test(text)) return true
  if (type === 'boolean' && /^(false|0)$/.test(text)) return false
  return text
}
