/** A server whose disk is full: it stays up, says so, and goes on when there is room. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { codeOf, startLoneServer } from './lone-server.ts'

/** Whether a small file system can be mounted: by root, and not in every container. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const mountable = canMount()

/** A disk of so many megabytes that everybody may enter. It is gone after the test, and after the server on it. */
function mountSmallDisk(megabytes: number): string {
  const root = mkdtempSync('/tmp/jobyard-small-')
  const disk = join(root, 'disk')
  mkdirSync(disk)
  execFileSync('chmod', ['711', root])
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', disk])
  onTestFinished(() => {
    execFileSync('umount', ['-l', disk])
    rmSync(root, { recursive: true })
  })
  return disk
}

/** Leaves only so many bytes free. Answers how to make room again. */
function fillUp(disk: string, leaving: number): () => void {
  const ballast = join(disk, 'ballast')
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaving)))
  return () => rmSync(ballast, { force: true })
}

const MB = 1024 * 1024
const why = mountable ? '' : ' (skipped: a small disk cannot be mounted here; that needs root on Linux)'

describe.skipIf(!mountable)(`a full disk${why}`, () => {
  test('fails the run that filled it with output, and no other one after it', { timeout: 90_000 }, async () => {
    const disk = mountSmallDisk(64)
    const server = await startLoneServer({ dataFolder: join(disk, 'data') })
    await server.makeJob('small', 'echo all is well\n', { policy: { overlap: 'allow' } })
    await server.makeJob('large', 'head -c 30000000 /dev/zero | tr "\\0" x\n', { policy: { output: '200MB' } })
    expect(await server.run('small')).toMatchObject({ state: 'completed' })
    const makeRoom = fillUp(disk, 6 * MB)
    const { id } = await server.jobyard.runs.create('large')
    await eventually(
      'some of the output is given up',
      async () => (await server.jobyard.output.page(id)).dropped > 0,
      40_000,
    )
    // Output has taken the last bytes, so the run's end is written down as soon as there is room again.
    await server.requireAlive()
    makeRoom()
    const run = await server.jobyard.runs.wait(id, { timeoutMs: 30_000 })
    expect(run).toMatchObject({ state: 'failed', reason: { code: 'store-full' } })
    expect(await server.run('small')).toMatchObject({ state: 'completed' })
  })

  test('refuses what it cannot write down, and loses nothing that it took', { timeout: 90_000 }, async () => {
    const disk = mountSmallDisk(24)
    const server = await startLoneServer({ dataFolder: join(disk, 'data') })
    await server.makeJob('small', 'sleep 0.2\n', { policy: { overlap: 'allow' } })
    expect(await server.run('small')).toMatchObject({ state: 'completed' })
    const makeRoom = fillUp(disk, 0)
    const taken: string[] = []
    // The log of the database has room for a few more; then there is none.
    const code = await eventually('a run is refused', async () => {
      const asked = server.jobyard.runs.create('small', { payload: { text: 'x'.repeat(100_000) } })
      asked.then(
        ({ id }) => taken.push(id),
        () => undefined,
      )
      return await codeOf(asked)
    })
    expect(code).toBe('store-full')
    await server.requireAlive()
    expect((await server.jobyard.jobs.get('small')).name).toBe('small')
    makeRoom()
    for (const id of taken) {
      const run = await server.jobyard.runs.wait(id, { timeoutMs: 30_000 })
      expect(run.finishedAt).not.toBeNull()
    }
    expect(await server.run('small')).toMatchObject({ state: 'completed' })
  })
})
