import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Jobyard, Run, RunInput } from '@jobyard/client'
import { answer, printJsonLine } from '../answer.ts'
import { connect } from '../connection.ts'
import { EXIT, paint } from '../failure.ts'
import { asTyped } from '../program-name.ts'
import { nameOf } from '../run-name.ts'
import { Interrupted, type Origin, type Terminal } from '../terminal.ts'
import { sayEnd, sayTook, styleOf } from '../wording.ts'
import { type ScopeOptions, scopeOf } from './options.ts'
import { followOutput } from './print-output.ts'

/** Options of `script run`. */
export interface RunOptions extends ScopeOptions {
  readonly wait?: boolean
  readonly follow?: boolean
  readonly input?: string
}

/** Runs a job once. With --wait its output is printed, and the exit code is the script's. */
export async function run(
  terminal: Terminal,
  name: string,
  args: readonly string[],
  options: RunOptions,
): Promise<number> {
  const jobyard = await connect(terminal, options)
  const input: RunInput = {
    ...(args.length === 0 ? {} : { args }),
    ...(options.input === undefined ? {} : { payload: await readPayload(terminal, options.input) }),
  }
  const started = await jobyard.runs.create(name, input, scopeOf(options))
  if (options.wait !== true && options.follow !== true) {
    const more = `See \`jobyard script logs ${name} --follow\`.`
    await answer(terminal, options, started, `${nameOf(started)} is ${started.state}. ${more}`)
    return EXIT.ok
  }
  return await waitForEnd(terminal, jobyard, started, options.json === true)
}

async function waitForEnd(terminal: Terminal, jobyard: Jobyard, started: Run, json: boolean): Promise<number> {
  const signal = terminal.interrupted()
  try {
    await followOutput(terminal, jobyard, started.id, { json, split: true, signal })
    const ended = await jobyard.runs.wait(started.id, { signal })
    if (json) await printJsonLine(terminal, { event: 'end', run: ended })
    else sayEnded(terminal, ended)
    return exitOf(ended)
  } catch (error) {
    if (error instanceof Interrupted) {
      const end = asTyped(terminal, `end it with \`jobyard run stop ${nameOf(started)}\``)
      terminal.stderr.write(`\n${nameOf(started)} goes on without this command; ${end}.\n`)
    }
    throw error
  }
}

function sayEnded(terminal: Terminal, run: Run): void {
  if (run.state === 'completed') return
  const state = paint(terminal.stderr, styleOf(run.state) ?? 'red', run.state)
  const end = sayEnd(run)
  const took = sayTook(run, terminal.clock.now())
  terminal.stderr.write(`${nameOf(run)} ${state} after ${took}${end === '' ? '' : `: ${end}`}\n`)
}

/** The script's own exit code; 130 for a run that was stopped, 1 for one that failed in another way. */
export function exitOf({ state, exitCode }: Pick<Run, 'state' | 'exitCode'>): number {
  if (state === 'completed') return exitCode ?? EXIT.ok
  if (state === 'stopped') return EXIT.interrupted
  return exitCode === null || exitCode === 0 ? EXIT.failed : exitCode
}

async function readPayload(terminal: Terminal, file: string): Promise<NonNullable<RunInput['payload']>> {
  const bytes = file === '-' ? await readBytes(terminal.stdin) : await readFile(resolve(terminal.folder, file))
  return { contentType: 'application/octet-stream', base64: bytes.toString('base64') }
}

async function readBytes(stdin: Origin): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
