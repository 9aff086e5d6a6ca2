import { expect, test } from 'vitest'
import { Batcher } from '../../src/engine/batcher.ts'

test('what waits for a database that does not answer has a bound, and is done when it answers', async () => {
  const answering = Promise.withResolvers<void>()
  const batcher = new Batcher<number, number>(async (items) => {
    await answering.promise
    return items
  })
  const settled = Promise.allSettled(Array.from({ length: 60_000 }, (_, index) => batcher.add(index)))
  answering.resolve()
  const results = await settled
  const done = results.filter(({ status }) => status === 'fulfilled')
  expect(done).toHaveLength(50_000)
  expect(results.at(-1)).toMatchObject({ reason: { code: 'store-unavailable' } })
  expect(await batcher.add(7)).toBe(7)
})
