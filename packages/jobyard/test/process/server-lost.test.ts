import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { findGroups } from '../../src/process/cgroup/leftovers.ts'
import { eventually } from '../support/eventually.ts'
import { dies, findMarked, findWarden, lives } from './harness.ts'
import { startSmallServer } from './small-server.ts'

/** Jobs that do their best to survive. */
const SCRIPTS = [
  { script: 'sleep 300' },
  { script: 'trap "" TERM INT HUP; while :; do sleep 0.1; done' },
  { script: 'setsid sleep 301 & setsid setsid sleep 302 & sleep 303' },
  { script: '(sleep 304 &) ; (setsid env -i sleep 305 &) ; sleep 306' },
  { script: 'sleep 307', limits: { memoryBytes: 64 * 1024 * 1024, processes: 16 } },
]

test('killing the server ends all its jobs, and the warden, within two seconds', async () => {
  const dataFolderId = randomUUID()
  const server = await startSmallServer({ dataFolderId, scripts: SCRIPTS })
  await eventually('all processes run', () => findMarked(`${dataFolderId}.`).length >= 10)
  const warden = findWarden(dataFolderId) ?? 0
  await server.end('SIGKILL')
  await eventually('nothing is left', () => findMarked(`${dataFolderId}.`).length === 0, 2000)
  expect(server.pids.filter(lives)).toEqual([])
  await dies(warden, 1000)
  expect(findGroups(dataFolderId)).toEqual([])
})

test('a frozen server is as good as dead: its jobs end after the silence, and are lost when it thaws', async () => {
  const dataFolderId = randomUUID()
  const options = { dataFolderId, silentAfterMs: 500, beatMs: 50 }
  const server = await startSmallServer({ ...options, scripts: SCRIPTS.slice(0, 2) })
  const [first = 0, second = 0] = server.pids
  const warden = findWarden(dataFolderId)
  // As long as it speaks, nothing happens.
  const began = performance.now()
  await eventually('twice the silence has passed', () => performance.now() - began > 1000)
  expect([first, second].every(lives)).toBe(true)
  server.child.kill('SIGSTOP')
  const frozenAt = performance.now()
  await Promise.all([dies(first, 3000), dies(second, 3000)])
  expect(performance.now() - frozenAt).toBeGreaterThan(300)
  await eventually('the warden has gone', () => findWarden(dataFolderId) === undefined)
  server.child.kill('SIGCONT')
  await eventually('both are told', () => server.exits.length === 2)
  expect(server.exits).toMatchObject([{ lost: true }, { lost: true }])
  const next = await eventually('another warden is there', () => findWarden(dataFolderId))
  expect(next).not.toBe(warden)
})

test('signals that a service manager sends to everybody do not move the warden', async () => {
  const dataFolderId = randomUUID()
  const server = await startSmallServer({ dataFolderId, scripts: [{ script: 'sleep 300' }] })
  const warden = findWarden(dataFolderId) ?? 0
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(warden, signal)
  await server.end('SIGTERM')
  await eventually('the end is told', () => server.exits.length > 0)
  expect(server.exits).toMatchObject([{ index: 0, signal: 'SIGKILL', lost: false }])
  expect(findMarked(`${dataFolderId}.`)).toEqual([])
})
