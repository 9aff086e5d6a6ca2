import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { assemble } from './assemble.ts'
import { BOUNDED } from './exercise-output.ts'
import { TestHost } from './host.ts'

/** True when the promise has settled by the next turns of the loop. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = (async () => {
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    return 'later'
  })()
  return (await Promise.race([promise, later])) !== 'later'
}

test('an end frame that does not come is given up after ten seconds of silence, not while bytes still come', async () => {
  const { clock, logs, host, storage } = await assemble()
  const taskId = randomUUID()
  const channel = await logs.open(taskId, BOUNDED)
  for (const seq of [1, 2]) {
    await host.send(channel, 0, 'line\n')
    await eventually('the line is written', async () => {
      clock.advance(20)
      return (await storage.find(taskId))?.lastSeq === seq
    })
    if (seq === 1) clock.advance(9000)
  }
  const closing = logs.close(taskId, true)
  clock.advance(9900)
  expect(await hasSettled(closing)).toBe(false)
  clock.advance(20_000)
  expect(await closing).toMatchObject({ bytes: 10, ended: true })
})

test('a channel that a new host goes on with is not ended by the loss of the old one', async () => {
  const { clock, logs, host, storage, address } = await assemble()
  const taskId = randomUUID()
  const channel = await logs.open(taskId, BOUNDED)
  await host.send(channel, 0, 'old ')
  await eventually('it is written', async () => {
    clock.advance(20)
    return ((await storage.find(taskId))?.bytes ?? 0) === 4
  })
  const next = await TestHost.connect({ address, secret: 'secret' })
  onTestFinished(() => next.drop())
  await next.send(channel, 0, 'new ')
  await eventually('it is written', async () => {
    clock.advance(20)
    return (await storage.find(taskId))?.bytes === 8
  })
  await host.drop()
  const closing = logs.close(taskId, true)
  expect(await hasSettled(closing)).toBe(false)
  await next.send(channel, 0, 'end')
  next.end(channel)
  expect(await closing).toMatchObject({ bytes: 11, ended: true })
})
