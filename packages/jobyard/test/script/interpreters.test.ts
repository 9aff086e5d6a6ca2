import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  commandLine,
  HOSTS,
  type Interpreter,
  interpreterName,
  pathForJobs,
  resolveInterpreter,
  searchPath,
} from '../../src/kinds/script/interpreters.ts'
import { IS_ROOT, makeTemporary, NOBODY, OWN } from './fixtures.ts'

let top: string

beforeEach(() => {
  top = realpathSync(makeTemporary())
  chmodSync(top, 0o755)
})

function makeProgram(folder: string, name: string, mode = 0o755): string {
  mkdirSync(join(top, folder), { recursive: true })
  const path = join(top, folder, name)
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, mode)
  return path
}

function found(interpreter: Interpreter): string {
  if (interpreter.missing) throw new Error(interpreter.message)
  return interpreter.file
}

test('the first program of PATH that can be executed is taken', () => {
  makeProgram('a', 'python3', 0o644)
  mkdirSync(join(top, 'b', 'python3'), { recursive: true })
  const python = makeProgram('c', 'python3')
  makeProgram('d', 'python3')
  const path = ['a', 'b', 'none', 'c', 'd'].map((name) => join(top, name)).join(delimiter)
  expect(found(resolveInterpreter('python', { path, user: OWN }))).toBe(python)
})

test('python3 is looked for everywhere before python', () => {
  const python = makeProgram('a', 'python')
  const path = ['a', 'b'].map((name) => join(top, name)).join(delimiter)
  expect(found(resolveInterpreter('python', { path, user: OWN }))).toBe(python)
  const python3 = makeProgram('b', 'python3')
  expect(found(resolveInterpreter('python', { path, user: OWN }))).toBe(python3)
})

test('a shim that is a link is a file like any other', () => {
  const real = makeProgram('real', 'php-8.4')
  mkdirSync(join(top, 'shims'))
  symlinkSync(real, join(top, 'shims', 'php'))
  expect(found(resolveInterpreter('php', { path: join(top, 'shims'), user: OWN }))).toBe(join(top, 'shims', 'php'))
})

test('a missing interpreter is named, with what to do', () => {
  const missing = resolveInterpreter('java', { path: top, user: OWN })
  expect(missing).toMatchObject({ missing: true, name: 'java' })
  expect((missing as { message: string }).message).toContain('java was not found in the PATH of the user me')
})

test('relative folders of PATH are never looked into', () => {
  expect(searchPath(['', '.', 'bin', '/usr/bin', './x'].join(delimiter))).toEqual(['/usr/bin'])
})

test("the server's own Node comes before that of PATH", () => {
  const node = makeProgram('bin', 'node')
  expect(found(resolveInterpreter('node', { path: join(top, 'bin'), user: OWN }))).toBe(process.execPath)
  expect(found(resolveInterpreter('node', { path: join(top, 'bin'), user: OWN, execPath: join(top, 'gone') }))).toBe(
    node,
  )
})

test('sh stands in for bash, with a note', () => {
  const bash = resolveInterpreter('bash', { path: '/usr/bin:/bin', user: OWN })
  if (found(bash).endsWith('/bash')) expect(bash).not.toHaveProperty('note')
  else expect(bash).toHaveProperty('note')
})

test.each([
  ['powershell', ['-NoProfile', '-File', 'run.x', 'a b', '']],
  ['bash', ['run.x', 'a b', '']],
  ['java', ['-jar', 'run.x', 'a b', '']],
  ['windows', ['/d', '/c', 'run.x', 'a b', '']],
] as const)('the command line of %s', (host, expected) => {
  for (const name of ['pwsh', 'bash', 'java', 'cmd.exe']) makeProgram('bin', name)
  const interpreter = resolveInterpreter(host, { path: join(top, 'bin'), user: OWN, platform: 'linux' })
  if (interpreter.missing) throw new Error(interpreter.message)
  expect(commandLine(interpreter, 'run.x', ['a b', ''])).toEqual(expected)
})

test('every host has a name, also on Windows', () => {
  expect(HOSTS.map((host) => interpreterName(host, 'linux'))).toEqual([
    'cmd',
    'pwsh',
    'bash',
    'python3',
    'php',
    'node',
    'java',
  ])
  expect(HOSTS.map((host) => interpreterName(host, 'win32'))).toEqual([
    'cmd',
    'PowerShell',
    'bash',
    'python',
    'php',
    'node',
    'java',
  ])
})

test('a script that is called like an option is run', async () => {
  const bash = resolveInterpreter('bash', { path: '/usr/bin:/bin', user: OWN })
  if (bash.missing) throw new Error(bash.message)
  writeFileSync(join(top, '-c.sh'), 'echo "$1"')
  const { stdout } = await promisify(execFile)(bash.file, [...commandLine(bash, '-c.sh', ['-x'])], { cwd: top })
  expect(stdout).toBe('-x\n')
})

describe.skipIf(!IS_ROOT)('for another user (only root can try it)', () => {
  test('a program that this user cannot reach is passed over, and named when it is the only one', () => {
    const shut = makeProgram('shut', 'python3')
    chmodSync(join(top, 'shut'), 0o700)
    const path = ['shut', 'open'].map((name) => join(top, name)).join(delimiter)
    const missing = resolveInterpreter('python', { path, user: NOBODY })
    expect(missing).toMatchObject({ missing: true, name: 'python3' })
    expect((missing as { message: string }).message).toContain(`${shut} cannot be executed by that user`)
    const open = makeProgram('open', 'python3')
    expect(found(resolveInterpreter('python', { path, user: NOBODY }))).toBe(open)
  })

  test("the server's Node is passed over when this user cannot reach it", () => {
    const shut = makeProgram('shut', 'node')
    chmodSync(join(top, 'shut'), 0o700)
    const open = makeProgram('open', 'node')
    expect(found(resolveInterpreter('node', { path: join(top, 'open'), user: NOBODY, execPath: shut }))).toBe(open)
  })

  test('PATH of jobs has neither folders that they cannot enter nor those that do not exist', () => {
    for (const name of ['a', 'shut', 'b']) mkdirSync(join(top, name))
    chmodSync(join(top, 'shut'), 0o700)
    const path = ['a', 'shut', 'none', 'b', 'a'].map((name) => join(top, name))
    expect(pathForJobs([...path, '', '.', 'bin'].join(delimiter), NOBODY)).toBe(`${top}/a${delimiter}${top}/b`)
    expect(pathForJobs(path.join(delimiter), OWN)).toBe(`${top}/a${delimiter}${top}/shut${delimiter}${top}/b`)
    expect(pathForJobs(undefined, NOBODY)).toContain('/usr/bin')
  })
})
