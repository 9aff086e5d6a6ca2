import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { assemble } from './assemble.ts'
import { BOUNDED } from './exercise-output.ts'

test('a line after a quiet moment is stored without any time passing, what follows it closely is gathered', async () => {
  const { clock, logs, storage } = await assemble()
  const taskId = randomUUID()
  await logs.open(taskId, BOUNDED)
  const lastSeq = async () => (await storage.find(taskId))?.lastSeq
  logs.append(taskId, 0, Buffer.from('first\n'))
  await eventually('the first line is stored', async () => (await lastSeq()) === 1)
  logs.append(taskId, 1, Buffer.from('second\n'))
  clock.advance(10)
  logs.append(taskId, 0, Buffer.from('third\n'))
  clock.advance(9)
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  expect(await lastSeq()).toBe(1)
  clock.advance(1)
  await eventually('both are stored together', async () => (await lastSeq()) === 3)
})
