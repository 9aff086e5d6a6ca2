import { type Command, Option } from 'commander'
import type { HookAddOptions } from '../hook.ts'
import type { ScopeOptions } from '../script/options.ts'
import { type Build, connected, noun, verb } from '../shape.ts'
import { inCollection } from './job-scope.ts'

/** The commands of hooks: calls to others when something happens. */
export function addHooks(program: Command, { terminal, result }: Build): void {
  const hook = noun(program, 'hook', 'have addresses called when runs end or jobs are deployed', [
    'jobyard hook add https://example.com/hooks/jobs --event run-finished',
    'jobyard hook list',
  ])
  const list = verb(hook, 'list', 'list the hooks of a collection and how their last calls went', ['jobyard hook list'])
  connected(inCollection(list)).action(async (options: ScopeOptions) => {
    await (await import('../hook.ts')).listHooks(terminal, options)
  })
  const add = verb(hook, 'add <url>', 'have an address called; user and password in it are kept encrypted', [
    'jobyard hook add https://example.com/jobs',
    'jobyard hook add https://user:password@example.com/deployed --event deployed',
  ])
    .addOption(
      new Option('--event <event>', 'what it is called for')
        .choices(['run-finished', 'deployed'])
        .default('run-finished'),
    )
    .option('--insecure', 'do not look at the certificate of the address')
  connected(inCollection(add)).action(async (url: string, options: HookAddOptions) => {
    await (await import('../hook.ts')).addHook(terminal, url, options)
  })
  const test = verb(hook, 'test <hook>', 'call a hook now, by its id or its address, and say what it answered', [
    'jobyard hook test https://example.com/jobs',
  ])
  connected(inCollection(test)).action(async (which: string, options: ScopeOptions) => {
    result.exit = await (await import('../hook.ts')).testHook(terminal, which, options)
  })
  const remove = verb(hook, 'rm <hook>', 'take a hook away, by its id or its address', [
    'jobyard hook rm https://example.com/jobs',
  ])
  connected(inCollection(remove)).action(async (which: string, options: ScopeOptions) => {
    await (await import('../hook.ts')).removeHook(terminal, which, options)
  })
}
