import { availableParallelism, hostname, totalmem } from 'node:os'
import { resolveConfig } from '../config/resolve.ts'
import type { Config } from '../config.ts'
import type { Machine } from '../config/setting.ts'
import type { Terminal } from './terminal.ts'

/** What defaults need to know of this machine; in a container, of what the container may use. */
export function thisMachine(folder: string): Machine {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  return {
    cpus: availableParallelism(),
    // Without a limit it is 0, or a number larger than any memory.
    memory: constrained > 0 ? Math.min(constrained, total) : total,
    hostname: hostname(),
    folder,
  }
}

/** The settings that a command was given by flags and environment. */
export function configOf(terminal: Pick<Terminal, 'env' | 'folder'>, flags: Readonly<Record<string, unknown>>): Config {
  return resolveConfig({ flags, env: terminal.env, ...thisMachine(terminal.folder) })
}
