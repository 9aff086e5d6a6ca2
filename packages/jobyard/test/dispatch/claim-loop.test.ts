import { expect, test } from 'vitest'
import { ClaimLoop } from '../../src/dispatch/claim-loop.ts'
import type { ClaimResult } from '../../src/dispatch/contract.ts'
import type { Clock } from '../../src/domain/clock.ts'

/** A loop whose time stands still until the test moves it, and whose claims the test answers. */
function createFixture(answer: (now: number) => ClaimResult) {
  let now = 1_000_000
  let timer: { at: number; wake: () => void } | undefined
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    after(delay, wake) {
      const mine = { at: now + delay, wake }
      timer = mine
      return {
        cancel() {
          if (timer === mine) timer = undefined
        },
      }
    },
  }
  const errors: unknown[] = []
  const requests: { limit: number; runIds?: readonly string[] }[] = []
  const fixture = { room: 10, errors, requests }
  const loop = new ClaimLoop({ clock, random: () => 0.5, onError: (error) => errors.push(error) })
  loop.start({
    room: () => fixture.room,
    async claim(request) {
      requests.push(request)
      return answer(now)
    },
  })
  /** Lets everything happen that happens without time passing. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    ...fixture,
    loop,
    settle,
    setRoom: (room: number) => {
      fixture.room = room
    },
    /** Milliseconds to the next thing that it does by itself. */
    wait: () => (timer === undefined ? undefined : timer.at - now),
    /** Moves the time to that. */
    async pass() {
      const next = timer
      if (next === undefined) throw new Error('It waits for nothing.')
      timer = undefined
      now = next.at
      next.wake()
      await settle()
    },
    move(by: number) {
      now += by
    },
  }
}

const NOTHING: ClaimResult = { claimed: 0, nextDue: null }

test('with nothing to do it looks again after 30 to 60 seconds', async () => {
  const { settle, wait, pass, requests } = createFixture(() => NOTHING)
  await settle()
  expect(requests).toEqual([{ limit: 10 }])
  expect(wait()).toBe(45_000)
  await pass()
  expect(requests).toHaveLength(2)
})

test('it looks when the next run falls due, but never later than it would anyway', async () => {
  let due = 1_000_000 + 700
  const { settle, wait, loop } = createFixture(() => ({ claimed: 0, nextDue: due }))
  await settle()
  expect(wait()).toBe(700)
  due = 1_000_000 + 10 ** 9
  loop.wake()
  await settle()
  expect(wait()).toBe(45_000)
})

test('it goes on at once while there is more that is due, as long as there is room', async () => {
  let left = 7
  const { settle, requests, wait } = createFixture((now) => ({ claimed: 1, nextDue: --left > 0 ? now - 1 : null }))
  await settle()
  expect(requests).toHaveLength(7)
  expect(wait()).toBe(45_000)
})

test('runs that are due but taken by another are asked for again, less and less often', async () => {
  const { settle, wait, pass, requests } = createFixture((now) => ({ claimed: 0, nextDue: now - 1 }))
  await settle()
  const waits: (number | undefined)[] = []
  for (let turn = 0; turn < 10; turn++) {
    waits.push(wait())
    await pass()
  }
  expect(waits.slice(0, 4)).toEqual([3.75, 7.5, 15, 30])
  expect(waits.at(-1)).toBe(750)
  expect(requests).toHaveLength(11)
})

test('after a failed claim wakes wait for the next attempt, which comes later each time', async () => {
  const { settle, wait, pass, requests, errors, loop } = createFixture(() => {
    throw new Error('no')
  })
  await settle()
  const waits: (number | undefined)[] = []
  for (let turn = 0; turn < 12; turn++) {
    loop.wake()
    loop.wakeFor('x')
    await settle()
    waits.push(wait())
    await pass()
  }
  expect(waits.slice(0, 4)).toEqual([75, 150, 300, 600])
  expect(waits.at(-1)).toBe(11_250)
  expect(requests).toHaveLength(13)
  expect(errors).toHaveLength(13)
})

test('room that comes free is asked for where something was wanted that found none, and nowhere else', async () => {
  const { settle, requests, loop, setRoom } = createFixture(() => NOTHING)
  await settle()
  for (let time = 0; time < 10; time++) {
    loop.useRoom()
    await settle()
  }
  expect(requests).toHaveLength(1)
  setRoom(0)
  loop.wake()
  await settle()
  expect(requests).toHaveLength(1)
  setRoom(3)
  loop.useRoom()
  await settle()
  expect(requests).toEqual([{ limit: 10 }, { limit: 3 }])
  loop.useRoom()
  await settle()
  expect(requests).toHaveLength(2)
})

test('runs that are named are asked for by name, together, and no more than there is room for', async () => {
  const { settle, requests, loop } = createFixture(() => NOTHING)
  await settle()
  const noted = Array.from({ length: 12 }, (_, index) => loop.wakeFor(`run-${index}`))
  expect(noted.filter(Boolean)).toHaveLength(10)
  await settle()
  expect(requests).toHaveLength(2)
  expect(requests[1]).toEqual({ limit: 10, runIds: Array.from({ length: 10 }, (_, index) => `run-${index}`) })
})

test('without room it asks for nothing until it is woken with room', async () => {
  const { settle, requests, setRoom, loop, wait } = createFixture(() => NOTHING)
  await settle()
  setRoom(0)
  loop.wake()
  await settle()
  expect(loop.wakeFor('a')).toBe(false)
  await settle()
  expect(requests).toHaveLength(1)
  expect(wait()).toBe(45_000)
  setRoom(3)
  loop.wake()
  await settle()
  expect(requests[1]).toEqual({ limit: 3 })
})
