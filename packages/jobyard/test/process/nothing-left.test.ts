import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { findGroups } from '../../src/process/cgroup/leftovers.ts'
import { listPids, readStat } from '../../src/process/proc.ts'
import { eventually } from '../support/eventually.ts'
import { findMarked, findWarden, openYard } from './harness.ts'

/** Names below a folder, without those of Node's own temporary files. */
function pipeFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('jobyard-pipes-'))
}

test('two hundred runs leave no process, no zombie, no open file and no control group', async () => {
  const yard = await openYard()
  yard.sink.keep = false
  const runMany = async (count: number): Promise<void> => {
    let left = count
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const run = await yard.shell(
          'echo hello; sleep 300 & exit 0',
          left % 3 === 0 ? { limits: { processes: 5000 } } : {},
        )
        expect(await run.process.exited).toMatchObject({ code: 0 })
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  }
  const warden = findWarden(yard.dataFolderId) ?? 0
  const countFiles = (): number => readdirSync(`/proc/${warden}/fd`).length
  await runMany(40)
  const before = countFiles()
  await runMany(200)
  // The pools may still grow by what the first runs happened not to need at the same time.
  expect(countFiles() - before).toBeLessThan(60)
  const after = countFiles()
  await runMany(200)
  // On a busy machine one more batch of pipes may be needed now; what leaks with each run would be two hundred.
  expect(countFiles() - after).toBeLessThan(40)
  expect(findMarked(`${yard.dataFolderId}.`)).toEqual([warden])
  const zombies = listPids().filter((pid) => readStat(pid)?.parent === warden)
  expect(zombies).toEqual([])
  expect(pipeFolders()).toEqual([])
  await yard.host.stop()
  expect(findGroups(yard.dataFolderId)).toEqual([])
  await eventually('the warden has gone', () => readStat(warden) === null)
}, 60_000)
