import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { changeHands } from '../../src/kinds/script/change-hands.ts'
import { IS_ROOT, makeTemporary, NOBODY, refusal } from './fixtures.ts'

const DAEMON = { name: 'daemon', uid: 1, gid: 1, own: false }
/** Enough that others of them are still to come when the first has changed hands. */
const NAMES = Array.from({ length: 100 }, (_, index) => `folder-${index}`)

describe.skipIf(!IS_ROOT)('what belonged to the former user of jobs (only root can give it away)', () => {
  let job: string
  let target: string

  beforeEach(() => {
    const top = realpathSync(makeTemporary())
    chmodSync(top, 0o755)
    job = join(top, 'job')
    target = join(top, 'target')
    makeFolders(join(job, 'sub'), NOBODY.uid)
    chownSync(job, NOBODY.uid, NOBODY.gid)
    // What the jobs' user wants to have: root's, under the same names.
    makeFolders(target, 0)
  })

  function makeFolders(folder: string, uid: number): void {
    for (const name of NAMES) {
      mkdirSync(join(folder, name), { recursive: true })
      writeFileSync(join(folder, name, 'file'), '')
      for (const path of [join(folder, name), join(folder, name, 'file')]) chownSync(path, uid, uid)
    }
    chownSync(folder, uid, uid)
  }

  const ownersIn = (folder: string): number[] => [
    ...new Set(NAMES.flatMap((name) => [join(folder, name), join(folder, name, 'file')]).map(ownerOf)),
  ]
  const ownerOf = (path: string): number => lstatSync(path).uid

  /** Runs a shell command as the former user as soon as one of the folders has changed hands, while others have not. */
  async function changeWhile(command: string): Promise<void> {
    let over = false
    const changing = changeHands(job, NOBODY.uid, DAEMON).finally(() => {
      over = true
    })
    const begun = (): boolean => NAMES.some((name) => ownerOf(join(job, 'sub', name)) === DAEMON.uid)
    while (!over && !begun()) await nextTurn()
    expect(over).toBe(false)
    const { uid, gid } = NOBODY
    execFileSync('/bin/sh', ['-c', command, 'sh', target], { cwd: job, uid, gid })
    await changing
  }

  test('leads nowhere else when the folder is exchanged for a link meanwhile', async () => {
    await changeWhile('mv sub moved && ln -s "$1" sub')
    expect(ownersIn(target)).toEqual([0])
    expect(ownerOf(target)).toBe(0)
    // What was found there has changed hands where it is now.
    expect(ownersIn(join(job, 'moved'))).toEqual([DAEMON.uid])
    expect(ownerOf(job)).toBe(DAEMON.uid)
  })

  test('leads nowhere else when what is still to come is exchanged for links', async () => {
    await changeWhile('cd sub && for each in *; do mv "$each" ".$each" && ln -s "$1/$each" "$each"; done')
    expect(ownersIn(target)).toEqual([0])
    const links = NAMES.filter((name) => lstatSync(join(job, 'sub', name)).isSymbolicLink())
    expect(links).toEqual(NAMES)
    // One is perhaps being looked at just then; all that came after it are links, and are given away as such.
    const given = links.filter((name) => ownerOf(join(job, 'sub', name)) === DAEMON.uid)
    expect(given.length).toBeGreaterThan(NAMES.length / 2)
  })

  test('may vanish meanwhile', async () => {
    // What is no longer his he cannot remove.
    await changeWhile('rm -r sub/* 2>/dev/null; true')
    const left = readdirSync(join(job, 'sub'))
    expect(left.length).toBeLessThan(NAMES.length / 2)
    expect(left.map((name) => ownerOf(join(job, 'sub', name)))).toEqual(left.map(() => DAEMON.uid))
    expect(ownerOf(job)).toBe(DAEMON.uid)
  })

  test('may have names that are no text', async () => {
    const name = Buffer.from([0x61, 0xff, 0xfe])
    const path = Buffer.concat([Buffer.from(`${job}/`), name])
    mkdirSync(path)
    chownSync(path, NOBODY.uid, NOBODY.gid)
    await changeHands(job, NOBODY.uid, DAEMON)
    expect(lstatSync(path).uid).toBe(DAEMON.uid)
  })

  test('is given away without what somebody else has put there', async () => {
    const foreign = join(job, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'file'), '')
    chownSync(join(foreign, 'file'), NOBODY.uid, NOBODY.gid)
    symlinkSync(target, join(job, 'link'))
    await changeHands(job, NOBODY.uid, DAEMON)
    expect(['foreign', 'foreign/file', 'link'].map((name) => ownerOf(join(job, name)))).toEqual([0, DAEMON.uid, 0])
  })

  test('is refused when more folders stand in one another than can be held open', async () => {
    mkdirSync(join(job, ...Array.from({ length: 300 }, () => 'd')), { recursive: true })
    const error = await refusal(() => changeHands(job, NOBODY.uid, DAEMON), 'folder-unsafe')
    expect(error.message).toContain('more than 256 folders')
    expect(ownerOf(job)).toBe(NOBODY.uid)
  })
})
