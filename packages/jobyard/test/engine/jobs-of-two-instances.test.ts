import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACTOR, DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

const ROUNDS = 4
const AT_ONCE = 10

describe.each(DATABASES)('a job that is saved at two instances at once, on %s', (database) => {
  let place: Place
  let stacks: readonly [Stack, Stack]

  beforeAll(async () => {
    place = await makePlace(database)
    const start = (instance: string) => startStack({ kinds: [new TestKind()], place, alone: false, instance })
    stacks = [await start('one'), await start('two')]
  })
  afterAll(async () => {
    for (const stack of stacks) await stack.stop()
    await place.drop()
  })

  /** Saves the job at both instances in turn, all at once; the ids of what was saved. */
  function save(name: string, expectation: 'new' | 'either') {
    return Promise.allSettled(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const { jobs, collectionId, parts } = stacks[index % 2] ?? stacks[0]
        const [kind = ''] = parts.kinds.keys()
        const saved = await jobs.save({ collectionId, kind, name, spec: { index } }, expectation, ACTOR)
        return saved.job.id
      }),
    )
  }

  test('is made once, and then changed by the others', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const saved = await save(`either-${round}`, 'either')
      expect(saved.filter(({ status }) => status === 'rejected')).toEqual([])
      expect(new Set(saved.map((each) => each.status === 'fulfilled' && each.value)).size).toBe(1)
    }
  })

  test('is made once when it must be new, and the others are told that it is there', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const saved = await save(`new-${round}`, 'new')
      expect(saved.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const each of saved)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'job-exists' })
    }
  })
})
