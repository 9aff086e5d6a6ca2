import { expect, test } from 'vitest'
import { dies, ended, lives, openYard } from './harness.ts'

test('the exit code and the signal of a process are told', async () => {
  const yard = await openYard()
  const seven = await yard.shell('exit 7')
  expect(await seven.process.exited).toMatchObject({ code: 7, signal: null, limit: null, lost: false })
  const killed = await yard.shell('kill -9 $$')
  expect(await killed.process.exited).toMatchObject({ code: null, signal: 'SIGKILL', limit: null, lost: false })
})

test('SIGTERM reaches the whole group, and a script may answer it', async () => {
  const yard = await openYard()
  const run = await yard.shell('trap "echo bye; exit 4" TERM; echo ready; while :; do sleep 0.05; done')
  await run.firstLine()
  run.process.signal('SIGTERM')
  expect(await run.process.exited).toMatchObject({ code: 4, signal: null })
  await ended(yard, run)
  expect(run.text()).toBe('ready\nbye\n')
})

test('kill ends a group that ignores every polite signal', async () => {
  const yard = await openYard()
  const run = await yard.shell('trap "" TERM INT HUP; sleep 300 & echo $!; while :; do sleep 0.05; done')
  const child = Number(await run.firstLine())
  run.process.signal('SIGTERM')
  run.process.kill()
  expect(await run.process.exited).toMatchObject({ code: null, signal: 'SIGKILL' })
  expect(lives(child)).toBe(false)
})

test('what a process leaves in its group dies with it', async () => {
  const yard = await openYard()
  const run = await yard.shell('sleep 300 & echo $!; exit 3')
  expect(await run.process.exited).toMatchObject({ code: 3 })
  expect(lives(Number(await run.firstLine()))).toBe(false)
})

test('a grandchild that left for a session of its own dies as well', async () => {
  const yard = await openYard()
  const run = await yard.shell('setsid sh -c "echo \\$\\$; exec sleep 300 > /dev/null 2>&1" & sleep 0.2')
  const grandchild = Number(await run.firstLine())
  expect(lives(grandchild)).toBe(true)
  await run.process.exited
  await dies(grandchild, 1000)
})

test('a grandchild that cleared its environment dies as well', async () => {
  const yard = await openYard()
  const run = await yard.shell('env -i sh -c "echo \\$\\$; exec sleep 300 > /dev/null 2>&1" & sleep 0.2')
  const grandchild = Number(await run.firstLine())
  await run.process.exited
  await dies(grandchild, 1000)
})

test('one that escaped and holds the pipe does not keep the end back', async () => {
  const yard = await openYard()
  const began = performance.now()
  const run = await yard.shell('setsid sh -c "echo \\$\\$; exec sleep 300" & sleep 0.1')
  const holder = Number(await run.firstLine())
  await run.process.exited
  expect(performance.now() - began).toBeLessThan(3000)
  await ended(yard, run)
  await dies(holder, 1000)
})

test('the end of the output is sent before the end of the process is told', async () => {
  const yard = await openYard()
  const run = await yard.shell('printf "%01000d\\n" 1; echo last')
  await run.process.exited
  await ended(yard, run)
  expect(run.text()).toMatch(/^0+1\nlast\n$/)
})

test('stopping the host ends what runs, and says so', async () => {
  const yard = await openYard()
  const run = await yard.shell('trap "" TERM; echo ready; sleep 300')
  await run.firstLine()
  await yard.host.stop()
  expect(await run.process.exited).toMatchObject({ code: null, signal: 'SIGKILL', lost: false })
  expect(yard.sink.of(run.channel).ended).toBe(true)
  await expect(yard.shell('true')).rejects.toMatchObject({ code: 'spawn-failed' })
})
