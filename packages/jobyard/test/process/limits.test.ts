import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { removeLeftoverCgroups } from '../../src/process/cgroup/leftovers.ts'
import { CgroupPool } from '../../src/process/cgroup/pool.ts'
import { pause } from '../../src/process/pause.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openYard } from './harness.ts'
import { startSmallServer } from './small-server.ts'

const MEGABYTE = 1024 * 1024
const NOBODY = 65534
const isRoot = process.getuid?.() === 0
const support = probe()

/** What control groups can do here. */
function probe(): CgroupPool['support'] | undefined {
  const name = randomUUID()
  const found = CgroupPool.open(name, systemClock)?.support
  removeLeftoverCgroups(name)
  return found
}

const keepsMemory = support !== undefined && support.memory !== 'none'
const keepsProcesses = support !== undefined && support.processes !== 'none'
const BOMB = 'i=0; while [ $i -lt 1000 ]; do sleep 300 & i=$((i+1)); done; echo all; wait'

test.runIf(keepsProcesses)(
  'a run that wants more processes than it may have fails alone, and says why',
  async () => {
    const yard = await openYard()
    const neighbour = await yard.shell('echo here; sleep 300')
    await neighbour.firstLine()
    const bomb = await yard.shell(BOMB, { limits: { processes: 64 } })
    const exit = await bomb.process.exited
    expect(exit).toMatchObject({ limit: 'processes', lost: false })
    expect(exit.code).not.toBe(0)
    await ended(yard, bomb)
    expect(bomb.text()).not.toContain('all')
    expect(await (await yard.shell('exit 0')).process.exited).toMatchObject({ code: 0, limit: null })
    expect((await neighbour.process.sample()).outputBytes).toBe(5)
    neighbour.process.kill()
    await neighbour.process.exited
  },
  60_000,
)

test.runIf(keepsProcesses)('a bomb of orphans can be killed', async () => {
  const yard = await openYard()
  const script = 'f() { (f & f &) ; }; f; sleep 300'
  const bomb = await yard.shell(script, { limits: { processes: 64 } })
  await eventually('it has gone off', async () => (await bomb.process.sample()).cpuMs !== null)
  bomb.process.kill()
  expect(await bomb.process.exited).toMatchObject({ lost: false })
})

test.runIf(keepsMemory)(
  'a run that needs more memory than it may have fails alone, and says why',
  async () => {
    const yard = await openYard()
    const eater = await yard.shell('head -c 300000000 /dev/zero | tail > /dev/null', {
      limits: { memoryBytes: 64 * MEGABYTE },
    })
    const exit = await eater.process.exited
    expect(exit).toMatchObject({ limit: 'memory', lost: false })
    expect(exit.code).not.toBe(0)
    expect(exit.peakBytes).toBeGreaterThan(48 * MEGABYTE)
    expect(exit.peakBytes).toBeLessThanOrEqual(64 * MEGABYTE)
    const next = await yard.shell('exit 0', { limits: { memoryBytes: 64 * MEGABYTE } })
    expect(await next.process.exited).toMatchObject({ code: 0, limit: null })
  },
  60_000,
)

test.runIf(keepsMemory)(
  'limits hold from run to run, whatever the run before had',
  async () => {
    const yard = await openYard()
    const eat = (limits: object) => yard.shell('head -c 100000000 /dev/zero | tail > /dev/null', { limits })
    for (let time = 0; time < 3; time++) {
      const free = await eat({})
      expect(await free.process.exited).toMatchObject({ code: 0, limit: null })
      const bound = await eat({ memoryBytes: 32 * MEGABYTE })
      expect(await bound.process.exited).toMatchObject({ limit: 'memory' })
    }
  },
  60_000,
)

test.runIf(keepsMemory)(
  'tight limits hold from the first moment, even when many start at once',
  async () => {
    const yard = await openYard()
    const script = 'echo begun; head -c 60000000 /dev/zero | tail > /dev/null'
    let left = 40
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const run = await yard.shell(script, { limits: { memoryBytes: 16 * MEGABYTE } })
        expect(await run.process.exited).toMatchObject({ limit: 'memory' })
        await ended(yard, run)
        expect(run.text()).toBe('begun\n')
      }
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    const missing = yard.shell('', { file: '/no/such/program', args: [], limits: { memoryBytes: 16 * MEGABYTE } })
    await expect(missing).rejects.toThrow('/no/such/program cannot be started: there is no such file.')
  },
  60_000,
)

test('CPU time and peak memory of a run and its children are told', async () => {
  const yard = await openYard()
  const work = 'i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done'
  const run = await yard.shell(`sh -c '${work}'; head -c 30000000 /dev/zero | tail > /dev/null; sleep 1.1`)
  const exit = await run.process.exited
  expect(exit.cpuMs).toBeGreaterThan(100)
  expect(exit.cpuMs).toBeLessThan(30_000)
  if (keepsMemory) expect(exit.peakBytes).toBeGreaterThan(25 * MEGABYTE)
  expect(exit.limit).toBeNull()
})

test('CPU time and peak memory are told of a run of a moment, too, whatever ran before it', async () => {
  const yard = await openYard()
  // Right after another run a process is in its control group at once; after a rest the kernel takes its time.
  for (const rest of [0, 30, 0, 30]) {
    await pause(systemClock, rest)
    const short = await (await yard.shell('i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.03')).process.exited
    expect(short.cpuMs).toBeGreaterThan(0)
    expect(short.peakBytes).toBeGreaterThan(100_000)
    expect((await (await yard.shell('exit 0')).process.exited).cpuMs).not.toBeNull()
    const early = await (await yard.shell('head -c 30000000 /dev/zero | tail > /dev/null; sleep 0.1')).process.exited
    if (keepsMemory) expect(early.peakBytes).toBeGreaterThan(25 * MEGABYTE)
  }
})

test.runIf(isRoot)(
  'an ordinary user, who may make no control groups, gets rlimits and the same endings',
  async () => {
    const dataFolderId = randomUUID()
    const server = await startSmallServer({
      dataFolderId,
      uid: NOBODY,
      scripts: [
        { script: 'setsid sleep 300 > /dev/null 2>&1 & echo $!; echo trouble > /dev/stderr; exit 3' },
        { script: 'head -c 300000000 /dev/zero | tail | wc -c', limits: { memoryBytes: 64 * MEGABYTE } },
        { script: BOMB, limits: { processes: 20 } },
      ],
    })
    expect(server.support).toMatchObject({ memory: 'rlimit', processes: 'rlimit' })
    expect(server.support.notes.length).toBe(3)
    await eventually('all have ended', () => server.exits.length === 3, 30_000)
    const [left, eater, bomb] = [0, 1, 2].map((index) => server.exits.find((exit) => exit.index === index))
    expect(left).toMatchObject({ code: 3, lost: false })
    expect(left?.cpuMs).not.toBeNull()
    // With 64 MB of address space tail could not take in 300 MB and gave up.
    expect(eater?.error).toMatch(/memory/)
    expect(bomb?.code).not.toBe(0)
    await server.end('SIGTERM')
  },
  60_000,
)
