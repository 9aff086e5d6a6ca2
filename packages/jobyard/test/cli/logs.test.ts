import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf, type OutputEntry } from '@jobyard/client'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/cli/main.ts'
import { lastLines } from '../../src/cli/script/logs.ts'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command, testTerminal } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(async () => {
  await server.stop()
})

const jobyard = (...argv: string[]) => command(argv, { env: server.env })

describe('script logs', () => {
  test('prints the latest run as one log, or the one that is named, whole or its last lines', async () => {
    await deployScript(server.client, 'lines', 'for i in 1 2 3; do echo "$1 $i"; echo "err $i" >&2; sleep 0.03; done')
    await jobyard('script', 'run', 'lines', '--wait', '--', 'first')
    await jobyard('script', 'run', 'lines', '--wait', '--', 'second')
    const { exit, out, err } = await jobyard('script', 'logs', 'lines')
    expect([exit, err]).toEqual([0, ''])
    expect(out.split('\n').toSorted()).toEqual(
      ['', 'second 1', 'err 1', 'second 2', 'err 2', 'second 3', 'err 3'].toSorted(),
    )
    expect((await jobyard('script', 'logs', 'lines', '--run', '1')).out).toContain('first 1\n')
    const whole = out.trimEnd().split('\n')
    for (const count of [0, 1, 2, 5, 6, 100]) {
      const tail = (await jobyard('script', 'logs', 'lines', '--tail', String(count))).out
      expect(tail).toBe(count === 0 ? '' : `${whole.slice(-count).join('\n')}\n`)
    }
    const entries = (await jobyard('script', 'logs', 'lines', '--json')).out.trimEnd().split('\n')
    expect(entries.map((line) => JSON.parse(line).text).join('')).toBe(out)
  })

  test('follows a run to its end, from its last lines on', async () => {
    const script = 'echo a; echo b; until [ -e "$JOBYARD_DATA_PATH/go" ]; do sleep 0.01; done; echo c'
    const job = await deployScript(server.client, 'follow', script)
    const { id } = await server.client.runs.create('follow')
    for await (const entry of server.client.output.follow(id)) if (entry.text?.includes('b')) break
    const terminal = testTerminal({ env: server.env })
    const running = runCommand(['script', 'logs', 'follow', '-f', '--tail', '1'], terminal)
    await terminal.wrote('b\n')
    await writeFile(join(server.data, 'jobs', job.id, 'data', 'go'), '')
    expect(await running).toBe(0)
    expect(terminal.out()).toBe('b\nc\n')
  })

  test('goes on with the next run of a continuous job, until Ctrl-C', async () => {
    const triggers = [{ type: 'continuous' }]
    const policy = { restart: { delay: '50ms' }, grace: '100ms' }
    await deployScript(server.client, 'again', 'echo "run $JOBYARD_RUN_ID"; sleep 0.2', {
      type: 'continuous',
      triggers,
      policy,
    })
    const terminal = testTerminal({ env: server.env })
    const running = runCommand(['script', 'logs', 'again', '--follow'], terminal)
    await terminal.wrote('[jobyard] run 3 of again')
    terminal.interrupt()
    expect(await running).toBe(0)
    const runs = terminal.out().trimEnd().split('\n')
    expect(runs.length).toBeGreaterThanOrEqual(2)
    expect(new Set(runs).size).toBe(runs.length)
    await jobyard('script', 'stop', 'again')
  })
})

describe('the last lines of a log', () => {
  test('are the same however the log is cut into entries', () => {
    const byte = fc.constantFrom(10, 10, 97, 98, 0, 255)
    fc.assert(
      fc.property(
        fc.array(fc.array(byte, { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
        fc.nat(6),
        (pieces, count) => {
          const items: OutputEntry[] = pieces.map((piece, index) => ({
            seq: index + 1,
            time: '2026-01-01T00:00:00.000Z',
            stream: 'output',
            base64: Buffer.from(piece).toString('base64'),
          }))
          const whole = Buffer.from(pieces.flat()).toString('latin1')
          const lines = whole.match(/[^\n]*\n|[^\n]+$/g) ?? []
          const got = lastLines(items, count)
          const text = Buffer.concat(got.entries.map((entry) => bytesOf(entry))).toString('latin1')
          expect(text).toBe(lines.slice(lines.length - Math.min(count, lines.length)).join(''))
          if (lines.length > count) expect(got.whole).toBe(true)
        },
      ),
    )
  })
})

describe('events', () => {
  test('are printed as they come, as text or as JSON, until Ctrl-C', async () => {
    const job = await deployScript(server.client, 'eventful', 'true')
    const people = testTerminal({ env: server.env })
    const programs = testTerminal({ env: server.env })
    const running = [
      runCommand(['events', '--follow', '--job', 'eventful'], people),
      runCommand(['events', '-f', '--json'], programs),
    ]
    // Events are heard from the moment of connecting; until both have heard one, more are made.
    const heard = Promise.all([people.wrote('run.changed'), programs.wrote('run.changed')])
    let done = false
    void heard.then(() => {
      done = true
    })
    while (!done) {
      await server.client.runs.wait((await server.client.runs.create(job.id)).id)
    }
    people.interrupt()
    programs.interrupt()
    expect(await Promise.all(running)).toEqual([0, 0])
    expect(people.out()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d {2}run\.changed {2}.*state=/m)
    for (const line of programs.out().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('id')
  })

  test('of the past are listed, the newest last, and the command ends', async () => {
    const job = await deployScript(server.client, 'past', 'true')
    const run = await server.client.runs.wait((await server.client.runs.create(job.id)).id)
    const { exit, out, err } = await jobyard('events', '--job', 'past')
    expect([exit, err]).toEqual([0, ''])
    const lines = out.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(2)
    expect(lines[0]).toContain('job.saved')
    expect(out).toContain(`runId=${run.id}`)
    const last = await jobyard('events', '--job', 'past', '--limit', '1', '--json')
    const event = JSON.parse(last.out)
    expect(last.out.trimEnd().split('\n')).toHaveLength(1)
    expect((await jobyard('events', '--job', 'past', '--after', event.id)).out).toBe('')
    const refusal = await jobyard('events', '--limit', '0')
    expect([refusal.exit, refusal.err]).toEqual([2, expect.stringContaining('--limit')])
  })

  test('of the past come before those that follow, when a number of them is named', async () => {
    const job = await deployScript(server.client, 'both', 'true')
    const first = await server.client.runs.wait((await server.client.runs.create(job.id)).id)
    const people = testTerminal({ env: server.env })
    const running = runCommand(['events', '-f', '--job', 'both', '--limit', '100'], people)
    await people.wrote(first.id)
    const second = await server.client.runs.wait((await server.client.runs.create(job.id)).id)
    await people.wrote(second.id)
    people.interrupt()
    expect(await running).toBe(0)
    const lines = people.out().trimEnd().split('\n')
    expect(new Set(lines).size).toBe(lines.length)
    expect(lines.filter((line) => line.includes('run.created'))).toHaveLength(2)
  })
  test('behind one of an earlier start are listed as far as they are kept, and that some are missing is said', async () => {
    await deployScript(server.client, 'gone', 'true')
    const listed = await jobyard('events', '--job', 'gone', '--after', 'earlier-5')
    expect(listed.out).toContain('job.saved')
    expect(listed.err).toMatch(/^warning: Some of what happened behind earlier-5 is not kept any longer/)
    const programs = await jobyard('events', '--job', 'gone', '--after', 'earlier-5', '--json')
    const [first = '', ...rest] = programs.out.trimEnd().split('\n')
    expect(JSON.parse(first)).toEqual({ type: 'gap', reason: expect.stringContaining('earlier-5') })
    expect(rest.map((line) => JSON.parse(line).type)).toContain('job.saved')
    expect(programs.err).toBe('')
  })

  test.each(['--limit=100', '--limit=1'])('that follow with %s say once that some are missing', async (limit) => {
    const job = await deployScript(server.client, `gone${limit.length}`, 'true')
    const people = testTerminal({ env: server.env })
    const argv = ['events', '-f', '--job', job.name, '--after', 'earlier-5', limit]
    const running = runCommand(argv, people)
    await people.wrote('job.saved')
    const run = await server.client.runs.wait((await server.client.runs.create(job.id)).id)
    await people.wrote(run.id)
    people.interrupt()
    expect(await running).toBe(0)
    expect((people.out() + people.err()).match(/not kept any longer/g)).toHaveLength(1)
  })

  test('that follow say once that some are missing where nothing is kept of what is asked for', async () => {
    const { id, name } = await server.client.collections.create('quiet')
    expect(id).not.toBe('')
    const people = testTerminal({ env: server.env })
    const running = runCommand(['events', '-f', '--collection', name, '--after', 'earlier-5', '--limit', '5'], people)
    await people.wrote('not kept any longer')
    await deployScript(server.client, 'first-of-quiet', 'true', { collection: name })
    await people.wrote('job.saved')
    people.interrupt()
    expect(await running).toBe(0)
    expect((people.out() + people.err()).match(/not kept any longer/g)).toHaveLength(1)
  })

  test('behind what is no event are refused with the option and the place where ids are found', async () => {
    for (const follow of [[], ['--follow']]) {
      const { exit, out, err } = await jobyard('events', ...follow, '--after', 'nonsense')
      expect([exit, out]).toEqual([2, ''])
      expect(err).toMatch(/--after is "nonsense"/)
      expect(err).toMatch(/jobyard events --json/)
    }
  })
})
