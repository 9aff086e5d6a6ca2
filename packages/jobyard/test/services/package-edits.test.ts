import { createHash } from 'node:crypto'
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createServiceContext } from '../../src/services/context.ts'
import { PackageEdits } from '../../src/services/package-edits/package-edits.ts'
import type { ApiServices } from '../../src/services/services.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACTOR } from '../support/stack.ts'

const NAME = 'edited'

let server: TestServer
let folder: string
let clock: ManualClock
let services: ApiServices
let edits: PackageEdits

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(server.folder, 'edits-'))
  clock = new ManualClock(server.services.clock.now())
  services = { ...server.services, clock, settings: { ...server.services.settings, dataFolder: folder } }
  edits = await open()
})
afterEach(async () => {
  await edits.stop()
  const [job] = await jobs()
  if (job !== undefined) await server.stack.engine.deleteJob(job.id, job.name, ACTOR)
  await rm(folder, { recursive: true })
})

/** Another server on the same folder: the one before it is as good as dead. */
async function open(parts: ApiServices = services): Promise<PackageEdits> {
  const { webhooks, directory } = createServiceContext(parts, new AbortController().signal)
  const opened = new PackageEdits({ services: parts, webhooks, directory })
  await opened.open()
  return opened
}

const address = () => ({ collectionId: server.stack.collectionId, type: 'test', name: NAME })
const jobs = () => server.stack.store.read('findJobs', { ...address(), kind: 'script' })

async function put(path: string, text: string, on = edits): Promise<boolean> {
  const from = join(folder, `upload-${Math.trunc(performance.now() * 1000)}`)
  await writeFile(from, text)
  const sha256 = createHash('sha256').update(text).digest('hex')
  const { isNew } = await on.put(address(), [{ path, from, bytes: Buffer.byteLength(text), sha256 }], [], ACTOR)
  return isNew
}

const remove = (path: string, recursive = false) => edits.remove(address(), path, { recursive }, ACTOR)

/** The files as they are to be, with their contents. */
async function files(on = edits): Promise<Record<string, string>> {
  const found = await on.tree(address())
  const parts = found === null || found.tree.isGone ? [] : found.tree.parts().files
  const read = parts.map(async ({ path, from }) => [path, await readFile(String(from), 'utf8')] as const)
  return Object.fromEntries((await Promise.all(read)).toSorted())
}

/** The files of the job's package. */
async function deployed(): Promise<Record<string, string>> {
  const [job] = await jobs()
  const hash = job?.packageHash ?? null
  if (hash === null) return {}
  const { files: listed } = await services.packages.tree(hash)
  const read = listed.map(
    async ({ path }) => [path, await readFile(services.packages.pathOf(hash, path), 'utf8')] as const,
  )
  return Object.fromEntries(await Promise.all(read))
}

async function deployments(): Promise<number> {
  const [job] = await jobs()
  return job === undefined ? 0 : (await server.stack.store.read('listDeployments', { jobId: job.id })).length
}

const untilDeployed = (wanted: Record<string, string>) =>
  eventually('the package is there', async () => JSON.stringify(await deployed()) === JSON.stringify(wanted))

/** Lets so much time pass, and whatever falls due come to its end. */
async function pass(milliseconds: number): Promise<void> {
  clock.advance(milliseconds)
  await edits.newJobs('', '')
}

async function settled(): Promise<void> {
  await pass(2000)
  await eventually('nothing is left to be done', async () => {
    const left = await readdir(join(folder, 'drafts')).catch(() => [])
    return left.length === 0
  })
}

describe("changes of a job's files", () => {
  it('become a package two seconds after the last of them', async () => {
    expect(await put('run.sh', 'echo one')).toBe(true)
    expect(await files()).toEqual({ 'run.sh': 'echo one' })
    await pass(1999)
    await put('lib/a.sh', 'a')
    await pass(1999)
    expect(await jobs()).toEqual([])
    await settled()
    expect(await deployed()).toEqual({ 'lib/a.sh': 'a', 'run.sh': 'echo one' })
    expect(await put('run.sh', 'echo two')).toBe(false)
    await remove('lib', true)
    expect(await files()).toEqual({ 'run.sh': 'echo two' })
    expect(await deployments()).toBe(1)
    await settled()
    expect(await deployed()).toEqual({ 'run.sh': 'echo two' })
    expect(await deployments()).toBe(2)
  })

  it('wait until there is something to run', async () => {
    await put('lib.txt', 'x')
    await pass(10_000)
    expect(await files()).toEqual({ 'lib.txt': 'x' })
    expect(await edits.newJobs(server.stack.collectionId, 'test')).toEqual([NAME])
    expect(await jobs()).toEqual([])
    await put('run.sh', 'exit 0')
    await settled()
    expect(await deployed()).toEqual({ 'lib.txt': 'x', 'run.sh': 'exit 0' })
    // Without its script the job goes on with the package that it has.
    await remove('run.sh')
    await pass(10_000)
    await edits.settle(address())
    expect(await deployed()).toEqual({ 'lib.txt': 'x', 'run.sh': 'exit 0' })
    await put('run.py', 'pass')
    await settled()
    expect(await deployed()).toEqual({ 'lib.txt': 'x', 'run.py': 'pass' })
  })

  it('can be made a package at once', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    expect(await deployed()).toEqual({ 'run.sh': 'exit 0' })
  })

  it('are found again after a crash, but for what was being written', async () => {
    await put('run.sh', 'exit 1')
    await put('a.txt', 'a')
    const [draft = ''] = await readdir(join(folder, 'drafts'))
    await appendFile(join(folder, 'drafts', draft, 'journal.jsonl'), '{"op":"remove","path":"run.s')
    edits = await open()
    expect(await files()).toEqual({ 'a.txt': 'a', 'run.sh': 'exit 1' })
    await settled()
    expect(await deployed()).toEqual({ 'a.txt': 'a', 'run.sh': 'exit 1' })
  })

  it('are not made twice when the server dies behind the save', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    await put('run.sh', 'exit 1')
    const before = await readdir(join(folder, 'drafts'))
    await cp(join(folder, 'drafts'), join(folder, 'kept'), { recursive: true })
    await settled()
    await cp(join(folder, 'kept'), join(folder, 'drafts'), { recursive: true })
    expect(await readdir(join(folder, 'drafts'))).toEqual(before)
    edits = await open()
    await settled()
    expect(await deployed()).toEqual({ 'run.sh': 'exit 1' })
    expect(await deployments()).toBe(2)
  })

  it('give way to whoever deploys other files meanwhile', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    await put('more.txt', 'more')
    const upload = join(folder, 'run.sh')
    await writeFile(upload, 'echo uploaded')
    const { hash } = await services.packages.receive(upload, 'run.sh', { form: 'script' })
    const target = { ...address(), kind: 'script', packageHash: hash, source: 'kudu' }
    await server.stack.jobs.save(target, 'existing', ACTOR)
    expect(await files()).toEqual({ 'run.sh': 'echo uploaded' })
    await settled()
    expect(await deployed()).toEqual({ 'run.sh': 'echo uploaded' })
    await put('late.txt', 'late')
    await settled()
    expect(await deployed()).toEqual({ 'late.txt': 'late', 'run.sh': 'echo uploaded' })
  })

  it('join those that became a package on another instance', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    const elsewhere = await mkdtemp(join(server.folder, 'edits-'))
    const other = await open({ ...services, settings: { ...services.settings, dataFolder: elsewhere } })
    await put('here.txt', 'here')
    await put('there.txt', 'there', other)
    await other.settle(address())
    await edits.settle(address())
    expect(await deployed()).toEqual({ 'here.txt': 'here', 'run.sh': 'exit 0', 'there.txt': 'there' })
    await other.stop()
    await rm(elsewhere, { recursive: true })
  })

  it('take the job away with its whole folder', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    await expect(remove('')).rejects.toMatchObject({ code: 'data-refused' })
    await remove('', true)
    expect(await jobs()).toEqual([])
    expect(await edits.tree(address())).toBeNull()
    await put('run.sh', 'exit 3')
    await settled()
    expect(await deployed()).toEqual({ 'run.sh': 'exit 3' })
  })

  it('know names in any case', async () => {
    await put('Lib/Run.sh', 'a')
    expect(await put('lib/run.SH', 'b')).toBe(false)
    expect(await files()).toEqual({ 'Lib/Run.sh': 'b' })
    await expect(put('lib/run.sh/x', 'c')).rejects.toMatchObject({ code: 'data-refused' })
    await expect(put('LIB', 'c')).rejects.toMatchObject({ code: 'data-refused' })
  })

  it.each([
    ['../out.sh', 'archive-unsafe'],
    ['a\\b.sh', 'archive-unsafe'],
    [`${'n'.repeat(300)}.sh`, 'archive-too-large'],
  ])('are refused as in archives: %s', async (path, code) => {
    await expect(put(path, 'x')).rejects.toMatchObject({ code })
    expect(await edits.tree(address())).toBeNull()
    expect(await readdir(join(folder, 'drafts')).catch(() => [])).toEqual([])
  })

  it('keep to the limits of archives', async () => {
    const limits = { ...services.packages.limits, entries: 3, fileBytes: 10, totalBytes: 25 }
    // The methods of packages are their class's; this is the same service under other limits.
    const packages = Object.create(services.packages, { limits: { value: limits } }) as ApiServices['packages']
    edits = await open({ ...services, packages })
    await put('run.sh', '0123456789')
    await expect(put('big.txt', '0123456789+')).rejects.toMatchObject({ code: 'archive-too-large' })
    await put('a.txt', '0123456789')
    await expect(put('b.txt', '0123456789')).rejects.toMatchObject({ code: 'archive-too-large' })
    await put('b.txt', '01234')
    await expect(put('c.txt', '')).rejects.toMatchObject({ code: 'archive-too-large' })
    expect(Object.keys(await files())).toEqual(['a.txt', 'b.txt', 'run.sh'])
  })

  it('are refused where the jobs come from a watched folder', async () => {
    const { store } = server.stack
    const watch = { collectionId: server.stack.collectionId, path: '/srv/site', instance: 'here', at: clock.now() }
    await store.write('holdWatchedFolder', watch)
    await expect(put('run.sh', 'x')).rejects.toMatchObject({ code: 'source-controlled', status: 409 })
    await store.write('leaveWatchedFolder', { instance: 'here' })
    await put('run.sh', 'x')
  })

  it('are not begun for more jobs than anybody means', async () => {
    for (let number = 0; number < 200; number++) {
      await edits.makeFolder({ ...address(), name: `begun-${number}` }, '', ACTOR)
    }
    await expect(put('run.sh', 'x')).rejects.toMatchObject({ code: 'data-refused' })
    await put('run.sh', 'x').catch(() => undefined)
    await edits.remove({ ...address(), name: 'begun-7' }, '', { recursive: false }, ACTOR)
    await put('run.sh', 'x')
  })

  it('become a package thirty seconds after the first of them, however many follow', async () => {
    await put('run.sh', 'exit 0')
    for (let second = 1; second < 30; second++) {
      await pass(1000)
      await put('counter.txt', String(second))
    }
    expect(await jobs()).toEqual([])
    await pass(1000)
    await untilDeployed({ 'counter.txt': '29', 'run.sh': 'exit 0' })
    await settled()
  })

  it.each(['stop', 'settings'])('do not take back a %s that comes while their package is made', async (what) => {
    const saved = { ...address(), kind: 'script', type: 'continuous' }
    const held = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    let holding = false
    const receiveParts: ApiServices['packages']['receiveParts'] = async (...given) => {
      const received = await services.packages.receiveParts(...given)
      if (holding) {
        holding = false
        reached.resolve()
        await held.promise
      }
      return received
    }
    const packages = new Proxy(services.packages, {
      get(target, key) {
        if (key === 'receiveParts') return receiveParts
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const slow = await open({ ...services, packages })
    const place = { ...address(), type: 'continuous' }
    const change = async (path: string, text: string) => {
      const from = join(folder, `held-${path}`)
      await writeFile(from, text)
      const sha256 = createHash('sha256').update(text).digest('hex')
      await slow.put(place, [{ path, from, bytes: text.length, sha256 }], [], ACTOR)
    }
    await change('run.sh', 'sleep 1000')
    await slow.settle(place)
    const find = async () => (await server.stack.store.read('findJobs', saved))[0]
    await change('more.txt', 'more')
    holding = true
    const settling = slow.settle(place)
    await reached.promise
    const given = what === 'stop' ? { enabled: false } : { spec: { ownSettings: '{"is_singleton":true}' } }
    await server.stack.jobs.save({ ...saved, ...given }, 'existing', ACTOR)
    held.resolve()
    await settling
    const job = await find()
    const text = (path: string) => readFile(services.packages.pathOf(job?.packageHash ?? '', path), 'utf8')
    expect(await text('more.txt')).toBe('more')
    if (what === 'stop') expect(job?.enabled).toBe(false)
    else expect(await text('settings.job')).toBe('{"is_singleton":true}')
    if (job !== undefined) await server.stack.engine.deleteJob(job.id, job.name, ACTOR)
    await slow.stop()
  })

  it('are refused where a folder is to lie over a file', async () => {
    await put('run.sh', 'exit 0')
    await put('lib', 'a file')
    await expect(edits.put(address(), [], ['lib'], ACTOR)).rejects.toMatchObject({ code: 'data-refused' })
    await expect(edits.put(address(), [], ['x/Lib', 'x/lib/a', 'LIB/b'], ACTOR)).rejects.toMatchObject({
      code: 'data-refused',
    })
    await put('new.txt', 'x')
    await settled()
    expect(await deployed()).toEqual({ lib: 'a file', 'new.txt': 'x', 'run.sh': 'exit 0' })
  })

  it('tell why they are no package yet', async () => {
    await put('run.sh', 'exit 0')
    await edits.settle(address())
    const faults = async () => (await jobs()).map((job) => edits.faultOf(job)?.code ?? null)
    expect(await faults()).toEqual([null])
    await remove('run.sh')
    await edits.settle(address())
    expect(await faults()).toEqual(['files-not-deployed'])
    await put('run.py', 'pass')
    await settled()
    expect(await faults()).toEqual([null])
  })

  it('are given up when they did not become a package in a day', async () => {
    await put('lib.txt', 'x')
    await pass(2000)
    await edits.settle(address())
    await pass(23 * 3_600_000)
    await edits.settle(address())
    expect(await files()).toEqual({ 'lib.txt': 'x' })
    await pass(3_600_000)
    await settled()
    expect(await edits.tree(address())).toBeNull()
  })

  it('have a limit together, in bytes', async () => {
    const limits = { ...services.packages.limits, fileBytes: 10, totalBytes: 10 }
    const packages = Object.create(services.packages, { limits: { value: limits } }) as ApiServices['packages']
    edits = await open({ ...services, packages })
    const putAs = async (name: string) => {
      const from = join(folder, `upload-${name}`)
      await writeFile(from, '0123456789')
      await edits.put({ ...address(), name }, [{ path: 'a.txt', from, bytes: 10, sha256: 'x' }], [], ACTOR)
    }
    for (const name of ['one', 'two', 'three', 'four']) await putAs(name)
    await expect(putAs('five')).rejects.toMatchObject({ code: 'data-refused' })
    await edits.drop({ ...address(), name: 'two' })
    await putAs('five')
    for (const name of ['one', 'three', 'four', 'five']) await edits.drop({ ...address(), name })
  })

  it('of two people are two packages', async () => {
    await put('run.sh', 'exit 0')
    const from = join(folder, 'of-another')
    await writeFile(from, 'x')
    const sha256 = createHash('sha256').update('x').digest('hex')
    const another = { ...ACTOR, name: 'somebody else' }
    await edits.put(address(), [{ path: 'more.txt', from, bytes: 1, sha256 }], [], another)
    expect(await deployed()).toEqual({ 'run.sh': 'exit 0' })
    await settled()
    expect(await deployed()).toEqual({ 'more.txt': 'x', 'run.sh': 'exit 0' })
    expect(await deployments()).toBe(2)
  })

  it('are checked for many jobs before any of them is changed', async () => {
    await put('lib', 'a file')
    const batch = (name: string, folder: string) => ({ address: { ...address(), name }, files: [], folders: [folder] })
    await expect(edits.checkPuts([batch('fine', 'lib'), batch(NAME, 'lib')])).rejects.toMatchObject({
      code: 'data-refused',
    })
    await edits.checkPuts([batch('fine', 'lib'), batch(NAME, 'other')])
    const many = Array.from({ length: 200 }, (_, index) => batch(`many-${index}`, 'lib'))
    await expect(edits.checkPuts(many)).rejects.toMatchObject({ code: 'data-refused' })
    await edits.checkPuts(many.slice(1))
    expect(await edits.newJobs(server.stack.collectionId, 'test')).toEqual([NAME])
    expect(await files()).toEqual({ lib: 'a file' })
  })

  it("keep nobody's server from its start when they cannot be read", async () => {
    await put('run.sh', 'exit 0')
    const [draft = ''] = await readdir(join(folder, 'drafts'))
    await writeFile(join(folder, 'drafts', draft, 'journal.jsonl'), 'null\n17\n')
    edits = await open()
    expect(await edits.tree(address())).toBeNull()
    expect(await readdir(join(folder, 'unreadable-drafts'))).toEqual([draft])
  })

  it('are forgotten with their collection', async () => {
    const collectionId = await server.collection('short-lived')
    await edits.makeFolder({ ...address(), collectionId }, '', ACTOR)
    await server.stack.store.write('deleteCollection', { id: collectionId, actor: ACTOR, at: clock.now() })
    await settled()
  })

  it('are what was asked for, whatever was asked for and whenever the server died', async () => {
    const path = fc.constantFrom('run.sh', 'a.txt', 'd/b.txt', 'd/e/c.txt')
    const step = fc.oneof(
      fc.record({ op: fc.constant('put' as const), path, text: fc.string({ maxLength: 5 }) }),
      fc.record({ op: fc.constant('remove' as const), path }),
      fc.record({ op: fc.constantFrom('crash' as const, 'settle' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const model = new Map<string, string>()
        for (const each of steps) {
          if (each.op === 'crash') edits = await open()
          else if (each.op === 'settle') await edits.settle(address())
          else if (each.op === 'put') {
            expect(await put(each.path, each.text)).toBe(!model.has(each.path))
            model.set(each.path, each.text)
          } else if (each.op === 'remove' && model.delete(each.path)) await remove(each.path)
          expect(await files()).toEqual(Object.fromEntries([...model].toSorted()))
        }
        if (model.has('run.sh')) {
          await edits.settle(address())
          await untilDeployed(Object.fromEntries([...model].toSorted()))
        }
        if ((await edits.tree(address())) !== null) await remove('', true)
      }),
      { numRuns: 25 },
    )
  })
})
