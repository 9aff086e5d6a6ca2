import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Trash } from '../../src/kinds/script/trash.ts'
import { readChildren } from '../../src/process/proc.ts'
import { IS_ROOT, ids, makeTemporary, NOBODY } from './fixtures.ts'

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

function fill(folder: string, files: number): void {
  mkdirSync(folder, { recursive: true })
  for (let index = 0; index < files; index++) writeFileSync(join(folder, `file-${index}`), '')
}

/** Root removes a folder in which a shell stands, and is held in the midst of it. Answers undefined when it was too quick. */
async function holdRemoval(top: string, files: number) {
  const root = join(top, `work-${files}`)
  const folder = join(root, 'folder')
  fill(join(folder, 'sub'), files)
  for (const path of [folder, join(folder, 'sub')]) chownSync(path, NOBODY.uid, NOBODY.gid)
  const trouble: unknown[] = []
  const trash = new Trash(root, ids, (error) => void trouble.push(error))
  await trash.open()
  const shell = standIn(folder)
  expect(await tell(shell, ':')).toBe('done')
  // Through the shell, because the path of the folder changes.
  const sub = `/proc/${shell.pid}/cwd/sub`
  const left = (): number => (existsSync(sub) ? readdirSync(sub).length : 0)
  const others = new Set(readChildren(process.pid))
  await trash.discard(folder)
  const removers = readChildren(process.pid).filter((pid) => !others.has(pid))
  expect(removers).toHaveLength(1)
  while (left() === files) await nextTurn()
  for (const pid of removers) process.kill(pid, 'SIGSTOP')
  const goOn = async (): Promise<void> => {
    for (const pid of removers) process.kill(pid, 'SIGCONT')
    await trash.settle()
  }
  if (left() > 0) return { trash, shell, trouble, goOn }
  await goOn()
  return undefined
}

test.skipIf(!IS_ROOT)('a folder that is exchanged for a link while root removes it leads nowhere else', async () => {
  const top = realpathSync(makeTemporary())
  chmodSync(top, 0o755)
  const target = join(top, 'target')
  for (let files = 2000; ; files *= 2) {
    fill(target, files)
    const held = await holdRemoval(top, files)
    if (held === undefined) continue
    const { trash, shell, trouble, goOn } = held
    expect(await tell(shell, `mv sub moved && ln -s ${target} sub`)).toBe('done')
    await goOn()
    expect(readdirSync(target)).toHaveLength(files)
    // What cannot be removed while somebody puts things there is told, and goes with the next start.
    expect(trouble).toHaveLength(1)
    shell.stdin.end()
    await once(shell, 'close')
    await trash.open()
    expect(readdirSync(join(top, `work-${files}`, '.trash'))).toEqual([])
    expect(readdirSync(target)).toHaveLength(files)
    return
  }
})
