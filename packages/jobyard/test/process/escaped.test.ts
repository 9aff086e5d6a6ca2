/** Whoever is told of a run's end may rely on it that nothing of the run does anything any more. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listPids, readProc } from '../../src/process/proc.ts'
import { markOf } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'
import { findMarked, openYard } from './harness.ts'
import { startSmallServer } from './small-server.ts'

const NOBODY = 65534
/** Waits until the other one is in a session of its own, and no longer. */
const ESCAPE = "line=$(setsid sh -c 'echo gone; exec sleep 300 > /dev/null 2>&1 < /dev/null' &);"

test('nothing of a short run lives on after its end was told, though it left group and session', async () => {
  const instanceId = randomUUID()
  const yard = await openYard({ instanceId })
  for (let time = 0; time < 40; time++) {
    const run = await yard.shell(ESCAPE)
    await run.process.exited
    expect(findMarked(markOf(yard.dataFolderId, instanceId, run.taskId))).toEqual([])
  }
})

test.runIf(process.getuid?.() === 0)('nor of a long run where there are no control groups', async () => {
  const dataFolderId = randomUUID()
  const many = 'i=0; while [ $i -lt 300 ]; do (:); i=$((i+1)); done'
  const scripts = [{ script: `${many}; ${ESCAPE}` }, { script: `${many}; ${ESCAPE} exit 3` }, { script: 'sleep 300' }]
  const server = await startSmallServer({ dataFolderId, scripts, uid: NOBODY })
  await eventually('two runs have ended', () => server.exits.length === 2)
  const told = server.exits.map(({ index }) => markOf(dataFolderId, 'one', `task-${index}`))
  expect(told.flatMap(findMarked)).toEqual([])
  expect(findMarked(markOf(dataFolderId, 'one', 'task-2')).length).toBeGreaterThan(0)
})

test.runIf(process.getuid?.() === 0)(
  'and it is told while others without an environment begin all the time',
  async () => {
    // Each of them could be anybody's: it does not show whose it is.
    const program = 'while :; do env -i /bin/sleep 0.3 & sleep 0.005; done'
    const others = spawn('/bin/sh', ['-c', program], { detached: true, stdio: 'ignore', uid: NOBODY, gid: NOBODY })
    try {
      const scripts = [{ script: 'i=0; while [ $i -lt 300 ]; do (:); i=$((i+1)); done' }]
      const server = await startSmallServer({ dataFolderId: randomUUID(), scripts, uid: NOBODY })
      await eventually('the run has ended', () => server.exits.length === 1)
    } finally {
      if (others.pid !== undefined) process.kill(-others.pid, 'SIGKILL')
      await once(others, 'exit')
    }
  },
)

/** From util-linux; a copy of it that runs as root for everybody makes a process that only root may end, as sudo does. */
const SETPRIV = '/usr/bin/setpriv'
const canChange = process.getuid?.() === 0 && existsSync(SETPRIV)

test.runIf(canChange)('and it is told when somebody lives on whom the server may not end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-escaped-'))
  const program = join(folder, 'setpriv')
  const seconds = 300_000 + process.pid
  const lasting = `sleep\0${seconds}`
  try {
    chmodSync(folder, 0o755)
    copyFileSync(SETPRIV, program)
    chmodSync(program, 0o4755)
    const begin = `${program} --reuid=0 sleep ${seconds} > /dev/null 2>&1 < /dev/null & sleep 0.2`
    const server = await startSmallServer({ dataFolderId: randomUUID(), scripts: [{ script: begin }], uid: NOBODY })
    await eventually('the run has ended', () => server.exits.length === 1)
    expect(findCommand(lasting).length).toBe(1)
  } finally {
    for (const pid of findCommand(lasting)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true })
  }
})

function findCommand(text: string): number[] {
  return listPids().filter((pid) => readProc(`/proc/${pid}/cmdline`)?.toString().startsWith(text) === true)
}
