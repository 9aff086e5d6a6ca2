import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { Workspaces } from '../../src/kinds/script/workspace.ts'
import { clock, IS_ROOT, ids, makeFile, makeTemporary, OWN, refusal } from './fixtures.ts'
import { makeZip } from './zip-maker.ts'

/** Whether a small file system can be mounted here: by root, and not in every container. */
function canMount(): boolean {
  if (process.platform !== 'linux' || !IS_ROOT) return false
  const folder = makeTemporary()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  }
}

const mountable = canMount()
let small: string

beforeEach(() => {
  if (!mountable) return
  small = join(makeTemporary(), 'small')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', small])
})

// Runs before the folders are removed, since hooks after a test run in reverse order.
afterEach(() => {
  if (mountable) execFileSync('umount', [small])
})

function makeStore(folder: string): PackageStore {
  return new PackageStore({ folder, clock, ids, interpreters: { path: '/usr/bin:/bin', user: OWN } })
}

const BIG = makeZip(['run.sh', 'a', 'b'].map((name) => ({ name, data: randomBytes(600_000), method: 0 })))
const SMALL = makeZip([{ name: 'run.sh', data: 'echo' }])

test.skipIf(!mountable)(
  'an upload that finds no room is refused, leaves nothing, and the next one is taken',
  async () => {
    const store = makeStore(join(small, 'packages'))
    await store.open()
    const error = await refusal(() => store.addZip(makeFile(BIG)), 'store-full')
    expect(error.status).toBe(507)
    await refusal(() => store.addFile(makeFile(randomBytes(2_000_000)), 'run.sh'), 'store-full')
    expect(readdirSync(join(small, 'packages/.temporary'))).toEqual([])
    expect((await store.addZip(makeFile(SMALL))).files).toBe(1)
  },
)

test.skipIf(!mountable)('a working copy that finds no room fails the run alone', async () => {
  const store = makeStore(join(makeTemporary(), 'packages'))
  await store.open()
  const [big, little] = [await store.addZip(makeFile(BIG)), await store.addZip(makeFile(SMALL))]
  const onTrouble = (error: unknown): never => {
    throw error
  }
  const spaces = new Workspaces({
    work: join(small, 'work'),
    jobs: join(small, 'jobs'),
    user: OWN,
    packages: store,
    clock,
    ids,
    onTrouble,
  })
  await spaces.open()
  const request = { jobId: 'job', script: 'run.sh', inPlace: false }
  await refusal(() => spaces.acquire({ ...request, hash: big.hash }), 'store-full')
  expect(readdirSync(join(small, 'work/.staging'))).toEqual([])
  const copy = await spaces.acquire({ ...request, hash: little.hash })
  expect(readdirSync(copy.folder)).toEqual(['run.sh'])
  copy.release()
  await refusal(() => spaces.prepareRun('job', randomBytes(2_000_000)), 'store-full')
  await (await spaces.prepareRun('job')).remove()
  await spaces.close()
  expect(readdirSync(join(small, 'work/.runs'))).toEqual([])
  await spaces.settle()
})
