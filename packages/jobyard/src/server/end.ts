import { flushCompileCache } from 'node:module'
import type { Writable } from 'node:stream'
import { isMainThread } from 'node:worker_threads'

const SHELL = '/bin/sh'
/** What measures or watches a process and writes down what it saw when the process ends by itself. */
const WATCHING = /^--(cpu-prof|heap-prof|prof|inspect|trace-event)/

/**
 * Ends this process at once with an exit code, whatever its threads are doing.
 *
 * `process.exit` waits for the threads of V8, which in Node 26 sometimes wait for it: a compilation in the background wants
 * a collection of garbage, and the process stays for ever. So the process becomes a shell (execve(2)) that says the exit
 * code: the system ends all threads for that, and waits for none. Windows has no such call and takes `process.exit`.
 */
export function endNow(code: number): void {
  flushCompileCache()
  if (mayBecomeShell()) becomeShell(code)
  process.exit(code)
}

/** Ends this process like {@link endNow}, once everything is written that it has printed. */
export async function endWhenWritten(code: number): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map(written))
  endNow(code)
}

/** A reader that has gone makes the write fail, and then there is nobody to wait for. */
function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0) return Promise.resolve()
  return new Promise((resolve) => stream.write('', () => resolve()))
}

function mayBecomeShell(): boolean {
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')]
  const watched = process.env.NODE_V8_COVERAGE !== undefined || flags.some((flag) => WATCHING.test(flag))
  return !watched && isMainThread && process.platform !== 'win32'
}

/** Comes back only when it cannot be done. */
function becomeShell(code: number): void {
  try {
    process.execve?.(SHELL, ['sh', '-c', `exit ${code}`], {})
  } catch {
    // Without a shell, or where becoming one is forbidden, the other way is tried.
  }
}
