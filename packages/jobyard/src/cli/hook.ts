import type { Hook, HookEvent, Jobyard } from '@jobyard/client'
import { JobyardError } from '../domain/errors.ts'
import { answer, printJson } from './answer.ts'
import { connect } from './connection.ts'
import { EXIT } from './failure.ts'
import type { ScopeOptions } from './script/options.ts'
import { printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { NOTHING } from './wording.ts'

/** Options of `hook add`. */
export interface HookAddOptions extends ScopeOptions {
  readonly event: HookEvent
  readonly insecure?: boolean
}

/** Lists the hooks of a collection. */
export async function listHooks(terminal: Terminal, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const hooks = await jobyard.hooks.list(collectionOf(options), { pageSize: 500 }).take()
  if (options.json === true) return printJson(terminal, hooks)
  await printTable(terminal.stdout, hooks, [
    { title: 'EVENT', value: ({ event }) => event },
    { title: 'ADDRESS', value: ({ url }) => url },
    timeColumn('LAST CALL', ({ last }) => last?.at),
    { title: 'ANSWER', value: sayAnswer, style: (hook) => (isTrouble(hook) ? 'red' : 'dim') },
    { title: 'ID', value: ({ id }) => id },
  ])
}

/** Has an address called from now on. */
export async function addHook(terminal: Terminal, url: string, options: HookAddOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const { event, insecure } = options
  const input = { event, url, ...(insecure === true ? { insecure } : {}), ...collectionOf(options) }
  const made = await jobyard.hooks.create(input)
  await answer(terminal, options, made, `${made.url} is called for ${made.event} from now on.`)
}

/** Has a hook called now; the exit code says whether its address took the call. */
export async function testHook(terminal: Terminal, which: string, options: ScopeOptions): Promise<number> {
  const jobyard = await connect(terminal, options)
  const hook = await jobyard.hooks.test((await findHook(jobyard, which, options)).id)
  await answer(terminal, options, hook, `${hook.url}: ${sayAnswer(hook)}`)
  return isTrouble(hook) ? EXIT.failed : EXIT.ok
}

/** Takes a hook away, by its id or its address. */
export async function removeHook(terminal: Terminal, which: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const hook = await findHook(jobyard, which, options)
  await jobyard.hooks.remove(hook.id)
  await answer(terminal, options, { ...hook, removed: true }, `${hook.url} is not called any longer.`)
}

async function findHook(jobyard: Jobyard, which: string, options: ScopeOptions): Promise<Hook> {
  const hooks = await jobyard.hooks.list(collectionOf(options), { pageSize: 500 }).take()
  const hook = hooks.find(({ id, url }) => id === which || url === which)
  if (hook === undefined) throw new JobyardError('hook-unknown', `There is no hook ${which}.`)
  return hook
}

function collectionOf({ collection }: ScopeOptions): { collection?: string } {
  return collection === undefined ? {} : { collection }
}

function isTrouble({ last }: Hook): boolean {
  return last !== null && (last.status === null || last.status < 200 || last.status >= 300)
}

function sayAnswer({ last }: Hook): string {
  if (last === null) return NOTHING
  return last.status === null ? last.reason : `${last.status} ${last.reason}`
}
