import { expect, test } from 'vitest'
import { runLimited } from '../../src/kinds/script/limited.ts'

test('every item is worked on once, and never more at a time than allowed', async () => {
  let working = 0
  let most = 0
  const done: number[] = []
  await runLimited([...Array(20).keys()], 3, async (item) => {
    most = Math.max(most, ++working)
    await Promise.resolve()
    done.push(item)
    working--
  })
  expect(most).toBe(3)
  expect(done.toSorted((a, b) => a - b)).toEqual([...Array(20).keys()])
})

test('after an error nothing new is begun, and what was begun is waited for', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const work = async (item: number): Promise<void> => {
    begun.push(item)
    if (item === 1) throw new Error('item 1')
    await new Promise(setImmediate)
    ended.push(item)
  }
  await expect(runLimited([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow('item 1')
  expect(begun).toEqual([0, 1])
  expect(ended).toEqual([0])
})

test('nothing to do is done', async () => {
  await runLimited([], 4, () => Promise.reject(new Error('never')))
})
