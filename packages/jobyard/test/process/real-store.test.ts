import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createOutputStore } from '../../src/store/output/store.ts'
import { openYard } from './harness.ts'

test('what processes print is in the output store, whole and in order, when its log is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const problems: Error[] = []
  const path = join(folder, 'output.db')
  const store = await createOutputStore({
    database: { kind: 'sqlite', path },
    onFatal: (error) => problems.push(error),
  })
  onTestFinished(() => store.stop())
  const yard = await openYard({ channel: store.channel })
  const options = { capBytes: 16 * 1024 * 1024, rolling: false, secrets: [] }
  const scripts = [
    { script: 'seq 500000; echo over >&2', bytes: 3_388_895 + 5 },
    { script: 'echo short', bytes: 6 },
    { script: 'exit 3', bytes: 0 },
  ]
  await Promise.all(
    scripts.map(async ({ script, bytes }, index) => {
      const taskId = `task-${index}`
      const channel = await store.open(taskId, options)
      const run = await yard.shell(script, { taskId, channel })
      await run.process.exited
      expect(await store.close(taskId, true)).toMatchObject({ bytes, dropped: 0, ended: true })
    }),
  )
  const page = await store.read('task-0', { maxBytes: 8 * 1024 * 1024 })
  const text = Buffer.concat(page.entries.filter(({ stream }) => stream === 'output').map((entry) => entry.bytes))
  const expected = `${Array.from({ length: 500_000 }, (_, index) => index + 1).join('\n')}\n`
  expect(text.toString() === expected).toBe(true)
  expect(page.entries.find(({ stream }) => stream === 'error')?.bytes.toString()).toBe('over\n')
  expect(problems).toEqual([])
})
