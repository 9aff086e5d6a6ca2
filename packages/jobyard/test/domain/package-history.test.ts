import fc from 'fast-check'
import { expect, test } from 'vitest'
import { enterHistory, KEPT_PACKAGES, type KeptPackage, wayBack } from '../../src/domain/package-history.ts'

/** A job that is deployed to and goes back, as its rows would say it. */
class Deployed {
  kept: KeptPackage[] = []
  current: string | null = null

  deploy(hash: string): void {
    const { number, previous, gone } = enterHistory(this.kept, this.current, hash)
    for (const dropped of gone) {
      const to = this.kept.find((each) => each.number === dropped.number)?.previous ?? null
      const isDropped = (each: KeptPackage) => each.hash === dropped.hash
      if (dropped.hash !== this.current) {
        this.kept = this.kept.map((each) => (each.previous === dropped.hash ? { ...each, previous: to } : each))
      }
      this.kept = this.kept.filter((each) => !isDropped(each))
    }
    this.kept = [{ number, hash, previous }, ...this.kept]
    this.current = hash
  }

  /** False when there is nothing to go back to. */
  back(steps = 1): boolean {
    const hash = wayBack(this.kept, this.current)[steps - 1]
    if (hash === undefined) return false
    this.current = hash
    return true
  }
}

function after(...acts: readonly string[]): Deployed {
  const job = new Deployed()
  for (const act of acts) {
    if (act === '<') job.back()
    else if (act.startsWith('to ')) job.current = act.slice(3)
    else job.deploy(act)
  }
  return job
}

test.each([
  ['1 2 3', '3', '2 1'],
  ['1 2 3 <', '2', '1'],
  ['1 2 3 < <', '1', ''],
  ['1 2 3 3 3 3', '3', '2 1'],
  ['1 2 3 < < 1', '1', ''],
  // What was gone back from is not on the way of what came after it.
  ['1 2 3 < 4', '4', '2 1'],
  ['1 2 3 < 4 <', '2', '1'],
  ['1 2 3 < 3', '3', '2 1'],
  // One that comes again is in use after those that came in between.
  ['1 2 3 1', '1', '3 2'],
  ['1 2 1 2 1 2', '2', '1'],
  ['1 2 3 < 2', '2', '1'],
])('after %s the package %s is in use, and on the way back from it are: %s', (acts, current, way) => {
  const job = after(...acts.split(' '))
  expect(job.current).toBe(current)
  expect(wayBack(job.kept, job.current).join(' ')).toBe(way)
})

test('one that is named can be gone back to although it is not on the way', () => {
  const job = after('1', '2', '3', '<', '4')
  expect(job.kept.map(({ hash }) => hash)).toEqual(['4', '3', '2', '1'])
  job.current = '3'
  expect(wayBack(job.kept, '3')).toEqual(['2', '1'])
})

test('the last ten different ones are kept, and always the one that was in use before', () => {
  const names = Array.from({ length: 14 }, (_, index) => String(index + 1))
  const job = after(...names)
  expect(job.kept.map(({ hash }) => hash)).toEqual(names.slice(-KEPT_PACKAGES).reverse())
  expect(wayBack(job.kept, '14')).toEqual(['13', '12', '11', '10', '9', '8', '7', '6', '5'])
  job.back(9)
  expect(job.current).toBe('5')
  job.deploy('15')
  expect(job.kept).toHaveLength(KEPT_PACKAGES)
  expect(wayBack(job.kept, '15')).toEqual(['5'])
})

test('whatever is done, every package is kept once, the present one among them, and every way back has an end', () => {
  const name = fc.integer({ min: 1, max: 14 }).map(String)
  const act = fc.oneof(
    name.map((hash) => ({ deploy: hash })),
    fc.integer({ min: 1, max: 3 }).map((back) => ({ back })),
    fc.nat({ max: 9 }).map((to) => ({ to })),
  )
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 60 }), (acts) => {
      const job = new Deployed()
      for (const each of acts) {
        const before = job.current
        if ('deploy' in each) {
          job.deploy(each.deploy)
          if (before !== null && before !== each.deploy) expect(wayBack(job.kept, job.current)[0]).toBe(before)
        } else if ('back' in each) job.back(each.back)
        else job.current = job.kept[each.to]?.hash ?? job.current
        const hashes = job.kept.map(({ hash }) => hash)
        expect(new Set(hashes).size).toBe(hashes.length)
        expect(hashes.length).toBeLessThanOrEqual(KEPT_PACKAGES)
        if (job.current !== null) expect(hashes).toContain(job.current)
        for (const { hash, previous } of job.kept) {
          if (previous !== null) expect(hashes).toContain(previous)
          const way = wayBack(job.kept, hash)
          expect(new Set([hash, ...way]).size).toBe(way.length + 1)
          // It ends where there is nothing before, not in a circle.
          const last = job.kept.find((one) => one.hash === (way.at(-1) ?? hash))
          expect(last?.previous).toBeNull()
        }
      }
    }),
    { numRuns: 500 },
  )
})
