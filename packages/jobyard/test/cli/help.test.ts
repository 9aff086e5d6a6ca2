import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { command, testTerminal } from './test-terminal.ts'
import { wordsOf } from './words.ts'

const { program } = buildProgram(testTerminal())

function everyCommand(parent: Command, path: readonly string[] = []): { path: readonly string[]; command: Command }[] {
  return parent.commands.flatMap((child) => {
    const here = [...path, child.name()]
    return [{ path: here, command: child }, ...everyCommand(child, here)]
  })
}

const shown = everyCommand(program).filter(({ path }) => path[0] !== 'complete')
const leaves = shown.filter((each) => each.command.commands.length === 0)

async function helpOf(path: readonly string[]): Promise<string> {
  const { exit, out, err } = await command([...path, '--help'], { columns: 100 })
  expect([exit, err]).toEqual([0, ''])
  return out
}

describe('help', () => {
  test.each(shown.map(({ path }) => [path.join(' '), path] as const))(
    'of %s explains it in a sentence',
    async (_, path) => {
      const [usage, , sentence] = (await helpOf(path)).split('\n')
      expect(usage).toContain(`jobyard ${path.join(' ')}`)
      expect(sentence).toMatch(/^[A-Z].*\.$/)
    },
  )

  test.each(shown.map(({ path }) => [path.join(' '), path] as const))(
    'of %s has examples that hold',
    async (_, path) => {
      const [, examples = ''] = (await helpOf(path)).split('\nExamples:\n')
      const lines = examples.split('\n').filter((line) => /^ {2}\S/.test(line))
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) requireSound(line, path)
    },
  )

  /** The words of an example must be a command with options that there are and as many operands as it takes. */
  function requireSound(line: string, path: readonly string[]): void {
    const words = wordsOf(line)
    const mine = words.slice(words.lastIndexOf('jobyard') + 1)
    expect(mine.slice(0, path.length), line).toEqual(path)
    // An example of a group is one of its commands.
    const found = leaves.find((each) => each.path.every((word, at) => word === mine[at]))
    if (found === undefined) throw new Error(`There is no command ${mine.join(' ')}.`)
    const leaf = found.command
    let operands = 0
    const rest = mine.slice(found.path.length)
    for (let at = 0; at < rest.length; at++) {
      const word = rest[at] ?? ''
      if (word === '--') break
      if (!word.startsWith('-') || word === '-') {
        operands++
        continue
      }
      const option = leaf.options.find(({ short, long }) => short === word || long === word)
      expect(option, `${word} in ${line}`).toBeDefined()
      if (option?.required === true) at++
    }
    const needed = leaf.registeredArguments.filter(({ required }) => required).length
    expect(operands, line).toBeGreaterThanOrEqual(needed)
    for (const { long, mandatory } of leaf.options) if (mandatory) expect(rest, line).toContain(long)
  }

  test('of the whole program lists every command and the exit codes', async () => {
    const text = await helpOf([])
    for (const child of program.commands) {
      if (child.name() !== 'complete') expect(text).toMatch(new RegExp(`^ {2}${child.name()}\\b`, 'm'))
    }
    expect(text).toMatch(/Exit codes:[\s\S]*5 {2}the server cannot be reached/)
    expect(text).not.toMatch(/^ {2}complete\b/m)
  })

  test('fits the terminal', async () => {
    for (const { path } of shown) {
      const { out } = await command([...path, '--help'], { columns: 80 })
      const [described = ''] = out.split('\nExamples:')
      const long = described.split('\n').filter((line) => line.length > 80)
      expect(
        long.filter((line) => !line.startsWith('Usage:')),
        path.join(' '),
      ).toEqual([])
    }
  })

  test('every command that does something can be asked for JSON', () => {
    const silent = leaves.filter((each) => !each.command.options.some(({ long }) => long === '--json'))
    expect(silent.map(({ path }) => path.join(' '))).toEqual(['completion'])
  })
})

describe('a mistyped command', () => {
  test.each([
    [['scirpt', 'list'], 'script'],
    [['script', 'lits'], 'list'],
    [['script', 'list', '--serach', 'x'], '--search'],
    [['script', 'deploy', 'x', '--name', 'x', '--shedule', 'x'], '--schedule'],
  ])('%j ends with 2 and a guess', async (argv, guess) => {
    const { exit, out, err } = await command(argv)
    expect(exit).toBe(2)
    expect(out).toBe('')
    expect(err).toContain('jobyard: ')
    expect(err).toContain(`Did you mean ${guess}?`)
  })

  test.each([
    [['script', 'deploy', 'x']],
    [['script', 'show']],
    [['script', 'list', 'extra']],
    [['token', 'create', 'x', '--role', 'king']],
    [['script', 'deploy', 'x', '--name', 'x', '--continuous', '--schedule', '0 0 0 * * *']],
    [['script', 'rollback', 'x', '--to', 'a', '--steps', '2']],
    [['completion', 'tcsh']],
    [['script']],
    [[]],
  ])('%j ends with 2 and says what is wrong', async (argv) => {
    const { exit, err } = await command(argv)
    expect(exit).toBe(2)
    expect(err).not.toBe('')
    expect(err).not.toMatch(/\bat .*\.ts:/)
  })
})

test('the version is printed', async () => {
  expect(await command(['--version'])).toEqual({ exit: 0, out: '0.1.0\n', err: '' })
})
