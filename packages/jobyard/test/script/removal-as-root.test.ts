import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Trash } from '../../src/kinds/script/trash.ts'
import { readChildren } from '../../src/process/proc.ts'
import { IS_ROOT, ids, makeTemporary, NOBODY } from './fixtures.ts'

/** Enough that others of them are still there when the first is gone. */
const FILES = 5000

/** A shell of the jobs' user that stands in a folder, as a process does which a run has left behind. */
function standIn(cwd: string): ChildProcessWithoutNullStreams {
  const shell = spawn('/bin/sh', [], { cwd, uid: NOBODY.uid, gid: NOBODY.gid })
  const gone = once(shell, 'exit')
  onTestFinished(async () => {
    shell.kill('SIGKILL')
    await gone
  })
  return shell
}

/** Has the shell do something, and waits until it is done. */
async function tell(shell: ChildProcessWithoutNullStreams, command: string): Promise<string> {
  shell.stdin.write(`${command} && echo done || echo failed\n`)
  const [answer] = await once(shell.stdout, 'data')
  return String(answer).trim()
}

test.skipIf(!IS_ROOT)('a folder that is exchanged for a link while root removes it leads nowhere else', async () => {
  const top = realpathSync(makeTemporary())
  chmodSync(top, 0o755)
  const root = join(top, 'work')
  const target = join(top, 'target')
  const folder = join(root, 'folder')
  for (const path of [join(folder, 'sub'), target]) {
    mkdirSync(path, { recursive: true })
    for (let index = 0; index < FILES; index++) writeFileSync(join(path, `file-${index}`), '')
  }
  for (const path of [folder, join(folder, 'sub')]) chownSync(path, NOBODY.uid, NOBODY.gid)
  const trouble: unknown[] = []
  const trash = new Trash(root, ids, (error) => void trouble.push(error))
  await trash.open()
  const shell = standIn(folder)
  expect(await tell(shell, ':')).toBe('done')
  // Through the shell, because the path of the folder changes.
  const sub = join(`/proc/${shell.pid}/cwd`, 'sub')
  const before = statSync(sub).mtimeMs

  const others = new Set(readChildren(process.pid))
  await trash.discard(folder)
  let over = false
  const settled = trash.settle().finally(() => {
    over = true
  })
  while (!over && statSync(sub).mtimeMs === before) await nextTurn()
  // Whoever removes is held, so that the exchange is sure to come in between.
  const removers = readChildren(process.pid).filter((pid) => !others.has(pid))
  for (const pid of removers) process.kill(pid, 'SIGSTOP')
  expect(over).toBe(false)
  expect(readdirSync(sub).length).toBeGreaterThan(0)
  expect(await tell(shell, `mv sub moved && ln -s ${target} sub`)).toBe('done')
  for (const pid of removers) process.kill(pid, 'SIGCONT')
  await settled

  expect(readdirSync(target).length).toBe(FILES)
  // What cannot be removed under the eyes of such a process is told, and goes with the next start.
  shell.stdin.end()
  await once(shell, 'close')
  await trash.open()
  expect(existsSync(join(root, '.trash'))).toBe(true)
  expect(readdirSync(join(root, '.trash'))).toEqual([])
  expect(readdirSync(target).length).toBe(FILES)
})
