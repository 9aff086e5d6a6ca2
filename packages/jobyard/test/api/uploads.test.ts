import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { startTestServer, type TestServer } from './server.ts'

const LIMIT = 256 * 1024
const SCRIPT = '#!/bin/sh\necho hello\n'

let server: TestServer
let url: string

beforeAll(async () => {
  server = await startTestServer({ settings: { uploadBytes: LIMIT } })
  url = await server.listen()
})
afterAll(() => server.stop())

const upload = (body: string | Uint8Array, query = '', headers: Record<string, string> = {}) =>
  server.call('POST', `/v1/packages${query}`, {
    body,
    headers: { 'content-type': 'application/octet-stream', ...headers },
  })

describe('an upload', () => {
  test('of a zip is a package, shown with its script, files and warnings', async () => {
    const zip = makeZip([
      { name: 'run.sh', data: SCRIPT, mode: 0o100755 },
      { name: 'lib/data.txt', data: 'data' },
      { name: 'settings.job', data: '{"schedule": "0 0 3 * * *", "is_singleton": "yes"}' },
    ])
    const { status, body } = await upload(zip, '', { 'content-type': 'application/zip' })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      files: 3,
      script: { file: 'run.sh', directory: '', host: 'bash' },
      settings: { schedule: '0 0 3 * * *', is_singleton: 'yes' },
      disabled: false,
    })
    expect(body.warnings).toMatchObject([{ code: 'settings-ignored', field: 'is_singleton' }])
    expect((await server.call('GET', `/v1/packages/${body.hash}`)).body).toEqual(body)
    const files = await server.call('GET', `/v1/packages/${body.hash}/files`)
    expect(files.body.items).toEqual([
      { path: 'lib/data.txt', bytes: 4, executable: false },
      { path: 'run.sh', bytes: SCRIPT.length, executable: true },
      { path: 'settings.job', bytes: 50, executable: false },
    ])
    const file = await server.call('GET', `/v1/packages/${body.hash}/files/lib/data.txt`)
    expect(file).toMatchObject({ status: 200, text: 'data' })
    expect(file.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '4',
      'content-disposition': "attachment; filename*=UTF-8''data.txt",
    })
    for (const path of ['nothing.sh', 'lib', '..%2f..%2fmanifest.json', 'lib%2F..%2Frun.sh']) {
      const missing = await server.call('GET', `/v1/packages/${body.hash}/files/${path}`)
      expect(missing.status, path).toBe(404)
    }
    expect(await server.uploads()).toEqual([])
  })

  test('of a single script takes its name from the query or the head', async () => {
    const named = async (query: string, disposition?: string) =>
      (await upload(SCRIPT, query, disposition === undefined ? {} : { 'content-disposition': disposition })).body.script
        ?.file
    expect(await named('?filename=go.sh')).toBe('go.sh')
    expect(await named('', 'attachment; filename="it is.sh"')).toBe('it is.sh')
    expect(await named('', 'attachment; filename=plain.sh')).toBe('plain.sh')
    expect(await named('', 'form-data; name="x; filename=evil.sh"; filename=good.sh')).toBe('good.sh')
    const sent = Buffer.from('attachment; filename="grüße.sh"').toString('latin1')
    expect(await named('', sent)).toBe('grüße.sh')
    expect(await named('', "attachment; filename=x.sh; filename*=UTF-8''gr%C3%BC%C3%9Fe.sh")).toBe('grüße.sh')
    const bad = await upload(SCRIPT, '', { 'content-disposition': "attachment; filename*=UTF-8''%FF.sh" })
    expect(bad.body).toMatchObject({ status: 400, field: 'Content-Disposition' })
  })

  test('that is no archive, holds no script, or could leave its folder is refused, and nothing stays of it', async () => {
    const cases = [
      [await upload('no zip at all'), 400, 'archive-broken'],
      [await upload(makeZip([{ name: 'a.txt', data: 'x' }])), 400, 'script-missing'],
      [await upload(makeZip([{ name: '../run.sh', data: SCRIPT }])), 400, 'archive-unsafe'],
      [await upload(makeZip([{ name: 'run.sh', data: 'x', crc: 1 }])), 400, 'archive-broken'],
      [await upload(SCRIPT, '?filename=run.exe'), 400, 'script-unsupported'],
      [await upload(SCRIPT, '?filename=a%2Fb.sh'), 400, 'archive-unsafe'],
      [await server.call('POST', '/v1/packages'), 400, 'input-invalid'],
    ] as const
    for (const [{ body }, status, code] of cases)
      expect(body).toMatchObject({ status, code, field: expect.any(String) })
    expect(await server.uploads()).toEqual([])
  })

  test('that a zip bomb is does not pass', async () => {
    const { body } = await upload(makeZip([{ name: 'run.sh', data: Buffer.alloc(20 * 1024 * 1024) }]))
    expect(body).toMatchObject({ status: 413, code: 'archive-too-large' })
  })

  test('that says it is too large is refused before it comes', async () => {
    const { body } = await upload(Buffer.alloc(LIMIT + 1))
    expect(body).toMatchObject({ status: 413, code: 'body-too-large', data: { limit: LIMIT } })
    expect(body.detail).toContain('256KB')
  })

  test('that grows too large is refused so that its sender can read why', async () => {
    const sent = begin()
    const piece = Buffer.alloc(64 * 1024)
    for (let i = 0; i < 20; i++) if (!sent.write(piece)) await once(sent, 'drain')
    sent.end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const text = await readAll(answer)
    expect(JSON.parse(text)).toMatchObject({ status: 413, code: 'body-too-large' })
    expect(await server.uploads()).toEqual([])
  })

  test('that is broken off leaves nothing behind', async () => {
    const sent = begin()
    sent.write(SCRIPT)
    await eventually('it lies there', async () => (await server.uploads()).length === 1)
    sent.destroy()
    await eventually('it is gone', async () => (await server.uploads()).length === 0)
  })

  test('that a reader may not send is refused before it is read', async () => {
    const { status } = await server.call('POST', '/v1/packages', {
      body: SCRIPT,
      token: await server.token('operator'),
    })
    expect(status).toBe(403)
  })

  test('with an Idempotency-Key is taken in once; with other contents it is refused', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const first = await upload(SCRIPT, '?filename=once.sh', key)
    const again = await upload(SCRIPT, '?filename=once.sh', key)
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([201, first.body, 'true'])
    expect((await upload(`${SCRIPT}#`, '?filename=once.sh', key)).body).toMatchObject({
      status: 422,
      code: 'key-reused',
    })
    expect(await server.uploads()).toEqual([])
  })
})

describe('a job with packages', () => {
  const deploy = async (text: string) => (await upload(`${SCRIPT}# ${text}\n`, '?filename=run.sh')).body.hash
  const put = (hash: string) => server.call('PUT', '/v1/jobs', { body: { name: 'deployed', package: hash } })
  const rollback = (body: object = {}) => server.call('POST', '/v1/jobs/deployed/rollback', { body })

  test('is deployed, and goes back to the package before, or to one that is named', async () => {
    const [one, two, three] = [await deploy('1'), await deploy('2'), await deploy('3')]
    for (const hash of [one, two, three, three]) expect((await put(hash)).body.package).toBe(hash)
    expect((await rollback({ steps: 3 })).body).toMatchObject({
      status: 404,
      code: 'package-unknown',
      field: 'steps',
      detail: 'The job deployed has only 2 earlier packages.',
    })
    expect((await rollback()).body.package).toBe(two)
    expect((await rollback()).body.package).toBe(one)
    expect((await rollback()).body).toMatchObject({ status: 404, detail: 'The job deployed has no earlier package.' })
    const { items } = (await server.call('GET', '/v1/jobs/deployed/packages')).body
    expect(items.map(({ hash, source, current }: Record<string, unknown>) => [hash, source, current])).toEqual([
      [three, 'upload', false],
      [two, 'upload', false],
      [one, 'upload', true],
    ])
    const never = createHash('sha256').update('x').digest('hex')
    expect((await rollback({ package: never })).body).toMatchObject({
      status: 404,
      code: 'package-unknown',
      field: 'package',
    })
    expect((await rollback({ package: three })).body.package).toBe(three)
    expect((await rollback({ steps: 2 })).body.package).toBe(one)
    const { items: changes } = (await server.call('GET', '/v1/audit?limit=20')).body
    const rollbacks = changes.filter(({ action }: Record<string, unknown>) => action === 'job.rollback')
    expect(rollbacks).toHaveLength(4)
  })
})

function begin(): ClientRequest {
  const sent = request(`${url}/v1/packages?filename=run.sh`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${server.admin}`, 'transfer-encoding': 'chunked' },
  })
  sent.on('error', () => undefined)
  return sent
}

async function readAll(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) text += chunk
  return text
}
