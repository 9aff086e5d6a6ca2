import { bytesOf, type Jobyard, type OutputEntry, type OutputSource } from '@jobyard/client'
import { printJsonLine } from '../answer.ts'
import { paint } from '../failure.ts'
import { type Sink, type Terminal, write } from '../terminal.ts'

/** How output is printed. */
export interface PrintOptions {
  readonly json: boolean
  /** True: what scripts wrote to stderr goes to stderr. False: all goes to stdout, as one log. */
  readonly split: boolean
}

/** Prints one entry as it came, bytes and all. */
export async function printEntry(terminal: Terminal, entry: OutputEntry, options: PrintOptions): Promise<void> {
  if (options.json) return printJsonLine(terminal, { event: 'output', ...entry })
  const sink = options.split && entry.stream !== 'output' ? terminal.stderr : terminal.stdout
  await write(sink, ofJobyard(entry) ? note(sink, entry) : bytesOf(entry))
}

/** What Jobyard itself adds to a log. */
function ofJobyard({ stream }: OutputEntry): boolean {
  return stream === 'system'
}

function note(sink: Sink, { text = '' }: OutputEntry): string {
  return `${paint(sink, 'dim', `[jobyard] ${text.replace(/\n$/, '')}`)}\n`
}

/** Prints the output of a run from behind `after` on until it ends. */
export async function followOutput(
  terminal: Terminal,
  jobyard: Jobyard,
  source: OutputSource,
  options: PrintOptions & { readonly after?: number; readonly signal: AbortSignal },
): Promise<void> {
  const { after, signal } = options
  const from = after === undefined ? {} : { after }
  const onAttempt = (attempt: number): void => {
    if (attempt > 1 && !options.json) terminal.stderr.write(`[jobyard] attempt ${attempt}\n`)
  }
  for await (const entry of jobyard.output.follow(source, { ...from, signal, onAttempt })) {
    await printEntry(terminal, entry, options)
  }
}
