import { Command, type Option } from 'commander'
import { addAccess } from './commands/access.ts'
import { addCompletion } from './commands/completion.ts'
import { addHooks } from './commands/hooks.ts'
import { addRuns } from './commands/runs.ts'
import { addScripts } from './commands/scripts.ts'
import { addServer } from './commands/server.ts'
import { addSettings } from './commands/settings.ts'
import { addWatching } from './commands/watching.ts'
import type { Build, Result } from './shape.ts'
import type { Terminal } from './terminal.ts'
import { VERSION } from './version.ts'

const AFTER = `
Every command has a --help of its own with examples, and all take --json.

Exit codes:
  0  done
  1  failed
  2  the input or the command is wrong
  3  refused: the token may not do this, or something stands against it
  4  there is no such thing
  5  the server cannot be reached
  57 the database was made by a newer Jobyard
  With --wait a command ends as the script did: with its exit code, with 130 when it was stopped.

A first job:
  jobyard serve                                        # in one terminal
  jobyard login                                        # in another, with the token that serve printed
  jobyard script deploy report.py --name report --schedule "0 30 7 * * MON-FRI"
  jobyard script run report --wait`

/** A command as a list shows it: with what it takes, without saying that it has options, which all have. */
function termOf(command: Command): string {
  const operands = command.registeredArguments.map((each) => {
    const name = each.variadic ? `${each.name()}...` : each.name()
    return each.required ? ` <${name}>` : ` [${name}]`
  })
  return command.name() + operands.join('')
}

/** What an option is for, and what it may be. */
function explain({ description, argChoices, defaultValue }: Option): string {
  const notes = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(typeof defaultValue === 'string' ? [`default: ${defaultValue}`] : []),
  ]
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

/** The whole command line. Only what describes it is loaded; a command's work is loaded when it is called. */
export function buildProgram(terminal: Terminal): { program: Command; result: Result } {
  const result: Result = { exit: 0 }
  const program = new Command('jobyard')
    .description('Runs scripts in the background: by hand, on a schedule, for ever.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (words) => terminal.stdout.write(words),
      writeErr: (words) => terminal.stderr.write(words),
      outputError: (words, writeLine) => writeLine(words.replace(/^error: /, 'jobyard: ')),
      getOutHelpWidth: () => terminal.stdout.columns || 100,
      getErrHelpWidth: () => terminal.stderr.columns || 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ subcommandTerm: termOf, optionDescription: explain })
    .showHelpAfterError('Add --help to see what the command takes.')
    .addHelpText('after', AFTER)
  const build: Build = { terminal, result }
  addServer(program.commandsGroup('Server:'), build)
  addScripts(program.commandsGroup('Jobs:'), build)
  addRuns(program, build)
  addSettings(program, build)
  addWatching(program.commandsGroup('Watching:'), build)
  addHooks(program, build)
  addAccess(program.commandsGroup('Administration:'), build)
  addCompletion(program.commandsGroup('Shell:'), build)
  return { program, result }
}
