import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type BeginOrder, Link, type Order, type Report } from './link.ts'
import { MARK_VARIABLE, markOf } from './strays.ts'

/** The place of the control channel among the warden's open files. */
const CONTROL_FD = 3
/** How much of what a dying warden says is kept. */
const MOST_LAST_WORDS = 4096

/** The same name compiled or not: Node runs the checkout's TypeScript as it is. */
const IS_CHECKOUT = import.meta.url.endsWith('.ts')
const SCRIPT = fileURLToPath(new URL(IS_CHECKOUT ? './warden/warden.ts' : './warden/warden.js', import.meta.url))

/**
 * Where Node keeps the checkout's code without its types. Otherwise each warden would load the compiler that takes them
 * away, 15 MB that make every fork slower. Below the checkout, where nobody else may put code.
 */
const COMPILE_CACHE = fileURLToPath(new URL('../../../../node_modules/.jobyard-warden', import.meta.url))

/** It must stay small: what it costs to fork grows with the memory of the one who forks. */
const NODE_OPTIONS = ['--max-old-space-size=128', '--max-semi-space-size=1', '--optimize-for-size', '--v8-pool-size=1']

/** Jobs inherit both: no core dumps, and files that only their user can read. */
const SHELL_SCRIPT = 'ulimit -c 0; umask 077; exec "$@"'

/** What of the server's environment the warden itself needs to run; jobs get none of it. */
const OWN_VARIABLES = ['PATH', 'TMPDIR', 'TMP', 'TEMP', 'LD_LIBRARY_PATH', 'NIX_LD', 'NIX_LD_LIBRARY_PATH']

/** A warden that was launched. */
export interface LaunchedWarden {
  readonly pid: number
  readonly link: Link<Report, Order>
  /** Resolves when the process has ended, with what it said last. Never rejects. */
  readonly ended: Promise<string>
  /** Ends the warden itself at once; its processes are then the caller's to end. */
  kill(): void
}

/**
 * Starts a warden in a session of its own, where no signal meant for the server reaches it, and tells it to begin.
 * `receive` is given all its reports, `ready` first. Rejects when it cannot be started at all.
 */
export async function launchWarden(begin: BeginOrder, receive: (report: Report) => void): Promise<LaunchedWarden> {
  const command = ['sh', process.execPath, ...NODE_OPTIONS, SCRIPT]
  const child = spawn('/bin/sh', ['-c', SHELL_SCRIPT, ...command], {
    cwd: '/',
    // The marker is there from before the fork of its first process, so even one killed between fork and exec is found.
    env: { ...ownEnvironment(), [MARK_VARIABLE]: markOf(begin.dataFolderId, begin.instanceId, 'warden') },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = lastWords(child)
  const pid = child.pid
  const control = child.stdio[CONTROL_FD]
  if (pid === undefined || !isDuplex(control)) throw new Error(await ended)
  control.on('error', () => child.kill('SIGKILL'))
  control.on('close', () => child.kill('SIGKILL'))
  const link = new Link<Report, Order>(control, receive)
  control.on('data', (chunk: Buffer) => link.take(chunk))
  link.send(begin)
  return { pid, link, ended, kill: () => child.kill('SIGKILL') }
}

function ownEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: '1' }
  if (IS_CHECKOUT) environment.NODE_COMPILE_CACHE = COMPILE_CACHE
  for (const name of OWN_VARIABLES) if (process.env[name] !== undefined) environment[name] = process.env[name]
  return environment
}

function lastWords(child: ChildProcess): Promise<string> {
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-MOST_LAST_WORDS)
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    // "close" comes after everything that it wrote has been read, "exit" may come before.
    child.once('close', (code, signal) => resolve(words.trim() || `it ended with ${signal ?? `exit code ${code}`}`))
  })
}

function isDuplex(stream: unknown): stream is Duplex {
  return typeof stream === 'object' && stream !== null && 'write' in stream && 'read' in stream
}
