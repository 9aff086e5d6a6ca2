import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobyardError } from '../../src/domain/errors.ts'
import { hashToken } from '../../src/services/auth/token.ts'
import { eventually } from '../support/eventually.ts'
import { DATABASES, makePlace, type Place } from '../support/stack.ts'
import { type CallOptions, startTestServer, type TestServer } from './server.ts'

/** An instance that is on no record. */
const DEAD = 'a-dead-instance'

let place: Place
let server: TestServer
/** A job of the test's own. */
let job: string
let jobs = 0

describe.each(DATABASES)('on %s', (database) => {
  beforeAll(async () => {
    place = await makePlace(database)
    server = await startTestServer({ place })
  })
  beforeEach(async () => {
    job = `job-${++jobs}`
    await server.call('POST', '/v1/jobs', { body: { name: job, policy: { overlap: 'allow' } } })
  })
  afterAll(async () => {
    await server.stop()
    await place.drop()
  })

  const send = (key: string, method: string, path: string, options: CallOptions = {}) =>
    server.call(method, path, { ...options, headers: { 'idempotency-key': key, ...options.headers } })
  const startRun = (key: string, body: object = {}) => send(key, 'POST', `/v1/jobs/${job}/runs`, { body })
  const countRuns = async () => (await server.call('GET', `/v1/jobs/${job}/runs`)).body.items.length

  describe('a write with an Idempotency-Key', () => {
    test('is done once and answered the same however often it is sent', async () => {
      const key = randomUUID()
      const first = await startRun(key)
      const again = await startRun(key)
      expect(again.headers['idempotent-replayed']).toBe('true')
      expect(first.headers).not.toHaveProperty('idempotent-replayed')
      expect([again.status, again.body]).toEqual([201, first.body])
      for (const name of ['location', 'content-type', 'cache-control'])
        expect(again.headers[name]).toBe(first.headers[name])
      expect(await countRuns()).toBe(1)
    })

    test('is refused when the key was used for another request', async () => {
      const key = randomUUID()
      await startRun(key)
      expect((await startRun(key, { args: ['x'] })).body).toMatchObject({ status: 422, code: 'key-reused' })
      expect((await send(key, 'DELETE', `/v1/jobs/${job}`)).body).toMatchObject({ status: 422 })
      expect(await countRuns()).toBe(1)
    })

    test('of somebody else has nothing to do with it', async () => {
      const key = randomUUID()
      const first = await startRun(key)
      const other = await send(key, 'POST', `/v1/jobs/${job}/runs`, { body: {}, token: await server.token('operator') })
      expect(other.status).toBe(201)
      expect(other.body.id).not.toBe(first.body.id)
    })

    test('is refused while the same is under way', async () => {
      const key = randomUUID()
      const both = await Promise.all([startRun(key), startRun(key)])
      expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409])
      expect(both.find(({ status }) => status === 409)?.body.code).toBe('key-in-use')
      expect(await countRuns()).toBe(1)
    })

    test('gets a refusal once more, too, with its type', async () => {
      const key = randomUUID()
      const first = await send(key, 'POST', '/v1/jobs', { body: { name: job } })
      await server.call('DELETE', `/v1/jobs/${job}`)
      const again = await send(key, 'POST', '/v1/jobs', { body: { name: job } })
      expect([again.status, again.body, again.headers['content-type']]).toEqual([
        409,
        first.body,
        'application/problem+json; charset=utf-8',
      ])
    })

    test('that has no answer to keep is answered the same: nothing', async () => {
      const key = randomUUID()
      expect((await send(key, 'DELETE', `/v1/jobs/${job}`)).status).toBe(204)
      expect(await send(key, 'DELETE', `/v1/jobs/${job}`)).toMatchObject({ status: 204, text: '' })
    })

    test('is not held to a key that its own form made it fail with', async () => {
      const key = randomUUID()
      expect((await startRun(key, { arg: 'x' })).status).toBe(400)
      expect((await startRun(key, { args: 'x' })).status).toBe(201)
    })

    test('with a key that is none is refused', async () => {
      for (const key of ['', 'a b', 'x'.repeat(201)]) {
        expect((await startRun(key)).body, key).toMatchObject({ status: 400, field: 'Idempotency-Key' })
      }
    })

    test.runIf(database === 'sqlite')(
      'has its answer kept for a day, and nothing readable of it in the database',
      async () => {
        const key = randomUUID()
        const made = await send(key, 'POST', '/v1/tokens', { body: { name: 'kept', role: 'viewer' } })
        const again = await send(key, 'POST', '/v1/tokens', { body: { name: 'kept', role: 'viewer' } })
        expect(again.body.token).toBe(made.body.token)
        const files = ['jobyard.db', 'jobyard.db-wal'].map((name) => readFile(`${place.folder}/${name}`, 'latin1'))
        const contents = (await Promise.all(files)).join('')
        expect(contents).toContain(key)
        expect(contents).not.toContain(made.body.token)
      },
    )
  })

  describe('a server that dies', () => {
    /** Takes a key as a server does that dies before it has answered; what it made by then is `done`. */
    async function dieWith(
      key: string,
      method: string,
      path: string,
      body: unknown,
      done: (subject: string) => Promise<unknown>,
    ) {
      const { parts, store } = server.stack
      const actor = (await store.read('findToken', { hash: hashToken(server.admin) }))?.id ?? ''
      const at = parts.clock.now()
      const subject = parts.ids.next()
      const fingerprint = createHash('sha256')
        .update(`${method} ${path}\n${JSON.stringify(body ?? null)}`)
        .digest('hex')
      const request = { actor, name: key, fingerprint, owner: DEAD, subject, at, expiresAt: at + 1000_000 }
      expect(await store.write('takeKey', request)).toMatchObject({ state: 'new', subject })
      await done(subject)
      return subject
    }

    test('before it made the run leaves a key under which the run is made, once', async () => {
      const key = randomUUID()
      const subject = await dieWith(key, 'POST', `/v1/jobs/${job}/runs`, {}, async () => undefined)
      const first = await startRun(key)
      expect(first).toMatchObject({ status: 201, body: { id: subject } })
      expect((await startRun(key)).body).toEqual(first.body)
      expect(await countRuns()).toBe(1)
    })

    test('after it made the run leaves a key under which that run is found', async () => {
      const key = randomUUID()
      const { body } = await server.call('GET', `/v1/jobs/${job}`)
      const subject = await dieWith(key, 'POST', `/v1/jobs/${job}/runs`, {}, (id) =>
        server.stack.engine.request({ id, jobId: body.id, why: 'manual', detail: {}, args: [] }),
      )
      expect(await startRun(key)).toMatchObject({ status: 201, body: { id: subject, number: 1 } })
      expect(await countRuns()).toBe(1)
    })

    test('over other writes leaves keys under which they are done, or found done', async () => {
      const { parts, store } = server.stack
      const actor = { name: 'me', role: 'admin', address: null }
      const collection = { name: 'made' }
      const made = randomUUID()
      await dieWith(made, 'POST', '/v1/collections', collection, (id) =>
        store.write('addCollection', { id, name: 'made', actor, at: parts.clock.now() }),
      )
      expect((await send(made, 'POST', '/v1/collections', { body: collection })).status).toBe(201)

      const wanted = { name: 'new-job' }
      const saved = randomUUID()
      await dieWith(saved, 'POST', '/v1/jobs', wanted, () => server.call('POST', '/v1/jobs', { body: wanted }))
      expect(await send(saved, 'POST', '/v1/jobs', { body: wanted })).toMatchObject({
        status: 201,
        body: { version: 1 },
      })
      const refused = randomUUID()
      await server.call('POST', '/v1/jobs', { body: { name: 'older' } })
      const { createdAt } = (await server.call('GET', '/v1/jobs/older')).body
      await eventually('the clock has gone on', () => parts.clock.now() > Date.parse(createdAt))
      await dieWith(refused, 'POST', '/v1/jobs', { name: 'older' }, async () => undefined)
      expect((await send(refused, 'POST', '/v1/jobs', { body: { name: 'older' } })).body.code).toBe('job-exists')

      const gone = randomUUID()
      await dieWith(gone, 'DELETE', '/v1/jobs/new-job', undefined, () => server.call('DELETE', '/v1/jobs/new-job'))
      expect((await send(gone, 'DELETE', '/v1/jobs/new-job')).status).toBe(204)

      const token = { name: 'lost-secret', role: 'viewer' }
      const tokenKey = randomUUID()
      const rights = { role: 'viewer', collectionId: null, expiresAt: null } as const
      const lost = await dieWith(tokenKey, 'POST', '/v1/tokens', token, (id) =>
        store.write('addToken', { id, name: 'lost-secret', hash: 'h', ...rights, actor, at: parts.clock.now() }),
      )
      const other = await send(tokenKey, 'POST', '/v1/tokens', { body: token })
      expect(other.status).toBe(201)
      expect(other.body.id).not.toBe(lost)
      const rows = await store.read('listTokens', undefined)
      expect(rows.find(({ id }) => id === lost)?.revokedAt).not.toBeNull()
    })

    test('after it went back to an earlier package leaves a key under which it does not go back further', async () => {
      const { store, parts } = server.stack
      for (const hash of ['1', '2', '3'].map((digit) => digit.repeat(64))) {
        await store.write('enterPackage', { entered: { hash, files: 1, bytes: 1, detail: {} }, at: parts.clock.now() })
        const body = { name: 'versions', kind: server.kind.name, package: hash }
        expect((await server.call('PUT', '/v1/jobs', { body })).body.package).toBe(hash)
      }
      const path = `/v1/jobs/versions/rollback?kind=${server.kind.name}`
      const key = randomUUID()
      await dieWith(key, 'POST', path, {}, () => server.call('POST', path, { body: {} }))
      const answer = await send(key, 'POST', path, { body: {} })
      expect([answer.status, answer.body.package]).toEqual([200, '2'.repeat(64)])
    })

    test('leaves its keys and answers to the one that is started after it', async () => {
      const token = server.admin
      const answered = randomUUID()
      const first = await startRun(answered)
      const held = randomUUID()
      const subject = await dieWith(held, 'POST', `/v1/jobs/${job}/runs`, {}, async () => undefined)
      await server.stop()
      server = await startTestServer({ place })
      const again = await send(answered, 'POST', `/v1/jobs/${job}/runs`, { body: {}, token })
      expect([again.headers['idempotent-replayed'], again.body]).toEqual(['true', first.body])
      expect((await send(held, 'POST', `/v1/jobs/${job}/runs`, { body: {}, token })).body.id).toBe(subject)
      expect(await countRuns()).toBe(2)
    })
  })

  test('a key that a living instance holds is left to it', async () => {
    const { parts, store, engine } = server.stack
    const at = parts.clock.now()
    const asked = { actor: 'a', name: 'k', fingerprint: 'f', at, expiresAt: at + 1000 }
    await store.write('takeKey', { ...asked, owner: engine.identity.id, subject: 's1' })
    expect(await store.write('takeKey', { ...asked, owner: 'another', subject: 's2' })).toEqual({ state: 'running' })
    expect(await store.write('takeKey', { ...asked, owner: engine.identity.id, subject: 's3' })).toMatchObject({
      state: 'resumed',
      subject: 's1',
    })
    const late = { ...asked, owner: 'another', subject: 's4', at: at + 1000, expiresAt: at + 2000 }
    expect(await store.write('takeKey', late)).toMatchObject({ state: 'new', subject: 's4' })
  })

  test('a failure of ours frees the key, and the run that was made all the same is found by it', async () => {
    await server.stop()
    let failing = true
    server = await startTestServer({
      place,
      change: (services) => ({
        ...services,
        engine: new Proxy(services.engine, {
          get(engine, name) {
            const value: unknown = Reflect.get(engine, name, engine)
            if (typeof value !== 'function') return value
            return async (...args: unknown[]) => {
              const answer: unknown = await value.apply(engine, args)
              // The answer is lost, once, after the run was made.
              if (name !== 'request' || !failing) return answer
              failing = false
              throw new JobyardError('store-unavailable')
            }
          },
        }),
      }),
    })
    const key = randomUUID()
    expect((await startRun(key)).body).toMatchObject({ status: 503, code: 'store-unavailable' })
    const { status, body } = await startRun(key)
    expect(status).toBe(201)
    const { items } = (await server.call('GET', `/v1/jobs/${job}/runs`)).body
    expect(items.map((run: { id: string }) => run.id)).toEqual([body.id])
  })
})
