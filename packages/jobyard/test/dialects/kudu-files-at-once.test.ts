import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { viewOf } from '../../src/dialects/webjobs/files/views.ts'
import { zipFolder } from '../../src/dialects/webjobs/files/zip-folder.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { createIds } from '../../src/domain/ids.ts'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import { DEFAULT_ARCHIVE_LIMITS } from '../../src/kinds/script/archive-limits.ts'
import { JobData } from '../../src/services/job-data/job-data.ts'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { DATA_OF, FILES_OF, type FilesYard, openFilesYard } from './files-yard.ts'

const JOBS = '/api/zip/site/wwwroot/App_Data/jobs/triggered/'

let yard: FilesYard

beforeAll(async () => {
  yard = await openFilesYard()
})
afterAll(() => yard.server.stop())

const unpack = (path: string, entries: Parameters<typeof makeZip>[0]) =>
  yard.send(path, { method: 'PUT', body: makeZip(entries) as unknown as string })

describe('a zip that is unpacked over what is there', () => {
  it('does not put a folder over a file, and later edits are deployed', async () => {
    await yard.zip('triggered', 'fold', { 'run.sh': 'exit 0\n', lib: 'a file\n' })
    const over = await unpack(`${JOBS}fold/`, [{ name: 'lib/', data: '' }])
    expect(over.status, over.text).toBe(400)
    expect(await yard.names(FILES_OF('fold'))).toEqual(['lib', 'run.sh'])
    expect((await yard.put(`${FILES_OF('fold')}new.txt`, 'x')).status).toBe(201)
    await eventually('the change is deployed', async () => (await yard.server.client.jobs.get('fold')).version > 1)
  })

  it('changes all of its jobs and their data, or nothing', async () => {
    await yard.zip('triggered', 'first', { 'run.sh': 'exit 0\n' })
    await yard.zip('triggered', 'second', { 'run.sh': 'exit 0\n', lib: 'a file\n' })
    const jobs = await unpack(JOBS, [
      { name: 'first/more.txt', data: 'more' },
      { name: 'second/lib/x', data: 'x' },
    ])
    expect(jobs.status, jobs.text).toBe(400)
    expect(await yard.names(FILES_OF('first'))).toEqual(['run.sh'])
    expect((await yard.put(`${DATA_OF('second')}taken`, 'a file')).status).toBe(201)
    const mixed = await unpack('/api/zip/', [
      { name: 'site/wwwroot/App_Data/jobs/triggered/first/more.txt', data: 'more' },
      { name: 'data/jobs/triggered/second/other.txt', data: 'x' },
      { name: 'data/jobs/triggered/second/taken/x', data: 'x' },
    ])
    expect(mixed.status, mixed.text).toBe(400)
    expect(await yard.names(FILES_OF('first'))).toEqual(['run.sh'])
    expect(await yard.names(DATA_OF('second'))).toEqual(['taken'])
  })
})

describe('a zip of several jobs', () => {
  it('has made them all when it is answered', async () => {
    const entries = ['one', 'two'].map((name) => ({ name: `at-once-${name}/run.sh`, data: 'exit 0\n' }))
    const put = await unpack(JOBS, [...entries, { name: 'at-once-none/readme.txt', data: 'no script' }])
    expect(put.status, put.text).toBe(200)
    const list: { name: string }[] = JSON.parse((await yard.call('/api/webjobs')).body)
    const made = list.map(({ name }) => name).filter((name) => name.startsWith('at-once-'))
    expect(made.toSorted()).toEqual(['at-once-one', 'at-once-two'])
  })
})

describe('a zip of a folder', () => {
  it('leaves out what a job gave a name that no zip can have', async () => {
    await yard.script(
      'triggered',
      'names',
      'cd "$WEBJOBS_DATA_PATH"; echo a > ok.txt; echo b > C:x; echo c > "a\\\\b"; mkdir "..\\\\"\n',
    )
    await yard.runToEnd('names')
    for (const path of ['/api/zip/data/jobs/triggered/names/', '/api/zip/data/']) {
      const { status, bytes } = await yard.send(path)
      expect(status).toBe(200)
      expect(bytes.includes('ok.txt')).toBe(true)
      expect(bytes.includes('C:x')).toBe(false)
    }
  })

  it('does so whoever lists them', async () => {
    const times = { modifiedAt: 1, createdAt: 1 }
    const file = (name: string) =>
      ({ type: 'file', name, bytes: 1, tag: '', ...times, open: async () => new Blob(['x']).stream() }) as const
    const names = ['C:x', 'a\\..\\..\\b', 'a\\b', '..', 'fine']
    const folder = viewOf('top', times, () => [viewOf('D:', times, () => []), ...names.map(file)])
    const at = await mkdtemp(join(tmpdir(), 'jobyard-zip-'))
    await writeFile(join(at, 'all.zip'), await zipFolder(folder))
    const unpacked = await unpackArchive(join(at, 'all.zip'), join(at, 'all'), {
      limits: DEFAULT_ARCHIVE_LIMITS,
      now: 1,
    })
    expect(unpacked.files.map(({ path }) => path)).toEqual(['fine'])
    expect(unpacked.folders).toEqual([])
    await rm(at, { recursive: true })
  })
})

describe('a file of data', () => {
  it('is told of and read as one, though the job puts another in its place', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobyard-data-'))
    const own = { name: 'me', uid: -1, gid: -1, own: true }
    const lasting = { folder, user: own, ensure: async () => undefined, discard: async () => undefined }
    const data = new JobData(lasting, createIds(systemClock), 1000, async () => undefined)
    await data.open()
    await mkdir(join(folder, 'job', 'data'), { recursive: true })
    const at = (name: string) => join(folder, 'job', 'data', name)
    await writeFile(at('file'), 'the old one')
    {
      await using held = await data.hold('job', ['file'])
      await writeFile(at('next'), 'another, and longer')
      await rename(at('next'), at('file'))
      const { bytes } = held.file
      expect(await new Response(await held.read({ from: 0, to: bytes })).text()).toBe('the old one')
      expect((await data.look('job', ['file']))?.type).toBe('file')
      expect(await data.look('job', ['file'])).not.toMatchObject({ tag: held.file.tag })
    }
    await rm(folder, { recursive: true })
  })
})

describe('changed files that cannot become a package', () => {
  it('are told of by a warning on the job', async () => {
    await yard.script('triggered', 'warned', 'exit 0\n')
    const warnings = async () => (await yard.server.client.jobs.get('warned')).warnings.map(({ code }) => code)
    expect(await warnings()).toEqual([])
    const [script = ''] = await yard.names(FILES_OF('warned'))
    const gone = await yard.send(`${FILES_OF('warned')}${script}`, { method: 'DELETE', headers: { 'if-match': '*' } })
    expect(gone.status).toBe(200)
    await eventually('it is told', async () => (await warnings()).includes('files-not-deployed'))
    await yard.put(`${FILES_OF('warned')}run.sh`, 'exit 0\n# again\n')
    await eventually('it is told no more', async () => (await warnings()).length === 0)
  })
})
