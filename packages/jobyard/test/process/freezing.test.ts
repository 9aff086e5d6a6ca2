import { expect, test } from 'vitest'
import { readStat } from '../../src/process/proc.ts'
import { eventually } from '../support/eventually.ts'
import { findMarked, openYard } from './harness.ts'

test('a frozen process and all its descendants stand still until they are thawed', async () => {
  const yard = await openYard({ instanceId: 'here' })
  const loop = 'while :; do echo tick; sleep 0.01; done'
  const run = await yard.shell(`setsid sh -c '${loop}' & ${loop}`)
  await run.firstLine()
  const mark = `${yard.dataFolderId}.here/${run.taskId}`
  await eventually('both loops run', () => findMarked(mark).length >= 3)
  await run.process.freeze()
  const states = findMarked(mark).map((pid) => readStat(pid)?.state)
  expect(states.length).toBeGreaterThanOrEqual(2)
  // One that waits for a child that is about to become another program waits in the kernel.
  expect(states.every((state) => state === 'T' || state === 'D')).toBe(true)
  const before = await run.process.sample()
  await eventually('the output on its way has arrived', () => yard.sink.of(run.channel).bytes === before.outputBytes)
  const pause = performance.now() + 200
  await eventually('some time has passed', () => performance.now() > pause)
  expect((await run.process.sample()).outputBytes).toBe(before.outputBytes)
  await run.process.thaw()
  await eventually('it ticks again', async () => (await run.process.sample()).outputBytes > before.outputBytes + 50)
  run.process.kill()
  expect(await run.process.exited).toMatchObject({ signal: 'SIGKILL' })
})

test('a frozen process can be killed', async () => {
  const yard = await openYard()
  const run = await yard.shell('sleep 300 & sleep 300')
  await run.process.freeze()
  run.process.kill()
  expect(await run.process.exited).toMatchObject({ code: null, signal: 'SIGKILL', lost: false })
})

test('freezing and thawing keep their order', async () => {
  const yard = await openYard()
  const run = await yard.shell('sleep 300')
  await Promise.all([run.process.freeze(), run.process.thaw(), run.process.freeze(), run.process.thaw()])
  await eventually('it is not stopped', () => readStat(run.process.pid)?.state !== 'T')
  await Promise.all([run.process.thaw(), run.process.freeze()])
  // A control group's freezer shows a frozen process as uninterruptible.
  expect(['T', 'D']).toContain(readStat(run.process.pid)?.state)
})
