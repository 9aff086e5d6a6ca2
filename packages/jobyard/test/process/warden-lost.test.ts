import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { markOf } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'
import { findMarked, findWarden, lives, openYard } from './harness.ts'

test('when the warden is killed its jobs die, are told as lost, and the next ones start', async () => {
  const yard = await openYard()
  const runs = await Promise.all([
    yard.shell('sleep 300'),
    yard.shell('trap "" TERM; setsid sleep 301 & sleep 302'),
    yard.shell('(setsid sleep 303 > /dev/null 2>&1 &); sleep 304'),
  ])
  await eventually('all processes run', () => findMarked(`${yard.dataFolderId}.`).length >= 6)
  const warden = findWarden(yard.dataFolderId) ?? 0
  process.kill(warden, 'SIGKILL')
  for (const run of runs) {
    expect(await run.process.exited).toEqual({
      code: null,
      signal: null,
      cpuMs: null,
      peakBytes: null,
      limit: null,
      lost: true,
    })
    expect(lives(run.process.pid)).toBe(false)
  }
  expect(findMarked(`${yard.dataFolderId}.`).filter((pid) => pid !== findWarden(yard.dataFolderId))).toEqual([])
  const next = await yard.shell('echo again; exit 5')
  expect(await next.process.exited).toMatchObject({ code: 5, lost: false })
  expect(findWarden(yard.dataFolderId)).not.toBe(warden)
  expect(yard.fatal).toEqual([])
})

test('what is asked of a lost process does nothing and answers', async () => {
  const yard = await openYard()
  const run = await yard.shell('echo ready; sleep 300')
  await run.firstLine()
  process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGKILL')
  const sample = run.process.sample()
  await run.process.exited
  expect((await sample).outputBytes).toBeGreaterThanOrEqual(0)
  await run.process.freeze()
  await run.process.thaw()
  run.process.signal('SIGTERM')
  run.process.kill()
})

test('a frozen warden is ended and replaced', async () => {
  const yard = await openYard({ beatMs: 20, silentAfterMs: 400 })
  const run = await yard.shell('sleep 300')
  process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGSTOP')
  expect(await run.process.exited).toMatchObject({ lost: true })
  expect(lives(run.process.pid)).toBe(false)
  const next = await yard.shell('exit 0')
  expect(await next.process.exited).toMatchObject({ code: 0 })
})

test('a warden that dies again and again is replaced each time', async () => {
  const yard = await openYard()
  for (let time = 0; time < 4; time++) {
    const run = await yard.shell('sleep 300')
    process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGKILL')
    expect(await run.process.exited).toMatchObject({ lost: true })
  }
  const last = await yard.shell('exit 0')
  expect(await last.process.exited).toMatchObject({ code: 0 })
})

test('what is called off while it waits for the next warden is never started', async () => {
  const instanceId = randomUUID()
  const yard = await openYard({ instanceId })
  const run = await yard.shell('sleep 300')
  process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGKILL')
  await run.process.exited
  const called = new AbortController()
  const place = { taskId: 'called-off', channel: 99, cwd: '/', env: {}, limits: {} }
  const starting = yard.host.start({ ...place, file: '/bin/sleep', args: ['300'] }, called.signal)
  called.abort(new Error('somebody else has it'))
  await expect(starting).rejects.toThrow('somebody else has it')
  // A later start is answered after whatever was asked for before it.
  const next = await yard.shell('exit 0')
  expect(await next.process.exited).toMatchObject({ code: 0 })
  expect(findMarked(markOf(yard.dataFolderId, instanceId, 'called-off'))).toEqual([])
})

test('when no warden can be had any more, whoever waits for one is told', async () => {
  const troubles: string[] = []
  const yard = await openYard({ onTrouble: (error) => troubles.push(error.message) })
  process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGKILL')
  // A warden that cannot reach the output store gives up.
  await yard.sink.close()
  await eventually('the loss was noticed', () => troubles.length > 0)
  expect(troubles[0]).toContain('it ended with SIGKILL')
  await expect(yard.shell('exit 0')).rejects.toThrow(/cannot be started: The warden, .* cannot be started: .*ENOENT/s)
  expect(yard.fatal.length).toBe(1)
})

test('a broken connection to the output store is told, and jobs go on to their end', async () => {
  const yard = await openYard()
  const run = await yard.shell('echo ready; read line < /dev/null; head -c 5000000 /dev/zero; exit 6')
  await run.firstLine()
  yard.sink.disconnect()
  await eventually('it was told', () => yard.fatal.length > 0)
  expect(yard.fatal[0]?.message).toContain('Output of processes cannot be kept any more')
  expect(await run.process.exited).toMatchObject({ code: 6 })
})
