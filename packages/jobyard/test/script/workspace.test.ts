import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PackageStore } from '../../src/kinds/script/package.ts'
import type { JobsUser } from '../../src/kinds/script/run-as.ts'
import type { CopyRequest } from '../../src/kinds/script/working-copies.ts'
import { Workspaces } from '../../src/kinds/script/workspace.ts'
import type { RunPlace } from '../../src/kinds/script/workspace-run.ts'
import { clock, IS_ROOT, ids, listTree, makeFile, makeTemporary, modeOf, NOBODY, OWN, refusal } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const umask = process.umask()
const trouble: unknown[] = []

let top: string
let store: PackageStore
let spaces: Workspaces

function makeSpaces(user: JobsUser = OWN): Workspaces {
  const onTrouble = (error: unknown): void => void trouble.push(error)
  return new Workspaces({
    work: join(top, 'work'),
    jobs: join(top, 'jobs'),
    user,
    packages: store,
    clock,
    ids,
    onTrouble,
  })
}

beforeEach(async () => {
  process.umask(0o077)
  top = realpathSync(makeTemporary())
  chmodSync(top, 0o711)
  store = new PackageStore({
    folder: join(top, 'packages'),
    clock,
    ids,
    interpreters: { path: '/usr/bin:/bin', user: OWN },
  })
  await store.open()
  spaces = makeSpaces()
  await spaces.open()
})

afterEach(async () => {
  await spaces.settle()
  process.umask(umask)
  expect(trouble.splice(0)).toEqual([])
})

const ENTRIES: MadeEntry[] = [
  { name: 'run.sh', data: 'echo hello\n', mode: 0o100755 },
  { name: 'lib/data.txt', data: 'data', modified: new Date(Date.UTC(2020, 1, 2, 3, 4, 6)) },
  { name: 'empty/' },
]

async function deploy(...entries: readonly MadeEntry[]): Promise<string> {
  return (await store.addZip(makeFile(makeZip([...ENTRIES, ...entries])))).hash
}

function requestFor(hash: string, more: Partial<CopyRequest> = {}): CopyRequest {
  return { jobId: 'job-1', hash, script: 'run.sh', inPlace: false, ...more }
}

/** What there is below the folder of working copies, without its own housekeeping. */
function copies(jobId = 'job-1'): string[] {
  return readdirSync(join(top, 'work', jobId)).toSorted()
}

test('a working copy is a real copy with times and executable bits', async () => {
  const hash = await deploy()
  const copy = await spaces.acquire(requestFor(hash))
  expect(copy).toMatchObject({ folder: join(top, 'work/job-1', hash.slice(0, 16)), copied: true, changes: [] })
  expect(listTree(copy.folder)).toEqual(['empty/', 'lib/', 'lib/data.txt', 'run.sh'])
  expect(readFileSync(join(copy.folder, 'lib/data.txt'), 'utf8')).toBe('data')
  expect(lstatSync(join(copy.folder, 'lib/data.txt')).mtimeMs).toBe(Date.UTC(2020, 1, 2, 3, 4, 6))
  expect(lstatSync(join(copy.folder, 'run.sh')).nlink).toBe(1)
  const modes = ['.', 'lib', 'run.sh', 'lib/data.txt'].map((name) => modeOf(join(copy.folder, name)).toString(8))
  expect(modes).toEqual(['700', '755', '755', '644'])
  expect(modeOf(join(top, 'work')).toString(8)).toBe('711')
  expect(modeOf(join(top, 'work/job-1')).toString(8)).toBe('711')
})

test('later runs use the same copy, and what a job adds to it stays', async () => {
  const hash = await deploy()
  const first = await spaces.acquire(requestFor(hash))
  writeFileSync(join(first.folder, 'cache'), 'kept')
  rmSync(join(first.folder, 'empty'), { recursive: true })
  first.release()
  const second = await spaces.acquire(requestFor(hash))
  expect(second).toEqual({ ...first, copied: false, release: expect.any(Function) })
  expect(readFileSync(join(second.folder, 'cache'), 'utf8')).toBe('kept')
})

test('a server that starts anew uses the copies of the one before', async () => {
  const hash = await deploy()
  ;(await spaces.acquire(requestFor(hash))).release()
  const other = await deploy({ name: 'more' })
  writeFileSync(join(top, 'work/job-1', hash.slice(0, 16), 'cache'), 'kept')
  mkdirSync(join(top, 'work/job-1', `${other.slice(0, 16)}-0123456789ab`))
  mkdirSync(join(top, 'work/.staging/left'))
  const again = makeSpaces()
  await again.open()
  const copy = await again.acquire(requestFor(hash))
  expect(copy.copied).toBe(false)
  expect(existsSync(join(copy.folder, 'cache'))).toBe(true)
  expect(copies()).toEqual([hash.slice(0, 16)])
  await again.settle()
  expect(listTree(join(top, 'work')).filter((name) => name.includes('left'))).toEqual([])
})

const CHANGES: readonly (readonly [string, (folder: string) => void, RegExp])[] = [
  ['a file was written to', (folder) => appendFileSync(join(folder, 'run.sh'), '#'), /'run\.sh' has 12 bytes/],
  ['a file is gone', (folder) => rmSync(join(folder, 'lib/data.txt')), /'lib\/data\.txt' is missing/],
  ['a folder is gone', (folder) => rmSync(join(folder, 'lib'), { recursive: true }), /'lib\/data\.txt' is missing/],
  ['only the time changed', (folder) => utimesSync(join(folder, 'run.sh'), 5, 5), /'run\.sh' has another time/],
  [
    'a file became a link',
    (folder) => {
      rmSync(join(folder, 'run.sh'))
      symlinkSync('lib/data.txt', join(folder, 'run.sh'))
    },
    /'run\.sh' is no longer a file/,
  ],
  ['all is gone', (folder) => rmSync(folder, { recursive: true }), /folder is gone/],
]

test.each(CHANGES)('all is copied anew when %s', async (_what, change, line) => {
  const hash = await deploy()
  const first = await spaces.acquire(requestFor(hash))
  if (existsSync(first.folder)) writeFileSync(join(first.folder, 'cache'), 'lost')
  first.release()
  change(first.folder)
  const second = await spaces.acquire(requestFor(hash))
  expect(second).toMatchObject({ folder: first.folder, copied: true })
  expect(second.changes).toHaveLength(1)
  expect(second.changes[0]).toMatch(line)
  expect(listTree(second.folder)).toEqual(['empty/', 'lib/', 'lib/data.txt', 'run.sh'])
  second.release()
  expect((await spaces.acquire(requestFor(hash))).copied).toBe(false)
})

test('what looks changed is told as Kudu tells it', async () => {
  const hash = await deploy()
  const first = await spaces.acquire(requestFor(hash))
  rmSync(join(first.folder, 'run.sh'))
  first.release()
  const { changes } = await spaces.acquire(requestFor(hash))
  expect(changes).toEqual(["Job directory change detected: Job file 'run.sh' is missing in the working folder."])
})

test('what is another with a new package is told as Kudu tells it, but not in place', async () => {
  const [plain, more] = [await deploy(), await deploy({ name: 'more' })]
  const other = (await store.addZip(makeFile(makeZip([{ name: 'run.sh', data: 'echo other\n', mode: 0o100755 }])))).hash
  ;(await spaces.acquire(requestFor(plain))).release()
  const changesWith = async (hash: string, inPlace = false) => {
    const copy = await spaces.acquire(requestFor(hash, { inPlace }))
    copy.release()
    return copy.changes.map((line) => line.replace('Job directory change detected: Job file ', ''))
  }
  expect(await changesWith(more)).toEqual(["'more' is missing in the working folder."])
  expect(await changesWith(more)).toEqual([])
  expect(await changesWith(plain)).toEqual(["'more' is no longer in the package."])
  expect(await changesWith(other)).toEqual([
    "'run.sh' is another one in the package.",
    "'lib/data.txt' is no longer in the package.",
  ])
  expect(await changesWith(plain, true)).toEqual([])
})

test('the file that asks for a stop can be read by jobs under any umask of the server', async () => {
  process.umask(0o077)
  const place = await spaces.prepareRun('job-1')
  await place.requestStop()
  expect(modeOf(place.shutdownFile).toString(8)).toBe('644')
  await place.remove()
})

test('in place, what a run changes stays; only a script that is gone comes back', async () => {
  const hash = await deploy()
  const inPlace = requestFor(hash, { inPlace: true })
  const first = await spaces.acquire(inPlace)
  writeFileSync(join(first.folder, 'lib/data.txt'), 'changed')
  first.release()
  const second = await spaces.acquire(inPlace)
  expect(second.copied).toBe(false)
  expect(readFileSync(join(second.folder, 'lib/data.txt'), 'utf8')).toBe('changed')
  rmSync(join(second.folder, 'run.sh'))
  second.release()
  const third = await spaces.acquire(inPlace)
  expect(third.copied).toBe(true)
  expect(readFileSync(join(third.folder, 'lib/data.txt'), 'utf8')).toBe('data')
})

test('a new package has a new copy, and the old one goes when nobody uses it any more', async () => {
  const [old, young] = [await deploy(), await deploy({ name: 'more' })]
  const running = await spaces.acquire(requestFor(old))
  const also = await spaces.acquire(requestFor(old))
  const next = await spaces.acquire(requestFor(young))
  expect(next.copied).toBe(true)
  expect(copies()).toEqual([old.slice(0, 16), young.slice(0, 16)].toSorted())
  running.release()
  running.release()
  await spaces.settle()
  expect(existsSync(join(also.folder, 'run.sh'))).toBe(true)
  also.release()
  await spaces.settle()
  expect(copies()).toEqual([young.slice(0, 16)])
  expect(readdirSync(join(top, 'work/.trash'))).toEqual([])
})

test('a rollback works while both packages run', async () => {
  const [old, young] = [await deploy(), await deploy({ name: 'more' })]
  const running = await spaces.acquire(requestFor(old))
  const next = await spaces.acquire(requestFor(young))
  const back = await spaces.acquire(requestFor(old))
  expect(new Set([running.folder, next.folder, back.folder]).size).toBe(3)
  expect(listTree(back.folder)).toEqual(listTree(running.folder))
  for (const copy of [running, next]) copy.release()
  await spaces.settle()
  expect(copies()).toEqual([back.folder.slice(join(top, 'work/job-1/').length)])
  back.release()
  await spaces.settle()
  expect((await spaces.acquire(requestFor(old))).folder).toBe(back.folder)
})

test('a copy that has changed while another run works in it is left to that run', async () => {
  const hash = await deploy()
  const running = await spaces.acquire(requestFor(hash))
  writeFileSync(join(running.folder, 'lib/data.txt'), 'scribbled')
  const other = await spaces.acquire(requestFor(hash))
  expect(other.copied).toBe(true)
  expect(other.folder).not.toBe(running.folder)
  expect(readFileSync(join(running.folder, 'lib/data.txt'), 'utf8')).toBe('scribbled')
  running.release()
  other.release()
  await spaces.settle()
  expect(copies()).toHaveLength(1)
  expect((await spaces.acquire(requestFor(hash))).copied).toBe(false)
})

test('many runs that begin at once make one copy', async () => {
  const hash = await deploy()
  const all = await Promise.all(Array.from({ length: 10 }, () => spaces.acquire(requestFor(hash))))
  expect(all.filter((copy) => copy.copied)).toHaveLength(1)
  expect(new Set(all.map((copy) => copy.folder)).size).toBe(1)
})

test('jobs have copies of their own of the same package', async () => {
  const hash = await deploy()
  const [one, two] = [
    await spaces.acquire(requestFor(hash)),
    await spaces.acquire(requestFor(hash, { jobId: 'job-2' })),
  ]
  expect(one.folder).not.toBe(two.folder)
})

test('a package that is not there is an error, and leaves the job as it was', async () => {
  const hash = await deploy()
  ;(await spaces.acquire(requestFor(hash))).release()
  await refusal(() => spaces.acquire(requestFor('0'.repeat(64))), 'package-not-found')
  expect((await spaces.acquire(requestFor(hash))).copied).toBe(false)
})

test('a copy that cannot be made leaves nothing', async () => {
  const hash = await deploy()
  rmSync(join(store.filesFolder(hash), 'lib/data.txt'))
  await expect(spaces.acquire(requestFor(hash))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(readdirSync(join(top, 'work/.staging'))).toEqual([])
  expect(copies()).toEqual([])
})

test.each(['..', '', 'a/b', '.runs', 'x'.repeat(200)])('the id %j is no part of a path', async (jobId) => {
  const hash = await deploy()
  await refusal(() => spaces.acquire(requestFor(hash, { jobId })), 'folder-unsafe')
  await refusal(() => spaces.prepareRun(jobId), 'folder-unsafe')
  await refusal(() => spaces.removeJob(jobId), 'folder-unsafe')
})

test.each([OWN, ...(IS_ROOT ? [NOBODY] : [])])(
  'first runs of a job that begin together share its folders',
  async (user) => {
    spaces = makeSpaces(user)
    await spaces.open()
    const places = await Promise.all(Array.from({ length: 8 }, () => spaces.prepareRun('job-1')))
    expect(new Set(places.map(({ home }) => home)).size).toBe(1)
    for (const name of ['data', 'home']) {
      const { mode, uid } = lstatSync(join(top, 'jobs/job-1', name))
      expect(mode & 0o777).toBe(0o700)
      expect(uid).toBe(user.own ? process.getuid?.() : user.uid)
    }
    for (const place of places) await place.remove()
  },
)

test('a run has private folders, a place for its shutdown file, and a payload', async () => {
  const place = await spaces.prepareRun('job-1', Buffer.from('{"a":1}'))
  expect(place.data).toBe(join(top, 'jobs/job-1/data'))
  expect(place.home).toBe(join(top, 'jobs/job-1/home'))
  for (const folder of [place.temporary, place.data, place.home]) {
    expect(modeOf(folder).toString(8)).toBe('700')
    expect(readdirSync(folder)).toEqual([])
  }
  expect(readFileSync(place.payloadFile ?? '', 'utf8')).toBe('{"a":1}')
  expect(modeOf(place.payloadFile ?? '').toString(8)).toBe('600')
  expect(existsSync(place.shutdownFile)).toBe(false)
  expect(modeOf(join(place.shutdownFile, '..')).toString(8)).toBe('755')
  await place.requestStop()
  expect(Date.parse(readFileSync(place.shutdownFile, 'utf8'))).toBeGreaterThan(0)
  writeFileSync(place.shutdownFile, 'as it was')
  await place.requestStop()
  expect(readFileSync(place.shutdownFile, 'utf8')).toBe('as it was')
  writeFileSync(join(place.temporary, 'left'), '')
  writeFileSync(join(place.data, 'kept'), '')
  await place.remove()
  await spaces.settle()
  expect(readdirSync(join(top, 'work/.runs'))).toEqual([])
  expect(readdirSync(join(top, 'work/.trash'))).toEqual([])
  expect(existsSync(join(place.data, 'kept'))).toBe(true)
  const next = await spaces.prepareRun('job-1')
  expect(next.payloadFile).toBeUndefined()
  expect(next.data).toBe(place.data)
  await next.remove()
  await spaces.close()
  expect(readdirSync(join(top, 'work/.runs'))).toEqual([])
})

test('folders in which a run left nothing serve the next one, and go at the end', async () => {
  const first = await spaces.prepareRun('job-1')
  await first.remove()
  const next = await spaces.prepareRun('job-2', Buffer.from('body'))
  expect(next.temporary).toBe(first.temporary)
  expect(next.home).toBe(join(top, 'jobs/job-2/home'))
  // A stop that comes late does not reach the run that has them now.
  await first.requestStop()
  await first.remove()
  expect(existsSync(next.shutdownFile)).toBe(false)
  expect(readFileSync(next.payloadFile ?? '', 'utf8')).toBe('body')
  await next.remove()
  const last = await spaces.prepareRun('job-1')
  expect(existsSync(join(last.temporary, '../payload'))).toBe(false)
  await last.remove()
  await spaces.close()
  expect(readdirSync(join(top, 'work/.runs'))).toEqual([])
  expect(readdirSync(join(top, 'work/.trash'))).toEqual([])
})

test.each([
  ['a file was left', (folder: string) => writeFileSync(join(folder, 'left'), '')],
  ['the rights were changed', (folder: string) => chmodSync(folder, 0o755)],
  ['the folder was removed', (folder: string) => rmSync(folder, { recursive: true })],
])('folders do not serve another run when %s', async (_what, change) => {
  const first = await spaces.prepareRun('job-1')
  change(first.temporary)
  await first.remove()
  const idle = await spaces.prepareRun('job-1')
  await idle.remove()
  // Somebody may tidy up while they wait.
  change(idle.temporary)
  const next = await spaces.prepareRun('job-1')
  expect(new Set([first.temporary, idle.temporary, next.temporary]).size).toBe(3)
  expect(modeOf(next.temporary).toString(8)).toBe('700')
  expect(readdirSync(next.temporary)).toEqual([])
})

test('the folders of a run that lives are not given to another', async () => {
  const place = await spaces.prepareRun('job-1')
  expect((await spaces.prepareRun('job-1')).temporary).not.toBe(place.temporary)
  expect(existsSync(place.temporary)).toBe(true)
})

test('what runs of a dead server left is gone after the start', async () => {
  const place = await spaces.prepareRun('job-1')
  writeFileSync(join(place.temporary, 'left'), '')
  const again = makeSpaces()
  await again.open()
  await again.settle()
  expect(readdirSync(join(top, 'work/.runs'))).toEqual([])
  expect((await again.prepareRun('job-1')).temporary).toBe(place.temporary)
})

test('a removed job leaves nothing, or only what it keeps', async () => {
  const hash = await deploy()
  for (const keepData of [true, false]) {
    ;(await spaces.acquire(requestFor(hash))).release()
    const place = await spaces.prepareRun('job-1')
    await place.remove()
    await spaces.removeJob('job-1', keepData)
    await spaces.settle()
    expect(existsSync(join(top, 'work/job-1'))).toBe(false)
    expect(existsSync(place.data)).toBe(keepData)
    expect(existsSync(join(top, 'jobs/job-1'))).toBe(keepData)
  }
})

describe.skipIf(!IS_ROOT)('for another user (only root can try it)', () => {
  beforeEach(async () => {
    spaces = makeSpaces(NOBODY)
    await spaces.open()
  })

  /** What a shell of that user prints. */
  function asNobody(script: string, cwd: string): string {
    return execFileSync('/bin/sh', ['-c', script], { cwd, uid: NOBODY.uid, gid: NOBODY.gid, env: {}, encoding: 'utf8' })
  }

  test('this user owns the copy, may do everything in it, and can put nothing beside it', async () => {
    const hash = await deploy()
    const copy = await spaces.acquire(requestFor(hash))
    for (const name of ['.', 'lib', 'empty', 'run.sh', 'lib/data.txt']) {
      expect(lstatSync(join(copy.folder, name)), name).toMatchObject({ uid: 65534, gid: 65534 })
    }
    expect(asNobody('./run.sh && echo x > new && echo y >> lib/data.txt && rm run.sh && ls', copy.folder)).toBe(
      'hello\nempty\nlib\nnew\n',
    )
    expect(() => asNobody('mv ../* ../other 2>/dev/null || mkdir ../x 2>/dev/null', copy.folder)).toThrow()
  })

  test("this user uses its run's folders, and cannot put anything in the place of the shutdown file", async () => {
    const place = await spaces.prepareRun('job-1', Buffer.from('body'))
    asNobody(`echo 1 > ${place.temporary}/t && echo 2 > ${place.data}/d && echo 3 > ${place.home}/h`, '/')
    expect(asNobody(`cat ${place.payloadFile}; ls ${join(place.shutdownFile, '..')}`, '/')).toBe('bodypayload\ntmp\n')
    expect(() => asNobody(`ln -s /etc/x ${place.shutdownFile} 2>/dev/null`, '/')).toThrow()
    expect(() => asNobody(`ls ${join(top, 'work/.runs')} 2>/dev/null`, '/')).toThrow()
    await place.requestStop()
    expect(asNobody(`test -e ${place.shutdownFile} && echo stop`, '/')).toBe('stop\n')
    await place.remove()
  })

  test('a link that a job makes of its own folder leads the server nowhere', async () => {
    const hash = await deploy()
    const precious = join(top, 'precious')
    mkdirSync(precious)
    writeFileSync(join(precious, 'data.txt'), 'mine')
    const copy = await spaces.acquire(requestFor(hash))
    asNobody(`rm -r lib && ln -s ${precious} lib && ln -s ${precious} empty/in`, copy.folder)
    copy.release()
    const again = await spaces.acquire(requestFor(hash))
    expect(again.copied).toBe(true)
    expect(lstatSync(join(again.folder, 'lib')).isDirectory()).toBe(true)
    const place = await spaces.prepareRun('job-1')
    asNobody(`ln -s ${precious} ${place.temporary}/x`, '/')
    await place.remove()
    await spaces.removeJob('job-1')
    await spaces.settle()
    expect(lstatSync(precious).uid).toBe(0)
    expect(readFileSync(join(precious, 'data.txt'), 'utf8')).toBe('mine')
  })

  test('the copy of another user is made anew', async () => {
    const hash = await deploy()
    ;(await spaces.acquire(requestFor(hash))).release()
    const again = makeSpaces({ name: 'daemon', uid: 1, gid: 1, own: false })
    await again.open()
    const copy = await again.acquire(requestFor(hash, { inPlace: true }))
    expect(copy.copied).toBe(true)
    expect(lstatSync(join(copy.folder, 'run.sh')).uid).toBe(1)
    await again.settle()
  })
})

describe('folders of a run in which somebody changed something', () => {
  test.each<[string, (place: RunPlace) => void]>([
    ['the shutdown file', ({ shutdownFile }) => writeFileSync(shutdownFile, '')],
    ['a file beside it', ({ shutdownFile }) => writeFileSync(join(shutdownFile, '..', 'payload'), '')],
    ['rights of the folder for temporary files', ({ temporary }) => chmodSync(temporary, 0o700)],
  ])('do not serve another run: %s', async (_what, change) => {
    const first = await spaces.prepareRun('job-1')
    change(first)
    await first.remove()
    const next = await spaces.prepareRun('job-2', Buffer.from('body'))
    expect(next.temporary).not.toBe(first.temporary)
    expect(existsSync(next.shutdownFile)).toBe(false)
    await next.remove()
  })
})

test('folders that somebody has tidied away while nothing ran are made anew', async () => {
  const hash = await deploy()
  const tidy = (): void => {
    for (const name of ['.runs', '.staging', '.trash']) rmSync(join(top, 'work', name), { recursive: true })
  }
  tidy()
  const copy = await spaces.acquire(requestFor(hash))
  const place = await spaces.prepareRun('job-1')
  writeFileSync(join(place.temporary, 'left'), '')
  rmSync(join(top, 'work/.trash'), { recursive: true, force: true })
  await place.remove()
  copy.release()
  await spaces.settle()
  expect(existsSync(place.temporary)).toBe(false)
  tidy()
  await (await spaces.prepareRun('job-1')).remove()
})
