import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNot } from './interpreters.ts'
import { openYard, type Yard } from './yard.ts'

const missing = await whyNot('java')
const title = `the checksums in Java${missing === undefined ? '' : ` (skipped: ${missing})`}`

describe.skipIf(missing !== undefined)(title, () => {
  let yard: Yard
  let folder: string

  beforeAll(async () => {
    yard = await openYard()
    folder = join(yard.folder, 'watched')
    await mkdir(folder)
    await writeFile(join(folder, 'one.txt'), 'one')
    await writeFile(join(folder, 'two.txt'), 'two')
    await yard.deploy('checksum-java', { name: 'checksums', spec: { args: [folder] } })
  })

  afterAll(() => yard.stop())

  it('lists all files the first time, in a form that sha256sum reads', async () => {
    const { run, text } = await yard.run('checksums')
    expect(text).toContain(`2 files in ${folder}: 2 added, 0 changed, 0 removed`)
    expect(run).toMatchObject({ state: 'completed', args: [] })
    const list = await findList()
    const { stdout } = await promisify(execFile)('sha256sum', ['--check', list])
    expect(stdout).toBe(`${folder}/one.txt: OK\n${folder}/two.txt: OK\n`)
  })

  it('fails when something has changed, where that is asked for', async () => {
    await yard.jobyard.jobs.patch('checksums', { spec: { env: { CHECKSUM_FAIL: '1' } } })
    await writeFile(join(folder, 'one.txt'), 'changed')
    await rm(join(folder, 'two.txt'))
    const { run, text } = await yard.run('checksums')
    expect(text).toContain(`changed: ${folder}/one.txt\nremoved: ${folder}/two.txt\n`)
    expect(run).toMatchObject({ state: 'failed', exitCode: 3 })
    const again = await yard.run('checksums')
    expect(again.run.state).toBe('completed')
    expect(again.text).toContain('0 added, 0 changed, 0 removed')
  })

  it('says what to do when it is not told which folder', async () => {
    const { run, errors } = await yard.run('checksums', { args: ['/no/such/folder'] })
    expect(run.exitCode).toBe(2)
    expect(errors).toContain('name one folder as the argument of the run')
  })

  /** The list in the job's data folder. */
  async function findList(): Promise<string> {
    const { dataFolder = '' } = await yard.jobyard.status()
    const names = await readdir(join(dataFolder, 'jobs'), { recursive: true })
    return join(dataFolder, 'jobs', names.find((name) => name.endsWith('checksums.txt')) ?? '')
  }
})
