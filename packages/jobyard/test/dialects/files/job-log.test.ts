import { afterEach, expect, it } from 'vitest'
import { RenderedLogs } from '../../../src/dialects/webjobs/files/rendered-logs.ts'
import type { SiteFile } from '../../../src/dialects/webjobs/files/tree.ts'
import { WebJobReader } from '../../../src/dialects/webjobs/reader.ts'
import type { ServiceContext } from '../../../src/services/context.ts'
import type { LogFacts } from '../../../src/store/output/contract.ts'
import { startTestServer, type TestServer } from '../../api/server.ts'
import { eventually } from '../../support/eventually.ts'
import { contentOf } from './log-reading.ts'

const MB = 1024 * 1024

let server: TestServer | undefined

afterEach(async () => {
  await server?.stop()
})

/** A continuous job that prints what it is told to, and its log. */
async function startPrinting(outputBytes: number, facts: LogFacts = {}) {
  const given: { context?: ServiceContext } = {}
  server = await startTestServer({
    dialects: [
      (_app, context) => {
        given.context = context
      },
    ],
  })
  const { kind, stack } = server
  const told: { print?: (text: string) => void; end?: () => void } = {}
  kind.work = (_task, { output, describe, signal }) =>
    new Promise((resolve) => {
      describe({ instance: 'one', script: 'run.sh', host: 'bash', ...facts })
      told.print = (text) => output('output', text)
      told.end = () => resolve({ state: 'completed' })
      signal.addEventListener('abort', () => resolve({ state: 'stopped', reason: signal.reason.reason }))
    })
  const id = await stack.job('pump', {
    type: 'continuous',
    triggers: [{ type: 'continuous', singleton: false }],
    policy: { outputBytes, restart: { delayMs: 0 } },
  })
  const context = given.context
  if (context === undefined) throw new Error('There is no context.')
  const find = async (name: string): Promise<SiteFile | null> => {
    const reader = new WebJobReader(context, 'one')
    const job = await stack.store.read('getJob', { id })
    if (job === null) throw new Error('The job is gone.')
    const found = await new RenderedLogs({ context, reader, instance: 'one' }).folder(job).find(name)
    return found?.type === 'file' ? found : null
  }
  let number = 0
  return {
    find,
    /** Prints numbered lines, and waits until they are shown. */
    async print(lines: number): Promise<void> {
      const texts = Array.from({ length: lines }, () => `line ${++number} ${'x'.repeat(number % 90)}\n`)
      await eventually('it runs', () => told.print !== undefined)
      for (let from = 0; from < lines; from += 500) told.print?.(texts.slice(from, from + 500).join(''))
      await eventually('it is shown', async () => {
        const file = await find('job_log.txt')
        return (
          file !== null && String(await contentOf(file, Math.max(0, file.bytes - 4096))).includes(`line ${number} `)
        )
      })
    },
    /** Ends the run, and waits for the next. */
    async end(): Promise<void> {
      const { end } = told
      delete told.print
      end?.()
      await eventually('the next one runs', () => told.print !== undefined)
    },
  }
}

async function textOf(file: SiteFile | null): Promise<string> {
  return file === null ? '' : String(await contentOf(file))
}

/** The numbers of the lines are in order, and none is missing between the first and the last. */
function expectWhole(text: string): void {
  const numbers = [...text.matchAll(/ line (\d+) /g)].map(([, number]) => Number(number))
  const [first = 0] = numbers
  expect(numbers.every((number, index) => number === first + index)).toBe(true)
  expect(text.startsWith('[')).toBe(true)
  expect(text.endsWith('\r\n')).toBe(true)
}

it('is put aside again and again, at the same lines whoever looks, while the job loses its oldest output', async () => {
  const job = await startPrinting(5 * MB)
  const seen: string[] = []
  const tags = new Map<string, string | undefined>()
  for (let round = 0; round < 24; round++) {
    await job.print(5000)
    const [log, before] = [await job.find('job_log.txt'), await job.find('job_prev_log.txt')]
    const [text, aside] = [await textOf(log), await textOf(before)]
    expectWhole(aside === '' ? text : `${aside}${text}`)
    expect(log?.bytes).toBeLessThanOrEqual(MB + 200)
    if (aside === '') continue
    const lastLine = aside.length - 1 - aside.lastIndexOf('\n', aside.length - 2)
    expect(aside.length).toBeGreaterThan(MB)
    expect(aside.length - lastLine).toBeLessThanOrEqual(MB)
    if (seen.at(-1) !== aside) seen.push(aside)
    // Whoever has it already is told so, whatever its run prints meanwhile.
    expect(before?.tag).toBe(tags.get(aside) ?? before?.tag)
    tags.set(aside, before?.tag)
  }
  expect(new Set(tags.values()).size).toBe(seen.length)
  // What is put aside is what follows on what was put aside before: they are cut nowhere else later.
  expect(seen.length).toBeGreaterThan(5)
  expectWhole(seen.join(''))
})

it('goes over from one run to the next', async () => {
  const job = await startPrinting(32 * MB)
  for (let round = 0; round < 6; round++) {
    await job.print(4000)
    await job.end()
  }
  await job.print(10)
  const [text, aside] = [await textOf(await job.find('job_log.txt')), await textOf(await job.find('job_prev_log.txt'))]
  expectWhole(`${aside}${text}`)
  expect(aside.length).toBeGreaterThan(MB)
  expect(`${aside}${text}`).toMatch(
    /SYS INFO\] Status changed to Success\r\n.*waiting for 0 seconds\r\n.*Status changed to PendingRestart\r\n.*Run script 'run\.sh' with script host - 'BashScriptHost'\r\n.*Status changed to Running\r\n/,
  )
})

it('says in each file once, and always at the same place, that the site is not always on', async () => {
  const job = await startPrinting(5 * MB, { alwaysOn: 'off' })
  const warned = (text: string) =>
    text.split('\r\n').flatMap((line, index) => (line.includes("'Always On' doesn't appear") ? [index] : []))
  await job.print(10)
  expect(warned(await textOf(await job.find('job_log.txt')))).toEqual([1])
  const seen: string[] = []
  for (let round = 0; round < 12; round++) {
    await job.print(5000)
    if (round % 4 === 3) await job.end()
    const [log, before] = [await job.find('job_log.txt'), await job.find('job_prev_log.txt')]
    const [text, aside] = [await textOf(log), await textOf(before)]
    expect(text.length).toBe(log?.bytes)
    expectWhole(aside === '' ? text : `${aside}${text}`)
    expect(warned(text)).toEqual([aside === '' ? 1 : 0])
    const [first = '', second = ''] = text.split('\r\n')
    if (aside !== '')
      expect(first.slice(0, '[05/01/2024 12:00:00 > '.length)).toBe(second.slice(0, '[05/01/2024 12:00:00 > '.length))
    if (aside === '' || seen.at(-1) === aside) continue
    expect(warned(aside)).toEqual([seen.length === 0 ? 1 : 0])
    const lastLine = aside.length - 1 - aside.lastIndexOf('\n', aside.length - 2)
    expect(aside.length).toBeGreaterThan(MB)
    expect(aside.length - lastLine).toBeLessThanOrEqual(MB)
    seen.push(aside)
  }
  expect(seen.length).toBeGreaterThan(3)
  expectWhole(seen.join(''))
})
