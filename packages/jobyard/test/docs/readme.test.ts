import { execFile } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT_PROGRAM } from '../../../../scripts/server.ts'
import { whyNot } from '../examples/interpreters.ts'
import { openYard, type Yard } from '../examples/yard.ts'
import { ROOT, readText } from './checkout.ts'

const run = promisify(execFile)
const text = await readText('README.md')

/** The commands of the first job, in their order: indented lines of its section. */
function firstJob(): string[] {
  const section = /## A first job[\s\S]*?\n## /.exec(text)?.[0] ?? ''
  return [...section.matchAll(/^ {4}(.+)$/gm)].map((match) => match[1] ?? '')
}

let yard: Yard
let folder: string

beforeAll(async () => {
  yard = await openYard()
  folder = yard.folder
  await mkdir(join(folder, 'bin'))
  // Stands in for npx, which would ask the registry: starts the launcher of this checkout.
  await writeFile(
    join(folder, 'bin', 'npx'),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${CHECKOUT_PROGRAM}" "$@"\n`,
  )
  await chmod(join(folder, 'bin', 'npx'), 0o755)
  await symlink(join(ROOT, 'examples'), join(folder, 'examples'))
})

afterAll(() => yard.stop())

/** Types a line as it stands in the README, in the folder of a checkout. */
async function type(line: string, input = ''): Promise<string> {
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    JOBYARD_URL: yard.server.address,
  }
  const typed = run('bash', ['-c', `set -o pipefail; ${line}`], { cwd: folder, env })
  // Even nothing, when it is written to a pipe that nobody reads, is an error.
  if (input === '') typed.child.stdin?.destroy()
  else typed.child.stdin?.end(input)
  const { stdout, stderr } = await typed
  return stdout + stderr
}

describe('the README', () => {
  it('is short enough to be read', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(150)
  })

  it('has the two commands that start it and test it', () => {
    expect(text).toContain('\n    npm ci && npm start\n')
    expect(text).toContain('\n    npm ci && npm test\n')
  })

  it('has a first job that works as it is written', async (context) => {
    const why = await whyNot('python')
    if (why !== undefined) context.skip(why)
    const lines = firstJob()
    expect(lines[0]).toBe('npx jobyard login')
    expect(await type(lines[0] ?? '', yard.server.adminToken)).toContain('Logged in')
    const printed = new Map<string, string>()
    for (const line of lines.slice(1)) {
      // Ctrl-C, which ends the looking, comes after a while.
      const typed = line.includes('--follow') ? line.replace('npx', 'timeout --signal=INT 3 npx') : line
      const ended = await type(typed).catch((error: { code?: number; stdout?: string }) => {
        if (typed === line || error.code === undefined) throw error
        return error.stdout ?? ''
      })
      printed.set(line, ended)
    }
    const of = (part: string) => [...printed].filter(([line]) => line.includes(part)).map(([, output]) => output)
    expect(of('run report --wait')[0]).toContain('100,000 orders')
    expect(of('schedule preview')[0]).toContain('07:30:00')
    expect(of('show report')[0]).toContain('0 30 7 * * MON-FRI (Europe/Berlin)')
    expect(of('logs poller')[0]).toContain('watching /tmp every 5 s')
    expect(of('run hello')[0]).toMatch(/hello, world[\s\S]*exit code 3/)
    expect(of('script list')[0]).toMatch(/hello[\s\S]*poller[\s\S]*stopped[\s\S]*report/)
  }, 60_000)
})
