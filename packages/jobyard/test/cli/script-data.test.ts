import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
  await writeFile(join(server.folder, 'run.sh'), 'exit 0\n')
  const uploaded = await server.client.packages.upload(Buffer.from('exit 0\n'), 'run.sh')
  await server.client.jobs.create({ name: 'report', type: 'triggered', package: uploaded.hash })
})
afterAll(() => server.stop())

const data = (argv: readonly string[], more: Parameters<typeof command>[1] = {}) =>
  command(['script', 'data', ...argv], { env: server.env, folder: server.folder, ...more })

describe('jobyard script data', () => {
  test('puts, lists, fetches and takes away', async () => {
    expect(await data(['ls', 'report'])).toMatchObject({ exit: 0, out: '', err: 'The folder is empty.\n' })
    await writeFile(join(server.folder, 'in.csv'), 'a,b\n')
    expect(await data(['put', 'report', 'year/in.csv', '--from', 'in.csv'])).toMatchObject({
      exit: 0,
      out: 'year/in.csv has 4 bytes in the data of report.\n',
    })
    expect((await data(['ls', 'report'])).out).toMatch(/^NAME +BYTES +CHANGED\nyear\/ /)
    expect(JSON.parse((await data(['ls', 'report', 'year', '--json'])).out)).toMatchObject([
      { name: 'in.csv', type: 'file', bytes: 4 },
    ])
    expect((await data(['get', 'report', 'year/in.csv', '--out', 'out.csv'])).exit).toBe(0)
    expect(await readFile(join(server.folder, 'out.csv'), 'utf8')).toBe('a,b\n')
    expect((await data(['get', 'report', 'year/in.csv', '--out', '-'])).out).toBe('a,b\n')
    expect(await data(['rm', 'report', 'year'])).toMatchObject({ exit: 3, err: expect.stringContaining('not empty') })
    expect((await data(['rm', 'report', 'year', '--recursive'])).out).toBe('year is gone from the data of report.\n')
    expect(await server.client.data.list('report')).toEqual([])
  })

  test('says what is not there, and leaves nothing behind', async () => {
    const missing = await data(['get', 'report', 'none.txt'])
    expect(missing).toMatchObject({ exit: 4, err: expect.stringContaining('There is no "none.txt"') })
    expect((await data(['put', 'report', 'x', '--from', 'none.txt'])).exit).toBe(2)
    expect((await data(['put', 'report', '../x', '--from', 'run.sh'])).exit).toBe(2)
    expect((await data(['ls', 'none'])).exit).toBe(4)
  })
})

describe('the data of jobs at /v1', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/v1/jobs/report/data/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.token}`, ...init.headers },
    })

  test('goes by tags and ranges', async () => {
    const made = await ask('a.txt', { method: 'PUT', body: '0123456789' })
    expect(made.status).toBe(201)
    const etag = String(made.headers.get('etag'))
    expect(await made.json()).toMatchObject({ name: 'a.txt', type: 'file', bytes: 10, tag: etag.slice(1, -1) })
    expect((await ask('a.txt', { headers: { 'if-none-match': etag } })).status).toBe(304)
    const part = await ask('a.txt', { headers: { range: 'bytes=3-4' } })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '34', 'bytes 3-4/10'])
    const beyond = await ask('a.txt', { headers: { range: 'bytes=10-' } })
    expect([beyond.status, await beyond.json()]).toMatchObject([416, { code: 'range-invalid' }])
    const other = await ask('a.txt', { method: 'PUT', body: 'x', headers: { 'if-match': '"other"' } })
    expect([other.status, await other.json()]).toMatchObject([412, { code: 'data-changed' }])
    const absent = await ask('b.txt', { method: 'PUT', body: 'x', headers: { 'if-match': '*' } })
    expect(absent.status).toBe(412)
    expect((await ask('a.txt', { method: 'PUT', body: '', headers: { 'if-match': etag } })).status).toBe(200)
    expect((await ask('a.txt', { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412)
    expect((await ask('a.txt', { method: 'DELETE' })).status).toBe(204)
    expect((await ask('a.txt', { method: 'DELETE' })).status).toBe(404)
  })

  test('is on record', async () => {
    await ask('d/noted.txt', { method: 'PUT', body: 'x' })
    await ask('d/noted.txt', { method: 'DELETE' })
    const entries = await server.client.audit.list({ target: (await server.client.jobs.get('report')).id }).take()
    expect(entries.slice(0, 2)).toMatchObject([
      { action: 'data.delete', detail: { path: 'd/noted.txt' } },
      { action: 'data.put', detail: { path: 'd/noted.txt' } },
    ])
  })
})
