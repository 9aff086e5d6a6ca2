import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { DATA_OF, FILES_OF, type FilesYard, openFilesYard } from './files-yard.ts'
import { type Asked, golden } from './golden-files.ts'
import { basicOf } from './webjobs-yard.ts'

const NOTES = '/vfs/data/jobs/triggered/files/notes.txt'
const ANY = { 'if-match': '*' }

let yard: FilesYard

beforeAll(async () => {
  yard = await openFilesYard()
  await yard.zip('triggered', 'files', {
    'run.js': '1+1',
    'page.html': '<hr>',
    'lib/a.txt': 'a',
    'settings.job': '{"mine": true}',
  })
  await yard.put(`${DATA_OF('files')}notes.txt`, '0123456789')
})

afterAll(async () => {
  await yard.server.stop()
})

async function expectGolden(name: string, path: string, asked?: Asked): Promise<void> {
  expect(await yard.raw(path, asked), path).toBe(await golden(name))
}

async function tagOf(path: string): Promise<string> {
  return String((await yard.send(path)).headers.etag)
}

describe('what Kudu answers to requests for files, byte for byte', () => {
  it('lists folders', async () => {
    await expectGolden('kudu-vfs-root', '/api/vfs/')
    await expectGolden('kudu-vfs-empty', '/api/vfs/LogFiles/')
    await expectGolden('kudu-vfs-files-of-job', FILES_OF('files'))
    await yard.put(`${DATA_OF('files')}a%20b%23%25.json`, '{}')
    await expectGolden('kudu-vfs-data', '/vfs/data/jobs/triggered/files/?x=1')
    await yard.send(`${DATA_OF('files')}a%20b%23%25.json`, { method: 'DELETE', headers: ANY })
  })

  it('sends callers to the address that goes with what is there', async () => {
    for (const method of ['GET', 'HEAD']) {
      await expectGolden('kudu-vfs-root-redirect', '/api/vfs', { method })
      await expectGolden('kudu-vfs-folder-redirect', '/vfs/site/wwwroot?api-version=1', { method })
      await expectGolden('kudu-vfs-file-redirect', `${NOTES}/`, { method })
    }
    await expectGolden('kudu-vfs-file-redirect', `${NOTES}/`, { method: 'DELETE', headers: ANY })
    await expectGolden('kudu-zip-folder-redirect', '/zip/data')
  })

  it('gives files, whole and in parts', async () => {
    await expectGolden('kudu-vfs-file', NOTES)
    await expectGolden('kudu-vfs-file-head', NOTES, { method: 'HEAD' })
    await expectGolden('kudu-vfs-file-part', NOTES, { headers: { range: 'bytes=2-5' } })
    await expectGolden('kudu-vfs-file-end', NOTES, { headers: { range: 'bytes=-3' } })
    await expectGolden('kudu-vfs-file-end', NOTES, { headers: { range: 'bytes=7-100' } })
    await expectGolden('kudu-vfs-range-outside', NOTES, { headers: { range: 'bytes=10-' } })
    const etag = await tagOf(NOTES)
    await expectGolden('kudu-vfs-file-part', NOTES, { headers: { range: 'bytes=2-5', 'if-range': etag } })
    await expectGolden('kudu-vfs-file', NOTES, { headers: { range: 'bytes=2-5', 'if-range': '"other"' } })
    await expectGolden('kudu-vfs-file', NOTES, { headers: { range: 'lines=2-5' } })
    await expectGolden('kudu-vfs-file', NOTES, { headers: { range: 'bytes=1-2,4-5' } })
    await expectGolden('kudu-vfs-file', NOTES, { headers: { range: 'bytes=5-2' } })
    await expectGolden('kudu-vfs-not-modified', NOTES, { headers: { 'if-none-match': etag } })
    await expectGolden('kudu-vfs-not-modified', NOTES, { headers: { 'if-none-match': `"x", ${etag}` } })
    await expectGolden('kudu-vfs-file', NOTES, { headers: { 'if-none-match': '"other"' } })
    // A range goes first.
    const both = { 'if-none-match': etag, range: 'bytes=2-5' }
    await expectGolden('kudu-vfs-file-part', NOTES, { headers: both })
  })

  it('says that something is not there', async () => {
    for (const path of ['/api/vfs/data/jobs/triggered/none/x', '/vfs/data/jobs/triggered/none/x/']) {
      await expectGolden('kudu-vfs-absent', path)
      await expectGolden('kudu-vfs-absent', path, { method: 'DELETE', headers: ANY })
    }
  })

  it.each([DATA_OF('files'), FILES_OF('files')])('writes files below %s', async (folder) => {
    const path = `${folder}new/er/file.txt`
    await expectGolden('kudu-vfs-created', path, { method: 'PUT', body: 'one' })
    const etag = await tagOf(path)
    await expectGolden('kudu-vfs-no-if-match', path, { method: 'PUT', body: 'two' })
    await expectGolden('kudu-vfs-other-tag', path, { method: 'PUT', body: 'two', headers: { 'if-match': '"other"' } })
    await expectGolden('kudu-vfs-other-tag', path, { method: 'PUT', body: 'two', headers: { 'if-match': `W/${etag}` } })
    expect((await yard.send(path)).text).toBe('one')
    await expectGolden('kudu-vfs-written', path, { method: 'PUT', body: 'two', headers: { 'if-match': etag } })
    await expectGolden('kudu-vfs-other-tag', path, { method: 'PUT', body: '3', headers: { 'if-match': etag } })
    expect(await tagOf(path)).not.toBe(etag)
    await expectGolden('kudu-vfs-written', path, { method: 'PUT', body: '', headers: ANY })
    expect(await yard.send(path)).toMatchObject({ status: 200, text: '', headers: { 'content-length': '0' } })
    await expectGolden('kudu-vfs-no-if-match', path, { method: 'DELETE' })
    await expectGolden('kudu-vfs-other-tag', path, { method: 'DELETE', headers: { 'if-match': etag } })
    await expectGolden('kudu-vfs-deleted', path, { method: 'DELETE', headers: ANY })
    expect((await yard.send(path)).status).toBe(404)
    await expectGolden('kudu-vfs-folder-not-empty', `${folder}new/`, { method: 'DELETE' })
    await expectGolden('kudu-vfs-folder-not-empty', `${folder}new?recursive=false`, { method: 'DELETE' })
    await expectGolden('kudu-vfs-deleted', `${folder}new/?Recursive=True`, { method: 'DELETE' })
    expect((await yard.send(`${folder}new/`)).status).toBe(404)
  })

  it.each([DATA_OF('files'), FILES_OF('files')])('makes folders below %s', async (folder) => {
    await expectGolden('kudu-vfs-folder-made', `${folder}made/`, { method: 'PUT' })
    await expectGolden('kudu-vfs-folder-there', `${folder}made/`, { method: 'PUT' })
    await expectGolden('kudu-vfs-folder-there', `${folder}made`, { method: 'PUT', body: 'x' })
    await expectGolden('kudu-vfs-empty', `${folder}made/`)
    await expectGolden('kudu-vfs-deleted', `${folder}made/`, { method: 'DELETE' })
  })

  it('keeps to the folders of jobs', async () => {
    await expectGolden('kudu-vfs-outside', '/api/vfs/site/wwwroot/index.html', { method: 'PUT', body: 'x' })
    for (const path of ['/api/vfs/', '/api/vfs/site/', '/api/vfs/data/jobs/triggered/', DATA_OF('files')]) {
      await expectGolden('kudu-vfs-folder-there', path, { method: 'PUT', body: 'x' })
      await expectGolden('kudu-vfs-folder-not-empty', `${path}?recursive=true`, { method: 'DELETE' })
    }
    expect((await yard.send(DATA_OF('files'))).status).toBe(200)
  })

  it('refuses what is no path and no method', async () => {
    // Asked for as it stands: clients put such paths in order before they send them.
    const answer = await yard.send('/api/vfs/data/../x')
    const [head, body] = (await golden('kudu-vfs-bad-path')).split('\n\n')
    expect(`HTTP/1.1 ${answer.status} Bad Request\ncontent-type: ${answer.headers['content-type']}`).toBe(head)
    expect(answer.text).toBe(body)
    for (const method of ['POST', 'PATCH', 'OPTIONS']) {
      await expectGolden('kudu-vfs-unknown-method', '/api/vfs/data/', { method })
    }
  })

  it('lets a viewer see what jobs keep, and the names of their files', async () => {
    const { token } = await yard.server.client.tokens.create({ name: 'looker', role: 'viewer' })
    const headers = { authorization: basicOf(token) }
    await expectGolden('kudu-vfs-file', NOTES, { headers })
    await expectGolden('kudu-vfs-files-of-job', FILES_OF('files'), { headers })
    await expectGolden('kudu-vfs-forbidden', `${FILES_OF('files')}run.js`, { headers })
    await expectGolden('kudu-vfs-forbidden', '/api/zip/site/', { headers })
    await expectGolden('kudu-vfs-forbidden', NOTES, { method: 'PUT', headers, body: 'x' })
    await expectGolden('kudu-vfs-forbidden', NOTES, { method: 'DELETE', headers: { ...headers, ...ANY } })
    await expectGolden('kudu-zip-head', '/zip/data/jobs/triggered/files/', { method: 'HEAD', headers })
  })

  it('gives and takes zips', async () => {
    const folder = '/api/zip/data/jobs/triggered/files/'
    await expectGolden('kudu-zip-head', folder, { method: 'HEAD' })
    await expectGolden('kudu-zip-named', `${folder}?fileName=my-own.zip`, { method: 'HEAD' })
    await expectGolden('kudu-zip-of-file', `${folder}notes.txt`)
    await expectGolden('kudu-zip-absent', '/zip/data/none')
    await expectGolden('kudu-zip-of-file', `${folder}new`, { method: 'PUT', body: 'x' })
    const zip = makeZip([{ name: 'unpacked.txt', data: 'x' }])
    await expectGolden('kudu-zip-unpacked', folder, { method: 'PUT', body: zip })
    await expectGolden('kudu-zip-broken', folder, { method: 'PUT', body: 'this is no zip archive at all' })
    const outside = makeZip([{ name: 'index.html', data: 'x' }])
    await expectGolden('kudu-zip-outside', '/zip/site/wwwroot/', { method: 'PUT', body: outside })
    const unsafe = makeZip([{ name: '../out.sh', data: 'x' }])
    await expectGolden('kudu-zip-unsafe', folder, { method: 'PUT', body: unsafe })
    const headers = { 'content-type': 'application/json' }
    await expectGolden('kudu-zip-elsewhere', folder, {
      method: 'PUT',
      headers,
      body: '{"packageUri":"https://x/y.zip"}',
    })
    await yard.send(`${DATA_OF('files')}unpacked.txt`, { method: 'DELETE', headers: ANY })
  })

  it('keeps a page that a job wrote from doing anything in a browser', async () => {
    await yard.put(`${DATA_OF('files')}evil.html`, '<script>alert(1)</script>')
    const { headers } = await yard.send(`${DATA_OF('files')}evil.html`)
    expect(headers).toMatchObject({ 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' })
    await yard.send(`${DATA_OF('files')}evil.html`, { method: 'DELETE', headers: ANY })
  })
})
