import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { canExecute, checkReachable } from '../../src/kinds/script/reach.ts'
import { IS_ROOT, makeTemporary, NOBODY, OWN } from './fixtures.ts'

let top: string

beforeEach(() => {
  top = realpathSync(makeTemporary())
  chmodSync(top, 0o755)
})

function makeFolder(name: string, mode: number): string {
  const path = join(top, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

function makeProgram(path: string, mode: number): string {
  writeFileSync(path, '#!/bin/sh\nexit 0\n')
  chmodSync(path, mode)
  return path
}

test('the own user comes to its own folders', () => {
  const folder = makeFolder('mine', 0o700)
  expect(checkReachable(folder, OWN)).toEqual({ reachable: true, exists: true })
  expect(checkReachable(join(folder, 'to/come'), OWN)).toEqual({ reachable: true, exists: false })
  expect(canExecute(makeProgram(join(folder, 'tool'), 0o700), OWN)).toBe(true)
  expect(canExecute(makeProgram(join(folder, 'text'), 0o600), OWN)).toBe(false)
  expect(canExecute(folder, OWN)).toBe(false)
  expect(canExecute(join(folder, 'nothing'), OWN)).toBe(false)
})

describe.skipIf(!IS_ROOT)('judged for another user (only root can try it)', () => {
  /** What the system itself says: whether that user gets the program to run. */
  function really(path: string): boolean {
    try {
      execFileSync(path, { uid: NOBODY.uid, gid: NOBODY.gid, cwd: '/', stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }

  test.each([0o777, 0o755, 0o711, 0o710, 0o701, 0o700, 0o770, 0o666, 0o100, 0o010, 0o001, 0])(
    'a folder and a file of mode %o',
    (mode) => {
      for (const owner of [0, NOBODY.uid]) {
        for (const group of [0, NOBODY.gid]) {
          const folder = makeFolder(`f${owner}-${group}`, 0o755)
          const inside = makeProgram(join(folder, 'tool'), 0o755)
          const beside = makeProgram(join(top, `tool${owner}-${group}`), 0o755)
          for (const path of [folder, beside]) {
            chownSync(path, owner, group)
            chmodSync(path, mode)
          }
          expect(checkReachable(folder, NOBODY).reachable, `folder ${owner}:${group}`).toBe(really(inside))
          // A script must be read besides being executed, so the system is asked with a copy of a real program.
          chmodSync(beside, mode & 0o111 ? mode | 0o444 : mode)
          expect(canExecute(beside, NOBODY), `file ${owner}:${group}`).toBe(really(beside))
        }
      }
    },
  )

  test('the folder that stands in the way is named', () => {
    const shut = makeFolder('shut', 0o700)
    mkdirSync(join(shut, 'a/b'), { recursive: true })
    const reach = checkReachable(join(shut, 'a/b'), NOBODY)
    expect(reach).toEqual({
      reachable: false,
      blockedBy: shut,
      message: `${shut} cannot be entered by the user nobody that jobs run as.`,
    })
  })

  test('a link is judged by where it leads and by what lies on the way', () => {
    const shut = makeFolder('shut', 0o700)
    const open = makeFolder('open', 0o755)
    makeProgram(join(shut, 'tool'), 0o755)
    makeProgram(join(open, 'tool'), 0o755)
    symlinkSync(join(shut, 'tool'), join(open, 'to-shut'))
    symlinkSync('../open/tool', join(open, 'to-open'))
    symlinkSync('../open', join(shut, 'out'))
    symlinkSync('to-open', join(open, 'twice'))
    symlinkSync('circle', join(open, 'circle'))
    symlinkSync('../shut/out/tool', join(open, 'through-shut'))
    symlinkSync('missing', join(open, 'dangling'))
    const expected = {
      'to-shut': false,
      'to-open': true,
      twice: true,
      circle: false,
      'through-shut': false,
      dangling: false,
    }
    for (const [name, can] of Object.entries(expected)) {
      expect(canExecute(join(open, name), NOBODY), name).toBe(can)
      expect(really(join(open, name)), name).toBe(can)
    }
    expect(checkReachable(join(open, 'circle'), NOBODY)).toMatchObject({ blockedBy: join(open, 'circle') })
    expect(checkReachable(join(open, 'through-shut'), NOBODY)).toMatchObject({ blockedBy: shut })
  })

  test('what is below a file cannot be reached', () => {
    const file = makeProgram(join(top, 'file'), 0o755)
    expect(checkReachable(join(file, 'x'), NOBODY)).toMatchObject({ reachable: false, blockedBy: file })
    expect(checkReachable(join(file, 'x'), OWN)).toMatchObject({ reachable: false })
  })
})
