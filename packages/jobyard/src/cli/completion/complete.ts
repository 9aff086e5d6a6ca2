import { Jobyard } from '@jobyard/client'
import type { Command, Option } from 'commander'
import { findTarget } from '../connection.ts'
import type { Terminal } from '../terminal.ts'

/** A shell waits for this at every press of Tab, milliseconds. */
const PATIENCE_MS = 1500

/** Prints what can stand in the place of the last of these words, one a line. The shell leaves out what does not fit. */
export async function complete(terminal: Terminal, program: Command, words: readonly string[]): Promise<void> {
  const candidates = await candidatesFor(terminal, program, words)
  if (candidates.length > 0) terminal.stdout.write(`${candidates.join('\n')}\n`)
}

/** What can stand in the place of the last word. Names of jobs and tokens come from the server, if it answers. */
export async function candidatesFor(terminal: Terminal, program: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  const { command, operands, pending } = walk(program, typed)
  const fits = (each: string): boolean => each.startsWith(current)
  if (pending !== undefined) {
    if (pending.argChoices !== undefined) return pending.argChoices.filter(fits)
    return pending.long === '--collection' ? (await names(terminal, command, typed, 'collections')).filter(fits) : []
  }
  if (current.startsWith('-')) return flagsOf(command).filter(fits)
  const children = command.commands.filter((each) => !isHidden(each)).map((each) => each.name())
  if (children.length > 0) return children.filter(fits)
  const argument = command.registeredArguments[operands]
  if (argument === undefined) return []
  if (argument.argChoices !== undefined) return argument.argChoices.filter(fits)
  const kind = namesFor(command)
  return argument.name() === 'name' && kind !== undefined
    ? (await names(terminal, command, typed, kind)).filter(fits)
    : []
}

interface Walked {
  readonly command: Command
  /** Operands of the command before the word to complete. */
  readonly operands: number
  /** An option whose value the word is. */
  readonly pending: Option | undefined
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program
  let operands = 0
  let pending: Option | undefined
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined
      continue
    }
    if (word.startsWith('-')) {
      const option = command.options.find(({ short, long }) => short === word || long === word)
      pending = option?.required === true ? option : undefined
      continue
    }
    const child = command.commands.find((each) => each.name() === word)
    if (child === undefined) operands++
    else command = child
  }
  return { command, operands, pending }
}

function flagsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])), '--help']
}

function isHidden(command: Command): boolean {
  return command.name() === 'complete'
}

/** What the operand called name of a command is a name of. */
function namesFor(command: Command): 'jobs' | 'tokens' | 'collections' | undefined {
  const name = command.name()
  switch (command.parent?.name()) {
    case 'script':
      return name === 'deploy' ? undefined : 'jobs'
    case 'webhook':
      return 'jobs'
    case 'token':
      return name === 'revoke' ? 'tokens' : undefined
    case 'collection':
      return name === 'rm' ? 'collections' : undefined
    default:
      return undefined
  }
}

/** Names on the server; none when it does not answer at once, for whoever presses Tab wants no error message. */
async function names(
  terminal: Terminal,
  command: Command,
  typed: readonly string[],
  kind: 'jobs' | 'tokens' | 'collections',
): Promise<string[]> {
  const url = givenTo('--url', typed)
  const collection = givenTo('--collection', typed)
  const filter = { kind: 'script', ...(collection === undefined ? {} : { collection }) }
  try {
    const target = await findTarget(terminal, url === undefined ? {} : { url })
    const jobyard = new Jobyard({ ...target, timeoutMs: PATIENCE_MS, retries: 0 })
    const wide = { pageSize: 500 }
    const page =
      kind === 'jobs'
        ? await jobyard.jobs.list(command.parent?.name() === 'script' ? filter : {}, wide).page()
        : await jobyard[kind].list(wide).page()
    return page.items.map(({ name }) => name)
  } catch (error) {
    if (error instanceof Error) return []
    throw error
  }
}

function givenTo(flag: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(flag)
  return at < 0 ? undefined : words[at + 1]
}
