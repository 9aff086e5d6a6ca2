import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../api/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const post = (body: unknown, token?: string) =>
  server.call('POST', '/v1/hooks', { body, ...(token === undefined ? {} : { token }) })

describe('/v1/hooks', () => {
  test('makes a hook, shows it without its password, lists it and takes it away', async () => {
    const url = 'https://me:se%2Fcret@example.com/jobs?x=1#part'
    const made = await post({ event: 'run-finished', url, insecure: true })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      collection: 'default',
      event: 'run-finished',
      url: 'https://example.com/jobs?x=1',
      credentials: true,
      insecure: true,
      last: null,
    })
    expect(made.headers.location).toBe(`/v1/hooks/${made.body.id}`)
    const one = await server.call('GET', `/v1/hooks/${made.body.id}`)
    expect(one.body).toEqual(made.body)
    const list = await server.call('GET', '/v1/hooks')
    expect(list.body).toEqual({ items: [made.body], next: null })
    for (const { text } of [made, one, list]) expect(text).not.toMatch(/cret/)
    expect((await server.call('DELETE', `/v1/hooks/${made.body.id}`)).status).toBe(204)
    expect((await server.call('DELETE', `/v1/hooks/${made.body.id}`)).body).toMatchObject({ code: 'hook-unknown' })
    expect((await server.call('GET', '/v1/hooks')).body.items).toEqual([])
  })

  test('gives the hook of an address and event back, and refuses another event for it', async () => {
    const url = 'http://example.com/'
    const made = await post({ event: 'deployed', url })
    expect(made.body.credentials).toBe(false)
    const again = await post({ event: 'deployed', url: 'http://a:b@example.com' })
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject({ id: made.body.id, credentials: true })
    expect((await post({ event: 'run-finished', url })).body).toMatchObject({ status: 409, code: 'hook-exists' })
  })

  test('says what is wrong', async () => {
    expect((await post({ event: 'run-finished', url: 'example.com' })).body).toMatchObject({
      status: 400,
      code: 'destination-invalid',
      field: 'url',
    })
    expect((await post({ event: 'run-finished', url: 'ftp://example.com/' })).body.code).toBe('destination-invalid')
    expect((await post({ event: 'ended', url: 'http://example.com' })).body).toMatchObject({ field: 'event' })
    expect((await post({ event: 'deployed' })).body).toMatchObject({ field: 'url' })
  })

  test('keeps the hooks of a collection from tokens of another', async () => {
    const other = await server.collection('other')
    const token = await server.token('deployer', other)
    const mine = (await post({ event: 'deployed', url: 'http://example.com/mine' }, token)).body
    expect(mine.collection).toBe('other')
    const theirs = (await post({ event: 'deployed', url: 'http://example.com/theirs' })).body
    for (const method of ['GET', 'DELETE']) {
      expect((await server.call(method, `/v1/hooks/${theirs.id}`, { token })).body.code).toBe('hook-unknown')
    }
    expect((await server.call('POST', `/v1/hooks/${theirs.id}/test`, { token })).body.code).toBe('hook-unknown')
    expect((await server.call('GET', '/v1/hooks', { token })).body.items).toEqual([mine])
  })

  test('comes in pages', async () => {
    const collection = 'paged'
    await server.collection(collection)
    for (const n of [1, 2, 3]) await post({ collection, event: 'deployed', url: `http://example.com/${n}` })
    const first = await server.call('GET', '/v1/hooks?collection=paged&limit=2')
    expect(first.body.items).toHaveLength(2)
    const second = await server.call('GET', `/v1/hooks?collection=paged&limit=2&cursor=${first.body.next}`)
    expect(second.body.items.map(({ url }: { url: string }) => url)).toEqual(['http://example.com/3'])
  })
})
