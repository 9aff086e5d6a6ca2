import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { LineForm } from '../../../src/dialects/webjobs/files/log-line.ts'
import { attemptSegments } from '../../../src/dialects/webjobs/files/run-log.ts'
import { readSegments, streamOf, sumBytes } from '../../../src/dialects/webjobs/files/segments.ts'
import { shortName } from '../../../src/domain/instance-name.ts'
import type { OutputStore } from '../../../src/store/output/contract.ts'
import { createOutputStore } from '../../../src/store/output/store.ts'
import { makeFolder, openStore } from '../../output/place.ts'
import { eventually } from '../../support/eventually.ts'
import { bytesOf, ID, shownLog, withoutTimes, writeLog } from './log-reading.ts'

const MB = 1024 * 1024

/** Numbered lines of many lengths; the pieces they come in begin and end anywhere. */
function numberedLines(bytes: number, first = 0): Buffer {
  const lines: string[] = []
  for (let number = first, length = 0; length < bytes; number++) {
    const line = `${number} ${'x'.repeat((number * 37) % 400)}\n`
    lines.push(line)
    length += line.length
  }
  return Buffer.from(lines.join(''))
}

function piecesOf(bytes: Buffer, length: number) {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) => ({
    stream: index % 5 === 4 ? ('error' as const) : ('output' as const),
    bytes: bytes.subarray(index * length, (index + 1) * length),
  }))
}

async function expectRanges(output: OutputStore, taskId: string, final = true): Promise<Buffer> {
  const shown = await shownLog(output, taskId, { final })
  const whole = await bytesOf(shown)
  expect(whole.length).toBe(shown.bytes)
  for (let step = 1; step <= 24; step++) {
    const from = Math.floor((whole.length * step * 0.618) % whole.length)
    const to = Math.min(whole.length, from + 1 + ((step * 7919) % 300_000))
    expect((await bytesOf(shown, from, to)).equals(whole.subarray(from, to)), `${from} to ${to}`).toBe(true)
  }
  return whole
}

test('any part of a long log is the same part of the whole, and is found without reading what comes before', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  const bytes = numberedLines(20 * MB)
  await writeLog(output, taskId, piecesOf(bytes, 40_001))
  const whole = await expectRanges(output, taskId)
  expect(whole.toString().split('\r\n').length - 1).toBe(
    (await output.figures([{ taskId, final: true }]))[0]?.counts.lines,
  )
  const { perLine, perOwnLine: perSystemLine } = new LineForm(ID)
  const position = await output.findPosition(taskId, { at: whole.length - 1, perLine, perSystemLine })
  expect(position?.counts.lineBytes).toBeGreaterThan(15 * MB)
})

test('that a folder was made ready comes before the beginning of the script, and what it prints behind', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  const changed = (file: string) =>
    `Job directory change detected: Job file '${file}' is missing in the working folder.`
  const facts = { instance: 'one', script: 'run.js', host: 'node', changes: '2' }
  const pieces = [`${changed('a')}\n`, `${changed('b')}\n`, 'Stopping: now.\n'].map((text) => {
    return { stream: 'system' as const, bytes: Buffer.from(text) }
  })
  const printed = { stream: 'output' as const, bytes: Buffer.from('printed\n') }
  await writeLog(output, taskId, [...pieces.slice(0, 2), printed, ...pieces.slice(2)], { facts })
  const [figures] = await output.figures([{ taskId, final: true }])
  const task = { startedAt: 1, finishedAt: 1, reasonCode: null, reasonText: null, exitCode: 0 }
  const segments = await attemptSegments({ output, here: ID }, { attempts: [{ task, figures }] })
  const whole = await Array.fromAsync(readSegments(segments, 0, sumBytes(segments)))
  const text = withoutTimes(Buffer.concat(whole)).replaceAll(shortName('one'), ID)
  const lines = [
    changed('a'),
    changed('b'),
    "Run script 'run.js' with script host - 'NodeScriptHost'",
    'Status changed to Running',
    'printed',
    'Stopping: now.',
  ]
  const level = (line: string) => (line === 'printed' ? 'INFO' : 'SYS INFO')
  expect(text).toBe(lines.map((line) => `[TIME > ${ID}: ${level(line)}] ${line}\r\n`).join(''))
})

test('a log of a version that counted no lines is shown in the same way', async () => {
  const folder = await makeFolder()
  const path = join(folder, 'output.db')
  const taskId = randomUUID()
  const open = () =>
    createOutputStore({ database: { kind: 'sqlite', path }, onFatal: (error) => expect.unreachable(error.message) })
  let output = await open()
  onTestFinished(() => output.stop())
  await writeLog(output, taskId, piecesOf(numberedLines(9 * MB), 33_333))
  const before = await expectRanges(output, taskId)
  await output.stop()
  const database = new DatabaseSync(path)
  database.exec('update logs set lines = null, system_lines = null, line_bytes = null, line_time = null')
  database.exec('delete from line_marks')
  database.close()
  output = await open()
  // Several ask at once, and it is counted once.
  const all = await Promise.all([shownLog(output, taskId), shownLog(output, taskId)])
  for (const shown of all) expect(shown.bytes).toBe(before.length)
  expect((await expectRanges(output, taskId)).equals(before)).toBe(true)
  await output.stop()
  const after = new DatabaseSync(path, { readOnly: true })
  expect(after.prepare('select count(*) as marks from line_marks').get()?.marks).toBe(2)
  after.close()
})

test('what is shown of a log that goes on only grows, and its open line comes with its end', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  await output.open(taskId, { capBytes: MB, rolling: false, secrets: [] })
  let shown: Buffer = Buffer.alloc(0)
  for (const [index, text] of ['one\ntw', 'o\r', '\nthree', '\n\n', 'open'].entries()) {
    output.append(taskId, 'output', text)
    await eventually('it is stored', async () => (await output.read(taskId)).lastSeq === index + 1)
    const now = await bytesOf(await shownLog(output, taskId, { final: false }))
    expect(now.subarray(0, shown.length).equals(shown)).toBe(true)
    shown = now
  }
  expect(withoutTimes(shown)).toBe(
    ['one', 'two', 'three', ''].map((text) => `[TIME > ${ID}: INFO] ${text}\r\n`).join(''),
  )
  // Its task has ended, and the server went before it could close the log.
  const final = withoutTimes(await bytesOf(await shownLog(output, taskId, { final: true })))
  expect(final).toBe(`${withoutTimes(shown)}[TIME > ${ID}: INFO] open\r\n`)
  await output.close(taskId, false)
  expect(withoutTimes(await bytesOf(await shownLog(output, taskId, { final: false })))).toBe(final)
})

test('a rolling log is shown from a whole line on', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  const capBytes = 256 * 1024
  await output.open(taskId, { capBytes, rolling: true, secrets: [] })
  for (let round = 0; round < 8; round++) {
    for (const { bytes } of piecesOf(numberedLines(200_000, round * 10_000), 3001))
      output.append(taskId, 'output', bytes)
    const marker = `round ${round} is over`
    output.append(taskId, 'system', marker)
    await eventually('it is stored', async () => {
      const { entries } = await output.read(taskId, { tail: true, maxBytes: 1 })
      return entries.at(-1)?.bytes.toString() === marker
    })
    const whole = await expectRanges(output, taskId, false)
    const lines = whole.toString().split('\r\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(300)
    for (const line of lines) expect(line).toMatch(/ > a1b2c3: (INFO\] \d+ x*|SYS INFO\] round \d is over)$/)
  }
  await output.close(taskId, false)
  await expectRanges(output, taskId)
})

test('a message is a line of its own, with an end or without', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  await output.open(taskId, { capBytes: 10, rolling: false, secrets: ['hush', 'hidden'] })
  output.append(taskId, 'output', 'begun, ')
  output.append(taskId, 'system', 'told with hush\n')
  output.append(taskId, 'system', 'told without h')
  output.append(taskId, 'error', 'too much\n')
  await output.close(taskId, false)
  const lines = withoutTimes(await bytesOf(await shownLog(output, taskId))).split('\r\n')
  expect(lines).toEqual([
    `[TIME > ${ID}: SYS INFO] told with ***`,
    `[TIME > ${ID}: SYS INFO] told without h`,
    `[TIME > ${ID}: SYS INFO] output cut here: the limit of 10 bytes is reached`,
    expect.stringMatching(/SYS INFO\] \d+ bytes of output were dropped$/),
    `[TIME > ${ID}: INFO] begun, `,
    '',
  ])
})

test('lines that belong in between stand before the first line of their time', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  await output.open(taskId, { capBytes: 64 * MB, rolling: false, secrets: [] })
  for (const text of ['one\ntwo\n', 'three\n']) {
    output.append(taskId, 'output', text)
    output.append(taskId, 'output', numberedLines(5 * MB))
    const { lastSeq } = await eventually('it is stored', async () => {
      const page = await output.read(taskId, { tail: true, maxBytes: 1 })
      return page.bytes > 5 * MB && page
    })
    expect(lastSeq).toBeGreaterThan(0)
    const stored = Date.now()
    while (Date.now() === stored) await nextTurn()
  }
  await output.close(taskId, false)
  const entries = (await output.read(taskId, { maxBytes: 1 })).entries
  const first = entries[0]?.time ?? 0
  const third = (await findEntry(output, taskId, 'three'))?.time ?? 0
  expect(third).toBeGreaterThan(first)
  const insertions = [
    { time: first - 5, line: 'before all\r\n' },
    { time: third, line: 'in between\r\n' },
    { time: third + 3_600_000, line: 'behind all\r\n' },
  ]
  const shown = await shownLog(output, taskId, { insertions })
  const whole = await bytesOf(shown)
  expect(whole.length).toBe(shown.bytes)
  const text = whole.toString()
  expect(text.startsWith('before all\r\n[')).toBe(true)
  expect(text.endsWith('\r\nbehind all\r\n')).toBe(true)
  expect(text).toMatch(/\r\nin between\r\n\[[^\]]*\] three\r\n/)
  for (let from = 0; from < whole.length; from += 700_001) {
    expect((await bytesOf(shown, from, from + 100_000)).equals(whole.subarray(from, from + 100_000))).toBe(true)
  }
})

test('a stream of a log asks for nothing before it is read, and for nothing more once it is cancelled', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  await writeLog(output, taskId, piecesOf(numberedLines(4 * MB), 50_000))
  const shown = await shownLog(output, taskId)
  let given = 0
  let ended = false
  async function* counted() {
    try {
      for await (const piece of shown.read(0, shown.bytes)) {
        given++
        yield piece
      }
    } finally {
      ended = true
    }
  }
  const reader = streamOf(counted()).getReader()
  expect(given).toBe(0)
  await reader.read()
  expect(given).toBe(1)
  await reader.cancel()
  expect([given, ended]).toEqual([1, true])
})

test('a log that is deleted while it is read ends with an error, and not as if it were whole', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  await writeLog(output, taskId, piecesOf(numberedLines(4 * MB), 50_000))
  const shown = await shownLog(output, taskId)
  const reading = shown.read(0, shown.bytes)[Symbol.asyncIterator]()
  await reading.next()
  await output.remove([taskId])
  const rest = async () => {
    while (!(await reading.next()).done);
  }
  await expect(rest()).rejects.toMatchObject({ code: 'log-gone' })
  await expect(bytesOf(shown)).rejects.toMatchObject({ code: 'log-gone' })
})

async function findEntry(output: OutputStore, taskId: string, text: string) {
  for (let after = 0; ; ) {
    const { entries } = await output.read(taskId, { after })
    const found = entries.find(({ bytes }) => bytes.subarray(0, 16).toString().startsWith(text))
    if (found !== undefined || entries.length === 0) return found
    after = entries.at(-1)?.seq ?? after
  }
}

test('what is known of a task can be seen while it prints nothing', async () => {
  const output = await openStore(await makeFolder())
  const taskId = randomUUID()
  const facts = { instance: 'one', script: 'run.sh' }
  const before = Date.now()
  await output.open(taskId, { capBytes: MB, rolling: false, secrets: [], facts })
  const figures = await eventually('it is entered', async () => (await output.figures([{ taskId, final: false }]))[0])
  expect(figures).toMatchObject({ facts, counts: { lines: 0 } })
  expect(figures.openedAt).toBeGreaterThanOrEqual(before)
  await output.close(taskId, false)
  expect((await output.figures([{ taskId, final: true }]))[0]).toEqual(figures)
})
