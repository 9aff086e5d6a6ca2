import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openYard, type Yard } from './yard.ts'

const run = promisify(execFile)

let yard: Yard
let source: string

beforeAll(async () => {
  yard = await openYard()
  source = join(yard.folder, 'photos')
  await mkdir(join(source, 'deep'), { recursive: true })
  await writeFile(join(source, 'one.txt'), 'one')
  await writeFile(join(source, 'deep', 'two with blanks.txt'), 'two')
  await yard.deploy('backup-rotate', {
    name: 'backup',
    spec: { env: { BACKUP_SOURCE: source, BACKUP_KEEP: '2' } },
  })
})

afterAll(() => yard.stop())

function archiveOf(text: string): string {
  return /Wrote (\S+)/.exec(text)?.[1] ?? ''
}

describe('the backup in bash', () => {
  it('has the schedule of its settings.job', async () => {
    const job = await yard.jobyard.jobs.get('backup')
    expect(job.triggers).toMatchObject([{ type: 'schedule', ncrontab: '0 30 2 * * *', timeZone: 'UTC' }])
    expect(job.nextDue).toMatch(/T02:30:00\.000Z$/)
  })

  it('writes an archive that holds the folder', async () => {
    const { run: ended, text } = await yard.run('backup')
    expect(text).toContain('(4 entries, ')
    expect(ended).toMatchObject({ state: 'completed', exitCode: 0, why: 'manual' })
    const target = join(yard.folder, 'restored')
    await mkdir(target)
    await run('tar', ['-xzf', archiveOf(text), '-C', target])
    expect(await readFile(join(target, 'deep', 'two with blanks.txt'), 'utf8')).toBe('two')
  })

  it('keeps the newest two of a folder and leaves those of others alone', async () => {
    const other = await yard.run('backup', { args: [dirname(source)] })
    expect(other.run.state).toBe('completed')
    await yard.run('backup')
    const { text } = await yard.run('backup')
    expect(text).toContain('Kept 2 of at most 2 archives')
    const names = (await readdir(dirname(archiveOf(text)))).toSorted()
    expect(names.filter((name) => name.startsWith('photos-'))).toHaveLength(2)
    expect(names.filter((name) => name.startsWith('shared-'))).toHaveLength(1)
    expect(names.filter((name) => !name.endsWith('.tar.gz'))).toEqual([])
  })

  it('fails, and says why, when the folder is not there', async () => {
    const { run: ended, errors } = await yard.run('backup', { args: ['/no/such/folder'] })
    expect(ended).toMatchObject({ state: 'failed', exitCode: 2, reason: { code: 'exit-code' } })
    expect(errors).toBe('backup: /no/such/folder is not a folder\n')
  })
})
