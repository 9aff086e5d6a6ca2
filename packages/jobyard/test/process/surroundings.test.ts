import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ENVIRONMENT, ended, openYard } from './harness.ts'

/** Everybody, nobody: a user that owns nothing. */
const NOBODY = 65534
const isRoot = process.getuid?.() === 0

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a process gets the environment it was given and its marker, and nothing of the server', async () => {
  const dataFolderId = randomUUID()
  const yard = await openYard({ dataFolderId, instanceId: 'here' })
  const taskId = randomUUID()
  const run = await yard.shell('', {
    file: '/usr/bin/env',
    args: [],
    taskId,
    env: { ...ENVIRONMENT, GREETING: 'hello' },
  })
  await run.process.exited
  await ended(yard, run)
  const lines = run.text().trim().split('\n').sort()
  const expected = ['GREETING=hello', `JOBYARD_MARK=${dataFolderId}.here/${taskId}`, `PATH=${ENVIRONMENT.PATH}`]
  expect(lines).toEqual(expected)
})

test('a script can open /dev/stdout and /dev/stderr', async () => {
  const yard = await openYard()
  const run = await yard.shell('echo out > /dev/stdout; echo err > /dev/stderr; echo again >> /dev/stderr')
  expect(await run.process.exited).toMatchObject({ code: 0 })
  await ended(yard, run)
  expect(run.text('output')).toBe('out\n')
  expect(run.text('error')).toBe('err\nagain\n')
})

test('its input is empty, its working directory the given one, its files private, its core dumps none', async () => {
  const yard = await openYard()
  const folder = makeFolder()
  const run = await yard.shell('cat; pwd; umask; ulimit -c', { cwd: folder })
  await run.process.exited
  await ended(yard, run)
  expect(run.text()).toBe(`${folder}\n0077\n0\n`)
})

test('it has a session of its own and no open files but the three', async () => {
  const yard = await openYard()
  const list = 'for f in /proc/$$/fd/*; do [ -L $f ] && printf "%s " "$(basename $f)"; done'
  const run = await yard.shell(`echo $$; cut -d" " -f5,6 /proc/$$/stat; ${list}`)
  await run.process.exited
  await ended(yard, run)
  const [pid, group, descriptors] = run.text().split('\n')
  expect(group).toBe(`${pid} ${pid}`)
  // Whoever started the tests may have left higher ones open; the warden's own lie between 3 and 99.
  const low = descriptors
    ?.trim()
    .split(' ')
    .map(Number)
    .filter((descriptor) => descriptor < 100)
  expect(low).toEqual([0, 1, 2])
})

test.runIf(isRoot)('it runs as another user without groups, and that one can open /dev/stderr too', async () => {
  const yard = await openYard()
  const user = { uid: NOBODY, gid: NOBODY }
  const run = await yard.shell('id -u; id -G; echo trouble > /dev/stderr', { user })
  expect(await run.process.exited).toMatchObject({ code: 0 })
  await ended(yard, run)
  expect(run.text()).toBe(`${NOBODY}\n${NOBODY}\n`)
  expect(run.text('error')).toBe('trouble\n')
})

test('a program that cannot be started is refused with its name and the reason', async () => {
  const yard = await openYard()
  const folder = makeFolder()
  const orphan = join(folder, 'orphan')
  writeFileSync(orphan, '#!/no/such/interpreter\n')
  chmodSync(orphan, 0o755)
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'plain'), 'echo hello\n', { mode: 0o644 })
  const refusal = async (file: string, more: object = {}): Promise<string> => {
    const error = await yard.shell('', { file, args: [], ...more }).catch((refused: unknown) => refused)
    expect(error).toMatchObject({ code: 'spawn-failed', status: 500, exit: 1 })
    return (error as Error).message
  }
  expect(await refusal('/no/such/program')).toBe('/no/such/program cannot be started: there is no such file.')
  expect(await refusal(orphan)).toContain('its first line asks for /no/such/interpreter, which does not exist')
  expect(await refusal(join(folder, 'folder'))).toContain('it is a folder')
  expect(await refusal(join(folder, 'plain'))).toContain('it may not be executed')
  expect(await refusal('/bin/true', { cwd: '/no/such/folder' })).toContain(
    'its working directory /no/such/folder does not',
  )
  expect(await refusal('/bin/true', { args: ['x'.repeat(3_000_000)] })).toContain('longer than the system allows')
  const next = await yard.shell('exit 0')
  expect(await next.process.exited).toMatchObject({ code: 0 })
})
