/** How the server's process ends. What can be seen of it only now and then, threads that wait for one another, is not tried here. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const END = new URL('../../src/server/end.ts', import.meta.url).href

/** Runs a program that may use `end`. Answers with what it printed and how it ended. */
async function run(program: string, nodeOptions: readonly string[] = []): Promise<{ output: string; end: unknown[] }> {
  const source = `import * as end from '${END}'\nimport { Worker } from 'node:worker_threads'\n${program}`
  const child = spawn(process.execPath, [...nodeOptions, '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, ended] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { output, end: ended }
}

test('it ends with its code while threads are busy, which nobody waits for', async () => {
  const busy = `new Worker('while (true);', { eval: true }).once('online', () => end.endNow(7))`
  expect(await run(busy)).toEqual({ output: '', end: [7, null] })
})

test('all that was printed is written first', async () => {
  const { output, end } = await run(`process.stdout.write('x'.repeat(3e6)); await end.endWhenWritten(0)`)
  expect(output.length).toBe(3e6)
  expect(end).toEqual([0, null])
})

test('nothing is said about how it ends, and what waited for its end is let go', async () => {
  const program = `process.on('warning', console.log); setInterval(() => {}, 1000); end.endNow(0)`
  expect(await run(program)).toEqual({ output: '', end: [0, null] })
})
