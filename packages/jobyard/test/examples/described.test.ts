import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', '..', 'examples')
const folders = (await readdir(EXAMPLES, { withFileTypes: true })).filter((each) => each.isDirectory())
const names = folders.map(({ name }) => name)

describe('every example', () => {
  it('is in the list', async () => {
    const list = await readFile(join(EXAMPLES, 'README.md'), 'utf8')
    for (const name of names) expect(list).toContain(`[${name}](${name}/run.`)
  })

  it('has a test', async () => {
    const tests = await readdir(import.meta.dirname)
    for (const name of names) expect(tests).toContain(`${name}.test.ts`)
  })

  it.each(names)('%s says at the top of its script how it is deployed', async (name) => {
    const script = (await readdir(join(EXAMPLES, name))).find((file) => file.startsWith('run.')) ?? ''
    const head = (await readFile(join(EXAMPLES, name, script), 'utf8')).split('\n').slice(0, 12).join('\n')
    expect(head).toContain(`jobyard script deploy examples/${name} --name `)
  })

  it.each(names)('%s is valid bash where it is bash', async (name) => {
    const scripts = (await readdir(join(EXAMPLES, name))).filter((file) => file.endsWith('.sh'))
    for (const script of scripts) await promisify(execFile)('bash', ['-n', join(EXAMPLES, name, script)])
  })
})
