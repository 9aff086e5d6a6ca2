import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** What the bare program is asked for. */
export type BareTask =
  /** Milliseconds from the call of spawn to the first byte of output. */
  | { readonly kind: 'first-byte'; readonly script: string }
  /** Milliseconds that so many processes take, `concurrency` at a time. */
  | { readonly kind: 'many'; readonly script: string; readonly count: number; readonly concurrency: number }
  /** Milliseconds until all output of one process is in a file. */
  | { readonly kind: 'output'; readonly script: string; readonly file: string }

/** A small Node process that does nothing but start the same command: the bare limit. */
export interface BareSpawn extends AsyncDisposable {
  measure(task: BareTask): Promise<number>
}

/** Starts the small process. */
export function startBareSpawn(): BareSpawn {
  const child = fork(import.meta.filename, { stdio: 'inherit' })
  return {
    async measure(task) {
      child.send(task)
      const [milliseconds] = await once(child, 'message')
      return Number(milliseconds)
    },
    async [Symbol.asyncDispose]() {
      await end(child)
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

/** The very command that a server runs for a script of that name; its output is read, because a server must, too. */
function begin(script: string) {
  return spawn('bash', [script], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function perform(task: BareTask): Promise<number> {
  const began = performance.now()
  if (task.kind === 'many') {
    let left = task.count
    const work = async () => {
      while (left-- > 0) await runToEnd(task.script)
    }
    await Promise.all(Array.from({ length: task.concurrency }, work))
    return performance.now() - began
  }
  const child = begin(task.script)
  const closed = once(child, 'close')
  child.stderr.resume()
  if (task.kind === 'output') {
    await pipeline(child.stdout, createWriteStream(task.file))
    await closed
    return performance.now() - began
  }
  await once(child.stdout, 'data')
  const milliseconds = performance.now() - began
  child.stdout.resume()
  await closed
  return milliseconds
}

async function runToEnd(script: string): Promise<void> {
  const child = begin(script)
  child.stdout.resume()
  child.stderr.resume()
  await once(child, 'close')
}

if (import.meta.main) {
  process.on('message', async (task: BareTask) => process.send?.(await perform(task)))
}
