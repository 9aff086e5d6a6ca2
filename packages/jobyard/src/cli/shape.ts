import type { Command } from 'commander'
import type { Terminal } from './terminal.ts'

/** What every command can be told. */
export interface Common {
  readonly json?: boolean
  readonly debug?: boolean
}

/** Flags of the server's settings, as commander gives them, beside what every command can be told. */
export type SettingFlags = Common & Readonly<Record<string, unknown>>

/** What every command that speaks with a server can be told. */
export interface Connected extends Common {
  readonly url?: string
  readonly token?: string
}

/** What a command ends with; set by its action. */
export interface Result {
  exit: number
}

/** What the commands are built for. */
export interface Build {
  readonly terminal: Terminal
  readonly result: Result
}

/** A command that only holds others: `script`. Its examples are shown as those of {@link verb} are. */
export function noun(parent: Command, name: string, summary: string, examples: readonly string[]): Command {
  return exemplified(described(parent.command(name), summary).helpCommand(false), examples)
}

/** In a list a command is explained by a few words, in its own help by a sentence. */
function described(command: Command, summary: string): Command {
  return command.summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
}

/** A command that does something. `examples` are shown below its help, one a line, each perhaps with a comment behind `#`. */
export function verb(parent: Command, usage: string, summary: string, examples: readonly string[] = []): Command {
  return exemplified(described(parent.command(usage), summary), examples)
}

function exemplified(command: Command, examples: readonly string[]): Command {
  if (examples.length === 0) return command
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
}

/** Adds the options of output. To be called last, so that they stand last in the help. */
export function speaking(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'print JSON for programs instead of text for people')
    .option('--debug', 'show the particulars of an error')
    .optionsGroup('Options:')
}

/** Adds the options of output and of the connection to a server. To be called last. */
export function connected(command: Command): Command {
  return speaking(command)
    .optionsGroup('Connection:')
    .option('--url <url>', 'server to speak with (else JOBYARD_URL, or the login)')
    .option('--token <token>', 'token to use (else JOBYARD_TOKEN, or the login)')
    .optionsGroup('Options:')
}

/** Gathers a value that may be given several times. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
