import { CommanderError } from 'commander'
import { endWhenWritten } from '../server/end.ts'
import { EXIT, reportFailure } from './failure.ts'
import { buildProgram } from './program.ts'
import { systemTerminal, type Terminal } from './terminal.ts'

/** Runs the command line of this process and sets its exit code; a server's process it ends. */
export async function main(): Promise<void> {
  const terminal = systemTerminal()
  // A pipe whose reader has gone makes the stream fail; the write that failed says so, too, and is dealt with there.
  process.stdout.on('error', () => undefined)
  const argv = process.argv.slice(2)
  process.exitCode = await runCommand(argv, terminal)
  // Not left to come about by itself: what a server could not stop may keep the process for ever.
  if (argv.find((word) => !word.startsWith('-')) === 'serve') await endWhenWritten(process.exitCode)
}

/** Runs one command and resolves with its exit code. Whatever it has to say goes to the terminal. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { program, result } = buildProgram(terminal)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return result.exit
  } catch (error) {
    if (error instanceof CommanderError) return exitOfUsage(error)
    return reportFailure(error, terminal, { json: hasFlag(argv, '--json'), debug: hasFlag(argv, '--debug') })
  }
}

/** Commander has said what is wrong, or printed the help that was asked for. */
function exitOfUsage({ code }: CommanderError): number {
  return code === 'commander.helpDisplayed' || code === 'commander.version' ? EXIT.ok : EXIT.usage
}

/** Whether a flag was given, wherever; after `--` it belongs to somebody else. */
function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).includes(flag)
}
