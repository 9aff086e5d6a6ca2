import { CommanderError } from 'commander'
import { EXIT, reportFailure } from './failure.ts'
import { buildProgram } from './program.ts'
import { systemTerminal, type Terminal } from './terminal.ts'

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const terminal = systemTerminal()
  // A pipe whose reader has gone makes the stream fail; the write that failed says so, too, and is dealt with there.
  process.stdout.on('error', () => undefined)
  process.exitCode = await runCommand(process.argv.slice(2), terminal)
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
