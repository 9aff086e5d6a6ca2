import { afterAll, beforeAll, expect, test } from 'vitest'
import { basicOf, openWebJobsYard, type WebJobsYard } from '../dialects/webjobs-yard.ts'

let yard: WebJobsYard
/** Tokens with the role deployer. */
const tokens: Record<string, string> = {}

beforeAll(async () => {
  yard = await openWebJobsYard()
  for (const collection of ['shop', 'bank']) {
    await call('POST', '/v1/collections', yard.server.token, { name: collection })
    const made = await call('POST', '/v1/tokens', yard.server.token, { name: collection, role: 'deployer', collection })
    tokens[collection] = made.body.token
  }
})
afterAll(() => yard.server.stop())

async function call(method: string, path: string, token: string | undefined, body?: unknown) {
  const isText = typeof body === 'string'
  const answer = await fetch(`${yard.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': isText ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = (answer.headers.get('content-type') ?? '').includes('json')
  return { status: answer.status, text, body: isJson ? JSON.parse(text) : undefined }
}

const upload = async (token: string | undefined, text: string): Promise<string> =>
  (await call('POST', '/v1/packages?filename=run.sh', token, text)).body.hash

/** The statuses of all that shows a package. */
const looks = async (token: string | undefined, hash: string) =>
  await Promise.all(
    ['', '/files', '/files/run.sh'].map(
      async (rest) => (await call('GET', `/v1/packages/${hash}${rest}`, token)).status,
    ),
  )

test('a token of one collection sees packages that came by it, and those of jobs there, and no others', async () => {
  const { shop, bank } = tokens
  const own = await upload(shop, 'echo of the shop\n')
  expect(await looks(shop, own)).toEqual([200, 200, 200])
  expect(await looks(bank, own)).toEqual([404, 404, 404])
  expect(await looks(yard.server.token, own)).toEqual([200, 200, 200])
  const whole = await upload(yard.server.token, 'echo of nobody\n')
  expect(await looks(shop, whole)).toEqual([404, 404, 404])
  await call('POST', '/v1/jobs', yard.server.token, { name: 'given', collection: 'shop', package: whole })
  expect([await looks(shop, whole), await looks(bank, whole)]).toEqual([
    [200, 200, 200],
    [404, 404, 404],
  ])
  // An earlier package of a job can be gone back to, so it can be seen.
  await call('PATCH', '/v1/jobs/given', shop, { package: own })
  expect(await looks(shop, whole)).toEqual([200, 200, 200])
  // The same bytes are the same package, and who has them may have them.
  expect(await upload(bank, 'echo of the shop\n')).toBe(own)
  expect(await looks(bank, own)).toEqual([200, 200, 200])
})

test('no job can be made of a package of another collection, or be given it', async () => {
  const { shop, bank } = tokens
  const foreign = await upload(bank, 'echo secret of the bank\n')
  const unknown = { status: 404, body: { code: 'package-unknown', field: 'package' } }
  const nothing = await call('POST', '/v1/jobs', shop, { name: 'thief', package: 'f'.repeat(64) })
  expect(nothing).toMatchObject(unknown)
  const taken = await call('POST', '/v1/jobs', shop, { name: 'thief', package: foreign })
  expect(taken).toMatchObject(unknown)
  expect(taken.body.detail).toBe(nothing.body.detail)
  expect(await call('PUT', '/v1/jobs', shop, { name: 'thief', package: foreign })).toMatchObject(unknown)
  await call('POST', '/v1/jobs', shop, { name: 'honest', package: await upload(shop, 'echo honest\n') })
  expect(await call('PATCH', '/v1/jobs/honest', shop, { package: foreign })).toMatchObject(unknown)
  expect(await call('POST', '/v1/jobs/honest/rollback', shop, { package: foreign })).toMatchObject({ status: 404 })
})

test('files and zips of another site are not to be had by any name of the site', async () => {
  const { shop, bank } = tokens
  const hash = await upload(bank, 'echo safe\n')
  expect((await call('POST', '/v1/jobs', bank, { name: 'vault', package: hash })).status).toBe(201)
  const ask = async (token: string | undefined, path: string, host: string) =>
    (await yard.call(path, { headers: { authorization: basicOf(token ?? ''), host } })).status
  const top = 'site/wwwroot/App_Data/jobs/triggered/'
  const paths = [`/vfs/${top}vault/run.sh`, `/api/vfs/${top}vault/`, `/api/zip/${top}vault/`]
  for (const path of paths) {
    expect(await ask(bank, path, 'bank.scm.example'), path).toBe(200)
    for (const host of ['bank.scm.example', 'shop.scm.example', 'default.example', 'elsewhere']) {
      expect([401, 403, 404], `${path} as ${host}`).toContain(await ask(shop, path, host))
    }
  }
})
