import { PassThrough, Writable } from 'node:stream'
import type { Command } from 'commander'
import { buildProgram } from '../../packages/jobyard/src/cli/program.ts'
import type { Terminal } from '../../packages/jobyard/src/cli/terminal.ts'
import { systemClock } from '../../packages/jobyard/src/domain/clock.ts'

const WIDTH = 116

/** The reference of the command line in Markdown: what `--help` says, command by command. */
export async function renderCommands(): Promise<string> {
  const { program } = buildProgram(terminalInto([]))
  const sections: string[] = []
  for (const words of [[], ...pathsOf(program, [])]) sections.push(section(words, await helpOf(words)))
  return [
    '# Command line',
    '',
    'What `jobyard --help` says, and the `--help` of every command. In a checkout it is `npx jobyard`.',
    '',
    'Where a command takes the settings of the server, their flags are left out here: see [settings](settings.md).',
    '',
    ...sections,
  ].join('\n')
}

/** The words of every command that does something, such as `script deploy`, in the order of the help. */
function pathsOf(command: Command, above: readonly string[]): string[][] {
  return command.commands.flatMap((each) => {
    const words = [...above, each.name()]
    if (isHidden(each)) return []
    return each.commands.length === 0 ? [words] : pathsOf(each, words)
  })
}

/** Commander keeps this to itself; the help of the command above does not list it. */
function isHidden(command: Command): boolean {
  return (
    command.parent
      ?.createHelp()
      .visibleCommands(command.parent)
      .every((each) => each !== command) ?? false
  )
}

async function helpOf(words: readonly string[]): Promise<string> {
  const printed: string[] = []
  const { program } = buildProgram(terminalInto(printed))
  try {
    await program.parseAsync([...words, '--help'], { from: 'user' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'commander.helpDisplayed')) throw error
  }
  return printed.join('')
}

function section(words: readonly string[], help: string): string {
  const title = words.length === 0 ? '' : `## ${words.join(' ')}\n\n`
  return `${title}\`\`\`text\n${withoutSettings(help).trim()}\n\`\`\`\n`
}

/** Leaves out the group of the server's settings, which fills a screen in the help of four commands. */
function withoutSettings(help: string): string {
  return help.replace(/^Settings \(each.*\n(?:(?: .*)?\n)*?(?=\S)/m, '')
}

function terminalInto(printed: string[]): Terminal {
  const sink = (): Writable & { columns: number } => {
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        printed.push(chunk)
        done()
      },
    })
    return Object.assign(stream, { columns: WIDTH })
  }
  return {
    stdin: new PassThrough(),
    stdout: sink(),
    stderr: sink(),
    env: {},
    folder: '/',
    home: '/',
    clock: systemClock,
    interrupted: () => new AbortController().signal,
  }
}
