import { expect, test } from 'vitest'
import { readMemory } from '../../src/process/proc.ts'
import { WINDOW } from '../../src/store/output/frames.ts'
import { eventually } from '../support/eventually.ts'
import { ended, findWarden, openYard } from './harness.ts'

const MEGABYTE = 1024 * 1024

test('fifty megabytes on one line arrive whole', async () => {
  const yard = await openYard()
  const run = await yard.shell('head -c 52428800 /dev/zero | tr "\\0" x; echo; echo done >&2')
  await run.process.exited
  await ended(yard, run)
  const text = run.text()
  expect(text.length).toBe(50 * MEGABYTE + 1)
  expect(/^x+\n$/.test(text)).toBe(true)
  expect(run.text('error')).toBe('done\n')
})

test('bytes that are no text arrive as they are', async () => {
  const yard = await openYard()
  const run = await yard.shell("printf '\\000\\377\\376\\200\\033[31m'")
  await run.process.exited
  await ended(yard, run)
  expect(Buffer.concat(yard.sink.of(run.channel).output).toString('hex')).toBe('00fffe801b5b33316d')
})

test('a process that prints more than is taken waits, and the warden does not grow', async () => {
  const yard = await openYard()
  yard.sink.keep = false
  const first = await yard.shell('head -c 20000000 /dev/zero')
  await first.process.exited
  const warden = findWarden(yard.dataFolderId) ?? 0
  const peak = readMemory(warden)?.peakBytes ?? 0
  yard.sink.pause()
  const runs = await Promise.all(Array.from({ length: 8 }, () => yard.shell('cat /dev/zero; echo never')))
  for (const run of runs) {
    await eventually('the credit is used up', () => yard.sink.of(run.channel).bytes > WINDOW - 64 * 1024)
    expect(yard.sink.of(run.channel).bytes).toBeLessThanOrEqual(WINDOW)
  }
  const quiet = await yard.shell('echo I am not held up')
  expect(await quiet.process.exited).toMatchObject({ code: 0 })
  await eventually('the quiet one got through', () => yard.sink.of(quiet.channel).ended)
  expect((readMemory(warden)?.peakBytes ?? 0) - peak).toBeLessThan(16 * MEGABYTE)
  yard.sink.resume()
  for (const run of runs) {
    await eventually('it goes on', () => yard.sink.of(run.channel).bytes > 3 * WINDOW)
    run.process.kill()
    expect(await run.process.exited).toMatchObject({ signal: 'SIGKILL' })
  }
})

test('what a process has printed before its end arrives even when the store takes its time', async () => {
  const yard = await openYard()
  yard.sink.keep = false
  yard.sink.pause()
  const run = await yard.shell(`head -c ${WINDOW + 30_000} /dev/zero; exit 9`)
  await eventually('the credit is used up', () => yard.sink.of(run.channel).bytes > WINDOW - 64 * 1024)
  expect(yard.sink.of(run.channel).ended).toBe(false)
  yard.sink.resume()
  expect(await run.process.exited).toMatchObject({ code: 9 })
  await ended(yard, run)
  expect(yard.sink.of(run.channel).bytes).toBe(WINDOW + 30_000)
})

test('a sample tells the output and the CPU time so far', async () => {
  const yard = await openYard()
  const run = await yard.shell('echo 123456789; i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done; echo x; sleep 300')
  await run.firstLine()
  const early = await run.process.sample()
  expect(early.outputBytes).toBe(10)
  const late = await eventually('it has worked', async () => {
    const sample = await run.process.sample()
    return (sample.cpuMs ?? 0) > (early.cpuMs ?? 0) && sample
  })
  expect(late.outputBytes).toBeGreaterThanOrEqual(10)
  run.process.kill()
  await run.process.exited
  expect((await run.process.sample()).outputBytes).toBeGreaterThanOrEqual(10)
})
