import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The launcher of the checkout. */
export const CHECKOUT_PROGRAM = join(import.meta.dirname, '..', 'packages', 'jobyard', 'bin', 'jobyard.js')

/** A server in a process of its own, as people start it. */
export interface ServerProcess extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string
  readonly adminToken: string
  readonly pid: number
  /** Asks it to stop and waits for its end. Throws when it ended with anything but 0. */
  stop(): Promise<void>
}

/** How a server is started. */
export interface ServerProcessOptions {
  /** Its data folder, which must be new: the admin token is told at the first start only. */
  readonly data: string
  /** Default {@link CHECKOUT_PROGRAM}. */
  readonly program?: string
  /** Further flags. */
  readonly flags?: readonly string[]
}

/** Starts a server on any free port and waits until it answers. What it logs goes to this process's standard error. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { data, program = CHECKOUT_PROGRAM, flags = [] } = options
  // The same heap flag as `npm start`.
  const args = [
    '--max-semi-space-size=8',
    program,
    'serve',
    '--json',
    '--port',
    '0',
    '--data',
    data,
    '--log-level',
    'warn',
    ...flags,
  ]
  const child = spawn(process.execPath, args, { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
    if (child.exitCode !== 0) throw new Error(`The server ended with ${child.exitCode ?? child.signalCode}.`)
  }
  for await (const line of createInterface({ input: child.stdout })) {
    const { address, adminToken, pid }: Pick<ServerProcess, 'address' | 'adminToken' | 'pid'> = JSON.parse(line)
    // Nobody reads what follows; without a reader the pipe would fill up.
    child.stdout.resume()
    return { address, adminToken, pid, stop, [Symbol.asyncDispose]: stop }
  }
  await ended
  throw new Error(`The server ended with ${child.exitCode ?? child.signalCode} before it said where it is.`)
}

/** This process's environment without settings of a server: it is the flags that say how this one is started. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('JOBYARD_')))
}
