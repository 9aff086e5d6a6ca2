import type { Command } from 'commander'
import type { DataGetOptions, DataPutOptions, DataRemoveOptions } from '../script/data.ts'
import type { ScopeOptions } from '../script/options.ts'
import { type Build, connected, noun, verb } from '../shape.ts'
import { ofJob } from './job-scope.ts'

/** The commands of what jobs keep in their data folders. */
export function addScriptData(script: Command, { terminal }: Build): void {
  const data = noun(script, 'data', 'what a job keeps in its data folder', [
    'jobyard script data ls report',
    'jobyard script data get report totals.csv',
  ])
  const list = verb(data, 'ls <name> [path]', 'list the data folder of a job, or a folder in it', [
    'jobyard script data ls report',
    'jobyard script data ls report archive/2026 --json',
  ])
  scoped(list).action(async (name: string, path: string | undefined, options: ScopeOptions) => {
    await (await import('../script/data.ts')).listData(terminal, name, path, options)
  })
  const get = verb(data, 'get <name> <path>', 'fetch a file', [
    'jobyard script data get report totals.csv',
    'jobyard script data get report archive/2026/may.csv --out may.csv',
    'jobyard script data get report totals.csv --out - | head',
  ]).option('--out <file>', 'where to put it; - for standard output (default: its own name, in this folder)')
  scoped(get).action(async (name: string, path: string, options: DataGetOptions) => {
    await (await import('../script/data.ts')).getData(terminal, name, path, options)
  })
  const put = verb(data, 'put <name> <path>', 'put a file there, in the place of one that is there', [
    'jobyard script data put report customers.csv --from ./customers.csv',
    'jobyard script data put report state.json --from - < state.json',
  ]).requiredOption('--from <file>', 'the file; - for standard input')
  scoped(put).action(async (name: string, path: string, options: DataPutOptions) => {
    await (await import('../script/data.ts')).putData(terminal, name, path, options)
  })
  const remove = verb(data, 'rm <name> <path>', 'take a file or an empty folder away', [
    'jobyard script data rm report totals.csv',
    'jobyard script data rm report archive --recursive',
  ]).option('-r, --recursive', 'a folder with all that is in it')
  scoped(remove).action(async (name: string, path: string, options: DataRemoveOptions) => {
    await (await import('../script/data.ts')).removeData(terminal, name, path, options)
  })
}

function scoped(command: Command): Command {
  return connected(ofJob(command))
}
