/** Jobs that take what they can get: the server stays up, and the run alone fails, with its reason on it. */
import { expect, test } from 'vitest'
import { startLoneServer } from './lone-server.ts'

const MB = 1024 * 1024

test('a job that forks a thousand children fails for its limit of processes', { timeout: 60_000 }, async (context) => {
  const server = await startLoneServer()
  const { limits } = await server.jobyard.status()
  if (!limits.processes.startsWith('cgroup')) context.skip(`processes are limited by ${limits.processes} here`)
  // Bash itself would try again for half a minute.
  const forks = 'i=0; while [ $i -lt 1000 ]; do sleep 60 & i=$((i + 1)); done; wait'
  await server.makeJob('forks', `exec sh -c '${forks}'\n`)
  const run = await server.run('forks')
  expect(run).toMatchObject({ state: 'failed', reason: { code: 'process-limit' } })
  await server.requireAlive()
  await server.makeJob('after', 'echo all is well\n')
  expect(await server.run('after')).toMatchObject({ state: 'completed' })
})

test('a job that eats memory fails for its limit, and the server does not grow', {
  timeout: 60_000,
}, async (context) => {
  const server = await startLoneServer()
  const { limits } = await server.jobyard.status()
  if (!limits.memory.startsWith('cgroup')) context.skip(`memory is limited by ${limits.memory} here`)
  await server.makeJob('eats', 'head -c 400000000 /dev/zero | tail\n', { spec: { memory: '64MB' } })
  const run = await server.run('eats')
  expect(run).toMatchObject({ state: 'failed', reason: { code: 'memory-limit' } })
  expect(run.reason?.text).toContain('64MB')
  expect(server.memory()).toBeLessThan(400 * MB)
  await server.requireAlive()
})

test('a line of 50 MB is kept up to the cap, with a mark, and the server does not hold it', {
  timeout: 90_000,
}, async () => {
  const server = await startLoneServer()
  const script = 'head -c 52428800 /dev/zero | tr "\\0" x\necho\necho the end\n'
  await server.makeJob('line', script, { policy: { output: '8MB' } })
  const before = server.memory()
  const run = await server.run('line', 60_000)
  expect(run).toMatchObject({ state: 'completed', exitCode: 0 })
  expect(server.memory() - before).toBeLessThan(200 * MB)
  const page = await server.jobyard.output.page(run.id)
  expect(page.bytes).toBe(52_428_800 + '\nthe end\n'.length)
  expect(page.dropped).toBeGreaterThan(40 * MB)
  expect(page.bytes - page.dropped).toBeLessThanOrEqual(8 * MB)
  await server.requireAlive()
})

test('all of them at once take nothing from a job beside them', { timeout: 90_000 }, async () => {
  const server = await startLoneServer()
  await server.makeJob('line', 'head -c 52428800 /dev/zero | tr "\\0" x\n', { policy: { output: '1MB' } })
  await server.makeJob('eats', 'head -c 400000000 /dev/zero | tail\n', { spec: { memory: '64MB' } })
  await server.makeJob('forks', "exec sh -c 'i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i + 1)); done; wait'\n", {
    spec: { processes: 40 },
  })
  await server.makeJob('quiet', 'echo all is well\n')
  const unruly = ['line', 'eats', 'forks'].map((name) => server.run(name, 60_000))
  expect(await server.run('quiet')).toMatchObject({ state: 'completed' })
  const [line] = await Promise.all(unruly)
  expect(line).toMatchObject({ state: 'completed' })
  await server.requireAlive()
})
