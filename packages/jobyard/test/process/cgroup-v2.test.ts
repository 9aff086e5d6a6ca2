import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { removeLeftoverCgroups } from '../../src/process/cgroup/leftovers.ts'
import { findMounts } from '../../src/process/cgroup/mounts.ts'
import { openV2 } from '../../src/process/cgroup/v2.ts'
import { eventually } from '../support/eventually.ts'

/** Version 2 may be there without its controllers, beside version 1; then everything but the limits can be tried. */
function openFamily() {
  const name = randomUUID()
  const family = openV2(findMounts(), name)
  onTestFinished(async () => {
    await eventually('the groups are removed', () => removeLeftoverCgroups(name))
  })
  return family
}

const probed = randomUUID()
const isThere = openV2(findMounts(), probed) !== null
removeLeftoverCgroups(probed)

test.runIf(isThere)('a group of version 2 holds a process with its children, counts and kills them', async () => {
  const family = openFamily()
  const group = family?.make('1', {})
  const work = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; setsid sleep 300 & sleep 300'
  const child = spawn('/bin/sh', ['-c', work], { stdio: 'ignore', detached: true })
  const gone = once(child, 'exit')
  expect(await group?.joinLater(child.pid ?? 0)).toBe(true)
  await eventually('all three are in', () => group?.members().length === 3)
  expect(group?.cpuMs()).toBeGreaterThan(0)
  expect(group?.remove()).toBe(false)
  group?.kill()
  await gone
  await eventually('nobody is left', () => group?.members().length === 0)
  expect(group?.usage(true).limit).toBeNull()
  expect(group?.renew()).toBe(false)
  await eventually('it is removed', () => group?.remove())
})

test.runIf(isThere)('a group of version 2 counts anew for the next run', async () => {
  const family = openFamily()
  const group = family?.make('1', {})
  const run = async (script: string): Promise<void> => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true })
    const gone = once(child, 'exit')
    await group?.joinLater(child.pid ?? 0)
    await gone
  }
  await run('sleep 0.05; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done')
  const first = group?.cpuMs() ?? 0
  expect(first).toBeGreaterThan(10)
  expect(group?.renew()).toBe(true)
  expect(group?.cpuMs()).toBe(0)
  await run('sleep 0.05')
  expect(group?.cpuMs() ?? 0).toBeLessThan(first)
  await group?.joinLater(2 ** 22 - 1).then((joined) => expect(joined).toBe(false))
})
