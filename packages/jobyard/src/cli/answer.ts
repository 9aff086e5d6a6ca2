import { asTyped } from './program-name.ts'
import type { Common } from './shape.ts'
import { type Terminal, write } from './terminal.ts'

/** Prints one JSON document. */
export async function printJson(terminal: Pick<Terminal, 'stdout'>, value: unknown): Promise<void> {
  await write(terminal.stdout, `${JSON.stringify(value, undefined, 2)}\n`)
}

/** Prints one JSON document as a line, one of many. */
export async function printJsonLine(terminal: Pick<Terminal, 'stdout'>, value: unknown): Promise<void> {
  await write(terminal.stdout, `${JSON.stringify(value)}\n`)
}

/** Answers with a document for programs or a sentence for people. */
export async function answer(
  terminal: Pick<Terminal, 'stdout' | 'env'>,
  options: Common,
  value: unknown,
  sentence: string,
): Promise<void> {
  if (options.json === true) await printJson(terminal, value)
  else await write(terminal.stdout, `${asTyped(terminal, sentence)}\n`)
}
