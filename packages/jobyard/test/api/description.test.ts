import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Operation, resolve } from './described.ts'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

function operations(): (Operation & { readonly where: string; readonly path: string })[] {
  return Object.entries(server.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      where: `${method.toUpperCase()} ${path}`,
      path,
    })),
  )
}

describe('the description of the interface', () => {
  test('is OpenAPI 3.1 and names who made it', () => {
    expect(server.document).toMatchObject({ openapi: '3.1.0', info: { title: 'Jobyard', version: '0.1.0-test' } })
  })

  test('has every route, but for pages and the routes that serve it', () => {
    const described = operations().map(({ where }) =>
      where.replaceAll(/\{(\w+|\*)\}/g, (_, name) => (name === '*' ? '*' : `:${name}`)),
    )
    const routes = [...server.app.routeAccess.keys()].filter((route) => !/^HEAD | \/$| \/docs/.test(route))
    expect(new Set(described)).toEqual(new Set(routes))
  })

  test('says of every route what it is, who may use it, and how it refuses', () => {
    const ids = operations().map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { where, path, operationId, summary, tags, security, parameters = [], responses } of operations()) {
      expect(operationId, where).toMatch(/^[a-z]\w+$/)
      expect(summary, where).toMatch(/^[A-Z].{3,}[^.]$/)
      expect(tags, where).toHaveLength(1)
      const access = server.app.routeAccess.get(
        where.replaceAll(/\{(\w+|\*)\}/g, (_, name) => (name === '*' ? '*' : `:${name}`)),
      )
      const ofWebhook = path.startsWith('/hooks/')
      const wanted = ofWebhook ? [{ webhook: [] }, { webhookBearer: [] }] : access === 'open' ? [] : [{ bearer: [] }]
      expect(security, where).toEqual(wanted)
      const inPath = [...path.matchAll(/\{(\w+|\*)\}/g)].map(([, name]) => name)
      expect(
        parameters.filter((each) => each.in === 'path').map(({ name }) => name),
        where,
      ).toEqual(inPath)
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description, `${where} ${status}`).toMatch(/.{4,}/)
        expect(description, `${where} ${status}`).not.toBe('Default Response')
        if (Number(status) >= 400 && path !== '/health/ready')
          expect(Object.keys(content ?? {})).toEqual(['application/problem+json'])
      }
      if (access !== 'open') for (const status of ['401', '403', '429']) expect(responses, where).toHaveProperty(status)
    }
  })

  test('says what the security of every route is', () => {
    const { info, components } = server.document
    for (const { where, security = [] } of operations()) {
      for (const name of security.flatMap((each) => Object.keys(each as object))) {
        expect(components.securitySchemes, where).toHaveProperty(name, expect.objectContaining({ type: 'http' }))
      }
    }
    expect(components.securitySchemes).toMatchObject({ webhook: { scheme: 'basic' } })
    expect(info.description).toContain('`/hooks/*`')
  })

  test('tells of writes that they take an Idempotency-Key', () => {
    for (const { where, parameters = [] } of operations()) {
      const takes = parameters.some(({ name }) => name === 'Idempotency-Key')
      // What is put twice under the same path is there once.
      const free = [
        'PUT /v1/jobs/{job}/data/{*}',
        'POST /v1/schedules/preview',
        'POST /v1/session',
        'DELETE /v1/session',
      ]
      const none = free.includes(where)
      expect(takes, where).toBe(/^(POST|PUT|PATCH|DELETE)/.test(where) && !none)
    }
  })

  test('has no schema that says nothing, and none that refers to nothing', () => {
    const visit = (schema: unknown, where: string): void => {
      expect(typeof schema, where).toBe('object')
      const { type, anyOf, enum: words, const: only, properties = {}, items } = schema as Record<string, unknown>
      expect(
        [type, anyOf, words, only].some((each) => each !== undefined),
        `${where}: ${JSON.stringify(schema)}`,
      ).toBe(true)
      for (const [name, each] of Object.entries(properties as object)) visit(each, `${where}.${name}`)
      if (items !== undefined) visit(items, `${where}[]`)
      for (const each of (anyOf ?? []) as unknown[]) visit(each, `${where}|`)
    }
    const { document } = server
    for (const { where, parameters = [], requestBody, responses } of operations()) {
      for (const { name, schema } of parameters) visit(resolve(document, schema), `${where} ${name}`)
      for (const { schema } of Object.values(requestBody?.content ?? {})) visit(resolve(document, schema), where)
      for (const { content = {} } of Object.values(responses)) {
        for (const { schema } of Object.values(content)) visit(resolve(document, schema), where)
      }
    }
  })

  test('names what it refers to, so that programs can make types of it', () => {
    const { schemas } = server.document.components
    for (const name of [
      'Job',
      'Run',
      'Task',
      'Package',
      'Policy',
      'TriggerInput',
      'Problem',
      'OutputPage',
      'ScriptSpec',
    ]) {
      expect(schemas).toHaveProperty(name)
    }
    expect(schemas.JobPage).toMatchObject({ properties: { items: { items: { $ref: '#/components/schemas/Job' } } } })
    expect(JSON.stringify(server.document)).not.toContain('def-')
  })

  test('says when a body may be left out', () => {
    const body = (id: string) => operations().find(({ operationId }) => operationId === id)?.requestBody?.required
    expect([body('createJob'), body('createRun'), body('rollbackJob'), body('uploadPackage')]).toEqual([
      true,
      false,
      false,
      true,
    ])
  })

  test('is open, the same for everybody, and holds nothing of this installation', async () => {
    const { text } = await server.call('GET', '/v1/openapi.json', { token: null })
    expect((await server.call('GET', '/v1/openapi.json')).text).toBe(text)
    for (const secret of [server.folder, server.admin, 'jobs.example']) expect(text).not.toContain(secret)
  })
})

describe('the page to read', () => {
  test('works without the internet: all that it loads comes from this server', async () => {
    for (const path of ['/docs', '/docs/']) {
      const page = await server.call('GET', path, { token: null })
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
      const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
      expect(links.length).toBeGreaterThan(4)
      for (const link of links) {
        const { pathname, host } = new URL(link, `http://here.invalid${path}`)
        expect(host).toBe('here.invalid')
        const asset = await server.call('GET', pathname, { token: null })
        expect(asset.status, link).toBe(200)
      }
    }
    const script = await server.call('GET', '/docs/static/swagger-initializer.js', { token: null })
    expect(script.text).toContain('"validatorUrl": null'.replaceAll('"', '').split(':')[0])
    expect(script.text).not.toMatch(/https?:\/\/(?!stackoverflow)/)
    expect((await server.call('GET', '/docs/json', { token: null })).body).toEqual(server.document)
  })
})
