import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/cli/main.ts'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command, testTerminal } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(async () => {
  await server.stop()
})

const jobyard = (...argv: string[]) => command(argv, { env: server.env, folder: server.folder })

describe('script run --wait', () => {
  test.each([0, 1, 2, 3, 42, 130, 255])('ends with the script’s exit code %i', async (code) => {
    await deployScript(server.client, `exits-${code}`, `exit ${code}`)
    expect((await jobyard('script', 'run', `exits-${code}`, '--wait')).exit).toBe(code)
  })

  test('prints what the script prints, each stream to its own, and passes arguments on', async () => {
    await deployScript(server.client, 'talks', 'printf "%s|" "$@"; echo; echo oops >&2; exit 3')
    const result = await jobyard('script', 'run', 'talks', '--wait', '--', '--month', 'a b', '', '--json')
    expect(result.exit).toBe(3)
    expect(result.out).toBe('--month|a b||--json|\n')
    expect(result.err).toMatch(/^oops\ntalks\/1 failed after .*exit code 3\.\n$/)
  })

  test('passes bytes on as they are', async () => {
    await deployScript(server.client, 'binary', "printf '\\000\\377\\376\\033[31m'")
    const terminal = testTerminal({ env: server.env })
    await runCommand(['script', 'run', 'binary', '-w'], terminal)
    expect(terminal.bytes()).toEqual(Buffer.from([0, 255, 254, 27, 91, 51, 49, 109]))
  })

  test('ends with 1 when the script could not run to its end, and says why', async () => {
    await deployScript(server.client, 'slow', 'sleep 600', { policy: { timeout: '200ms', grace: '100ms' } })
    const { exit, err } = await jobyard('script', 'run', 'slow', '--wait')
    expect(exit).not.toBe(0)
    expect(err).toMatch(/slow\/1 failed after .*: .+/)
  })

  test('ends with 130 when the run is stopped', async () => {
    await deployScript(server.client, 'stopped', 'echo up; sleep 600')
    const terminal = testTerminal({ env: server.env })
    const running = runCommand(['script', 'run', 'stopped', '--wait'], terminal)
    await terminal.wrote('up\n')
    expect((await jobyard('run', 'stop', 'stopped/1')).exit).toBe(0)
    expect(await running).toBe(130)
    expect(terminal.err()).toContain('stopped/1 stopped')
  })

  test('lets the run go on at Ctrl-C, and says how to end it', async () => {
    await deployScript(server.client, 'goes-on', 'echo up; sleep 600')
    const terminal = testTerminal({ env: server.env })
    const running = runCommand(['script', 'run', 'goes-on', '--wait'], terminal)
    await terminal.wrote('up\n')
    terminal.interrupt()
    expect(await running).toBe(130)
    expect(terminal.err()).toContain('jobyard run stop goes-on/1')
    expect((await server.client.jobs.get('goes-on')).latestRun?.state).toBe('running')
    await jobyard('run', 'stop', 'goes-on/1')
  })

  test('tells it in JSON, a document a line, the run last', async () => {
    await deployScript(server.client, 'json', 'echo out; exit 5')
    const { exit, out, err } = await jobyard('script', 'run', 'json', '--wait', '--json')
    expect(exit).toBe(5)
    expect(err).toBe('')
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ event: 'output', stream: 'output', text: 'out\n' })
    expect(lines.at(-1)).toMatchObject({ event: 'end', run: { state: 'failed', exitCode: 5 } })
  })

  test('gives the script a file as its input', async () => {
    await deployScript(server.client, 'reads', 'cat "$JOBYARD_PAYLOAD_FILE"')
    await writeFile(join(server.folder, 'in.bin'), 'from a file')
    expect((await jobyard('script', 'run', 'reads', '--wait', '--input', 'in.bin')).out).toBe('from a file')
    const piped = { env: server.env, input: 'from a pipe' }
    expect((await command(['script', 'run', 'reads', '--wait', '--input', '-'], piped)).out).toBe('from a pipe')
  })
})

describe('script run', () => {
  test('names the run that it has started; a second one is refused', async () => {
    await deployScript(server.client, 'busy', 'sleep 600')
    expect(await jobyard('script', 'run', 'busy')).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^busy\/1 is /),
    })
    expect(await jobyard('script', 'run', 'busy')).toMatchObject({ exit: 3, out: '' })
    await jobyard('run', 'stop', 'busy/1')
  })
})

describe('runs', () => {
  test('are listed, shown, suspended, resumed, stopped and repeated by job and number', async () => {
    await deployScript(server.client, 'life', 'echo "$1"; sleep 600')
    const { id } = await server.client.runs.create('life', { args: ['x'] })
    for await (const _entry of server.client.output.follow(id)) break
    expect((await jobyard('run', 'suspend', 'life/1')).out).toContain('life/1 is asked to rest')
    for (const _time of [1, 2, 3, 4, 5]) {
      await eventually('it rests', async () => (await server.client.runs.suspend(id)).state === 'suspended')
      // What is asked for comes about soon after, and must not be said to be done before.
      const resumed = (await jobyard('run', 'resume', id)).out
      expect(resumed).toMatch(/^life\/1 (is asked to go on; it is still suspended|goes on; it is running)\.\n$/)
      await eventually('it goes on', async () => (await server.client.runs.get(id)).state === 'running')
    }
    expect((await jobyard('run', 'show', 'life/1')).out).toMatch(/^run +life\/1$/m)
    await jobyard('run', 'stop', 'life/1')
    await server.client.runs.wait(id)
    expect((await jobyard('run', 'rerun', 'life/1')).out).toContain('life/2 was started')
    await jobyard('run', 'stop', 'life/2')
    const [latest] = await server.client.runs.list({ job: 'life' }).take(1)
    await server.client.runs.wait(latest?.id ?? '')
    const list = JSON.parse((await jobyard('run', 'list', '--state', 'stopped', '--limit', '2', '--json')).out)
    expect(list.map((run: { number: number; args: string[] }) => [run.number, run.args])).toEqual([
      [2, ['x']],
      [1, ['x']],
    ])
    expect((await jobyard('script', 'runs', 'life')).out).toMatch(/^RUN +STATE[\s\S]*\n +2 +stopped/)
  })
})

describe('script list and show', () => {
  test('tell what a job is, when it runs and what it last did', async () => {
    const schedule = { type: 'schedule', ncrontab: '0 0 3 * * *', timeZone: 'Europe/Berlin' }
    const spec = { env: { A: '1' }, secrets: { KEY: 'value-of-secret' } }
    await deployScript(server.client, 'shown', 'exit 9', { triggers: [schedule], spec })
    await jobyard('script', 'run', 'shown', '--wait')
    const { out } = await jobyard('script', 'show', 'shown')
    expect(out).toMatch(/^runs +0 0 3 \* \* \* \(Europe\/Berlin\)$/m)
    expect(out).toMatch(/^last run +1: failed/m)
    expect(out.match(/^next run +\d{4}-\d\d-\d\d 03:00:00 \+0[12]:00$/gm)).toHaveLength(3)
    expect(out).toMatch(/^variable +A=1$/m)
    expect(out).toMatch(/^secret +KEY$/m)
    expect(out).not.toContain('value-of-secret')
    const list = await jobyard('script', 'list', '--search', 'shown')
    expect(list.out.split('\n')).toHaveLength(3)
    expect(list.out).toMatch(/\nshown +0 0 3 \* \* \* \(Europe\/Berlin\) +idle +failed/)
    expect(list.out.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d/g)).toHaveLength(2)
    expect(JSON.parse((await jobyard('script', 'list', '--search', 'shown', '--json')).out)).toHaveLength(1)
  })
})

describe('the next run', () => {
  test('is told by the clocks of its schedule, by deploy, list and show alike', async () => {
    const file = join(server.folder, 'zoned.sh')
    await writeFile(file, 'exit 0')
    const when = ['--schedule', '0 30 7 * * *', '--time-zone', 'Asia/Kathmandu']
    const deployed = (await jobyard('script', 'deploy', file, '--name', 'zoned', ...when)).out
    const words = /\d{4}-\d\d-\d\d 07:30:00 \+05:45/
    expect(deployed).toMatch(new RegExp(`^next run +${words.source}$`, 'm'))
    const [next] = words.exec(deployed) ?? []
    expect((await jobyard('script', 'show', 'zoned')).out).toContain(`next run    ${next}\n`)
    expect((await jobyard('script', 'list', '--search', 'zoned')).out).toContain(next)
  })
})

describe('what a continuous job did', () => {
  test('is counted in words that fit the number', async () => {
    const input = { type: 'continuous', policy: { restart: { delay: '10m' }, keepRuns: 1 } } as const
    await deployScript(server.client, 'once', 'exit 1', input)
    await eventually('it has ended', async () => (await server.client.jobs.get('once')).places?.[0]?.quickEnds === 1)
    const { out } = await jobyard('script', 'show', 'once')
    expect(out).toMatch(/: started 1 time, 1 short run, starts again \d{4}-/)
    expect(out).toMatch(/^keeps +1 run$/m)
  })
})

describe('script rollback and rm', () => {
  test('go back by steps or by the beginning of a hash, and delete when told to', async () => {
    await deployScript(server.client, 'back', 'echo 1')
    const { package: second } = await deployScript(server.client, 'back', 'echo 2')
    await deployScript(server.client, 'back', 'echo 3')
    const printed = async (): Promise<string> => (await jobyard('script', 'run', 'back', '--wait')).out
    expect((await jobyard('script', 'rollback', 'back', '--steps', '2')).exit).toBe(0)
    expect(await printed()).toBe('1\n')
    expect((await jobyard('script', 'rollback', 'back', '--to', second?.slice(0, 10) ?? '')).exit).toBe(0)
    expect(await printed()).toBe('2\n')
    expect((await jobyard('script', 'rollback', 'back', '--to', 'ffffff')).exit).toBe(4)
    const asked = { env: server.env, typed: true, columns: 80 }
    expect((await command(['script', 'rm', 'back'], { ...asked, input: 'n\n' })).exit).toBe(2)
    expect((await command(['script', 'rm', 'back'], { ...asked, input: 'y\n' })).exit).toBe(0)
    expect((await jobyard('script', 'show', 'back')).exit).toBe(4)
  })
})
