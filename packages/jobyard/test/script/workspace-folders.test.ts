import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { chooseJobFolders, ensureJobsFolder, ensureOwnFolder } from '../../src/kinds/script/workspace-folders.ts'
import { IS_ROOT, makeTemporary, modeOf, NOBODY, OWN, refusal } from './fixtures.ts'

let top: string
let data: string

beforeEach(() => {
  top = realpathSync(makeTemporary())
  chmodSync(top, 0o755)
  data = join(top, 'data')
  mkdirSync(data)
})

function makeOther(name: string, mode = 0o1777): string {
  const path = join(top, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

test('jobs work and keep their data in the data folder', async () => {
  chmodSync(data, 0o700)
  expect(await chooseJobFolders(data, OWN)).toEqual({
    work: join(data, 'work'),
    jobs: join(data, 'jobs'),
    warnings: [],
  })
})

test("a folder of the server's is made with just that mode, and kept when it is there", async () => {
  const path = join(top, 'own')
  await ensureOwnFolder(path, 0o711)
  writeFileSync(join(path, 'file'), '')
  chmodSync(path, 0o755)
  await ensureOwnFolder(path, 0o711)
  expect(modeOf(path)).toBe(0o711)
  expect(existsSync(join(path, 'file'))).toBe(true)
})

test('what somebody else may have put there is refused', async () => {
  const open = makeOther('open', 0o777)
  expect((await refusal(() => ensureOwnFolder(open, 0o711), 'folder-unsafe')).message).toBe(
    `${open} may be written to by others.`,
  )
  symlinkSync(data, join(top, 'link'))
  expect((await refusal(() => ensureOwnFolder(join(top, 'link'), 0o711), 'folder-unsafe')).message).toContain(
    'is not a folder',
  )
  writeFileSync(join(top, 'file'), '')
  await refusal(() => ensureOwnFolder(join(top, 'file'), 0o711), 'folder-unsafe')
  expect(modeOf(open)).toBe(0o777)
})

test('a lasting folder is made once when runs of a new job begin together', async () => {
  const folder = join(top, 'together')
  await Promise.all(Array.from({ length: 4 }, () => ensureJobsFolder(folder, OWN)))
  expect(modeOf(folder)).toBe(0o700)
})

describe.skipIf(!IS_ROOT)('for another user (only root can try it)', () => {
  test('a data folder that jobs can enter is used', async () => {
    chmodSync(data, 0o711)
    expect((await chooseJobFolders(data, NOBODY)).warnings).toEqual([])
  })

  test('a data folder that jobs cannot enter gives way, and the warning says what stands in the way', async () => {
    chmodSync(data, 0o700)
    const places = { temporary: makeOther('tmp'), lasting: makeOther('lib', 0o755) }
    const chosen = await chooseJobFolders(data, NOBODY, places)
    const name = /\/tmp\/(jobyard-[0-9a-f]{12})\/work$/.exec(chosen.work)?.[1] ?? 'none'
    expect(chosen).toMatchObject({ work: join(top, 'tmp', name, 'work'), jobs: join(top, 'lib', name, 'jobs') })
    expect(chosen.warnings).toMatchObject([{ code: 'data-folder-unreachable', field: 'JOBYARD_DATA' }])
    expect(chosen.warnings[0]?.message).toContain(`${data} cannot be entered by the user nobody`)
    expect(modeOf(join(top, 'tmp', name))).toBe(0o711)
    expect(modeOf(join(top, 'lib', name))).toBe(0o711)
    expect(await chooseJobFolders(data, NOBODY, places)).toEqual(chosen)
    mkdirSync(join(top, 'other'), { mode: 0o700 })
    expect((await chooseJobFolders(join(top, 'other'), NOBODY, places)).work).not.toBe(chosen.work)
  })

  test('without another lasting place the data lies beside the work, and the warning says that it may go', async () => {
    chmodSync(data, 0o700)
    const chosen = await chooseJobFolders(data, NOBODY, { temporary: makeOther('tmp'), lasting: join(top, 'none') })
    expect(chosen.jobs).toMatch(/\/tmp\/jobyard-[0-9a-f]{12}\/jobs$/)
    expect(chosen.warnings[0]?.message).toContain('where the system may delete it')
    const shut = await chooseJobFolders(data, NOBODY, { temporary: join(top, 'tmp'), lasting: makeOther('lib', 0o700) })
    expect(shut.jobs).toBe(chosen.jobs)
  })

  test('a name that somebody took in the shared folder is refused', async () => {
    chmodSync(data, 0o700)
    const places = { temporary: makeOther('tmp'), lasting: join(top, 'none') }
    const { work } = await chooseJobFolders(data, NOBODY, places)
    chownSync(join(work, '..'), NOBODY.uid, NOBODY.gid)
    const error = await refusal(() => chooseJobFolders(data, NOBODY, places), 'folder-unsafe')
    expect(error.message).toContain('belongs to user 65534')
  })

  test('without any place that jobs can enter the server says so', async () => {
    chmodSync(data, 0o700)
    const error = await refusal(
      () => chooseJobFolders(data, NOBODY, { temporary: makeOther('tmp', 0o700) }),
      'run-as-invalid',
    )
    expect(error.message).toContain(join(top, 'tmp'))
  })

  test('a lasting folder changes hands with all in it when jobs run as somebody else', async () => {
    const folder = join(top, 'job')
    await ensureJobsFolder(folder, NOBODY)
    expect(lstatSync(folder)).toMatchObject({ uid: 65534, gid: 65534 })
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'sub/file'), '')
    writeFileSync(join(folder, 'plain'), '')
    const foreign = join(top, 'foreign')
    writeFileSync(foreign, '')
    symlinkSync(foreign, join(folder, 'link'))
    for (const name of ['sub', 'sub/file', 'plain', 'link']) lchownSync(join(folder, name), NOBODY.uid, NOBODY.gid)
    writeFileSync(join(folder, 'third'), '')
    chownSync(join(folder, 'third'), 2, 2)
    linkSync(join(folder, 'sub/file'), join(top, 'second-name'))
    const daemon = { name: 'daemon', uid: 1, gid: 1, own: false }
    await ensureJobsFolder(folder, daemon)
    for (const name of ['.', 'sub', 'link', 'plain'])
      expect(lstatSync(join(folder, name))).toMatchObject({ uid: 1, gid: 1 })
    expect(lstatSync(join(folder, 'third')).uid).toBe(2)
    expect(lstatSync(join(top, 'second-name')).uid).toBe(65534)
    expect(lstatSync(foreign).uid).toBe(0)
    expect(modeOf(folder)).toBe(0o700)
  })
})
