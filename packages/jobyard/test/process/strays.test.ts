import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { findGroups } from '../../src/process/cgroup/leftovers.ts'
import { listPids, readStat, sendSignal } from '../../src/process/proc.ts'
import { markOf, sweepStrays } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'
import { ENVIRONMENT, findMarked, findWarden, lives } from './harness.ts'
import { startSmallServer } from './small-server.ts'

/** A process with a marker that belongs to no host. */
function startMarked(mark: string, script: string): ChildProcess {
  const env = { ...ENVIRONMENT, JOBYARD_MARK: mark }
  const child = spawn('/bin/sh', ['-c', script], { env, stdio: 'ignore', detached: true })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    // Its whole group: the shell has children.
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL')
    await gone
  })
  return child
}

test('jobs left by a server and a warden that died together are found and killed', async () => {
  const dataFolderId = randomUUID()
  const scripts = [{ script: 'setsid sleep 301 & sleep 300' }, { script: 'env -i sleep 302 & sleep 303' }]
  const server = await startSmallServer({ dataFolderId, scripts })
  const warden = findWarden(dataFolderId) ?? 0
  const findJobs = (): number[] => {
    const marked = findMarked(`${dataFolderId}.`).filter((pid) => pid !== warden)
    const inSessions = listPids().filter((pid) => lives(pid) && server.pids.includes(readStat(pid)?.session ?? 0))
    return [...new Set([...marked, ...inSessions])]
  }
  await eventually('two shells and four sleepers run', () => findJobs().length === 6)
  const jobs = findJobs()
  process.kill(warden, 'SIGSTOP')
  await server.end('SIGKILL')
  process.kill(warden, 'SIGKILL')
  expect(jobs.filter(lives)).toEqual(jobs)
  const swept = await sweepStrays({ marked: { dataFolderId }, clock: systemClock })
  expect(swept.left).toEqual([])
  expect(swept.killed).toBeGreaterThan(0)
  expect(jobs.filter(lives)).toEqual([])
  expect(findGroups(dataFolderId)).toEqual([])
})

test('a sweep leaves other data folders alone', async () => {
  const [mine, other] = [randomUUID(), randomUUID()]
  const stray = startMarked(markOf(mine, 'gone', 'task'), 'sleep 300')
  const neighbour = startMarked(markOf(other, 'here', 'task'), 'sleep 300')
  await eventually('both run', () => findMarked(mine).length > 0 && findMarked(other).length > 0)
  const swept = await sweepStrays({ marked: { dataFolderId: mine }, clock: systemClock })
  expect(swept.killed).toBeGreaterThanOrEqual(1)
  expect(stray.pid && lives(stray.pid)).toBe(false)
  expect(neighbour.pid && lives(neighbour.pid)).toBe(true)
})

test('a sweep can go by any part of the marker', async () => {
  const folder = randomUUID()
  const [one, two] = ['one', 'two'].map((instance) => startMarked(markOf(folder, instance, 'task'), 'sleep 300'))
  await eventually('both run', () => findMarked(folder).length >= 2)
  await sweepStrays({ marked: (mark) => mark === `${folder}.two/task`, clock: systemClock })
  expect(one?.pid && lives(one.pid)).toBe(true)
  expect(two?.pid && lives(two.pid)).toBe(false)
})

test('a stray that forks while it is hunted has no chance', async () => {
  const folder = randomUUID()
  const script = 'while :; do setsid sh -c "sleep 300 & sleep 300" & sleep 0.001; done'
  const bomb = startMarked(markOf(folder, 'gone', 'task'), script)
  const gone = once(bomb, 'exit')
  await eventually('it has forked a little', () => findMarked(folder).length > 60)
  const swept = await sweepStrays({ marked: { dataFolderId: folder }, clock: systemClock })
  expect(swept.left).toEqual([])
  await gone
  expect(findMarked(folder)).toEqual([])
})

test('a sweep among five hundred processes takes less than a second', async () => {
  const folder = randomUUID()
  const crowd = startMarked(markOf(folder, 'here', 'crowd'), 'for i in $(seq 500); do sleep 300 & done; wait')
  const gone = once(crowd, 'exit')
  await eventually('the crowd is there', () => findMarked(folder).length > 500)
  const began = performance.now()
  await sweepStrays({ marked: (mark) => mark.startsWith('nobody.'), clock: systemClock })
  expect(performance.now() - began).toBeLessThan(1000)
  await sweepStrays({ marked: { dataFolderId: folder }, clock: systemClock })
  await gone
})
