import { Value } from 'typebox/value'
import { expect } from 'vitest'
import type { Answer } from './server.ts'

/** A JSON Schema as it stands in the description. */
export type Schema = { readonly [keyword: string]: unknown; readonly $ref?: string }

/** An operation as it stands in the description. */
export interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly security?: readonly unknown[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>

/** The description as far as the tests look at it. */
export interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly info: { readonly description: string }
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, unknown>>
  }
}

export function readDocument(answer: { readonly statusCode: number; json(): unknown }): OpenApi {
  expect(answer.statusCode).toBe(200)
  return answer.json() as OpenApi
}

/** The operation that a request goes to; undefined for what is not described. */
export function findOperation({ paths }: OpenApi, method: string, address: string): Operation | undefined {
  const path = address.split('?', 1)[0] ?? ''
  const fitting = Object.entries(paths).filter(([template]) => patternOf(template).test(path))
  // Of two that fit, the one with fewer parameters is meant.
  const [best] = fitting.toSorted(([a], [b]) => a.split('{').length - b.split('{').length)
  return best?.[1][method.toLowerCase()]
}

function patternOf(template: string): RegExp {
  const text = template.replaceAll(/\{\*\}/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${text}/?$`)
}

/** The schema with everything that it refers to put in place. */
export function resolve(document: OpenApi, schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((each) => resolve(document, each))
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref } = schema as Schema
  if ($ref === undefined) {
    return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, resolve(document, value)]))
  }
  const target = document.components.schemas[$ref.replace('#/components/schemas/', '')]
  if (target === undefined) throw new Error(`${$ref} refers to nothing.`)
  return resolve(document, target)
}

/** Fails the test when an answer is none that the description promises. */
export function checkAnswer(document: OpenApi, method: string, path: string, answer: Answer): void {
  const operation = findOperation(document, method, path)
  if (operation === undefined) return
  const what = `${method} ${path} → ${answer.status}`
  const described = operation.responses[String(answer.status)]
  if (described === undefined) throw new Error(`${what} is not described: ${answer.text}`)
  if (described.content === undefined) {
    expect(answer.text, what).toBe('')
    return
  }
  const type = String(answer.headers['content-type']).split(';', 1)[0] ?? ''
  const schema = described.content[type]?.schema
  if (schema === undefined) throw new Error(`${what} is not described as ${type}: ${answer.text}`)
  if (answer.body === null) return
  const resolved = resolve(document, schema) as Parameters<typeof Value.Check>[0]
  const faults = Value.Check(resolved, answer.body) ? [] : Value.Errors(resolved, answer.body)
  expect(faults, `${what}: ${answer.text}`).toEqual([])
}
