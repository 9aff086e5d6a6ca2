import { styleText } from 'node:util'
import { JobyardProblem } from '@jobyard/client'
import { messageOf } from '../domain/error-message.ts'
import { ERRORS, JobyardError } from '../domain/errors.ts'
import { isSystemError } from '../kinds/script/system-error.ts'
import { asTyped } from './program-name.ts'
import { Interrupted, type Sink, type Terminal } from './terminal.ts'

/** What the command line ends with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3, notFound: 4, unreachable: 5, interrupted: 130 } as const

/** An error as it is shown: one line that says what is wrong, one that says what to do. */
interface Shown {
  readonly code: string
  readonly exit: number
  readonly what: string
  readonly todo: string | undefined
  readonly field?: string | undefined
  readonly position?: number | undefined
  readonly requestId?: string | undefined
}

/** Tells people, or programs with `json`, what went wrong. Returns the exit code that goes with it. */
export function reportFailure(
  error: unknown,
  terminal: Pick<Terminal, 'stderr' | 'env'>,
  how: { readonly json: boolean; readonly debug: boolean },
): number {
  const { stderr } = terminal
  if (error instanceof Interrupted) return EXIT.interrupted
  // The reader of a pipe has seen enough, as `head` does: no failure.
  if (isBrokenPipe(error)) return EXIT.ok
  const shown = describe(error)
  if (how.json) stderr.write(`${JSON.stringify({ error: { ...shown, message: shown.what, what: undefined } })}\n`)
  else stderr.write(`${paint(stderr, 'red', 'jobyard:')} ${printable(shown.what)}\n`)
  if (!how.json && shown.todo !== undefined)
    stderr.write(`${paint(stderr, 'dim', 'What to do:')} ${printable(asTyped(terminal, shown.todo))}\n`)
  if (how.debug && error instanceof Error) stderr.write(`${stackOf(error)}\n`)
  return shown.exit
}

function describe(error: unknown): Shown {
  if (error instanceof JobyardError) {
    const { code, exit, message, hint, field, position } = error
    return { code, exit, what: message, todo: hint, field, position }
  }
  if (error instanceof JobyardProblem) {
    const { code, detail, field, position, requestId } = error
    return { code, exit: exitOf(error), what: detail, todo: adviceFor(error), field, position, requestId }
  }
  const what = messageOf(error)
  if (isSystemError(error)) return { code: 'system', exit: EXIT.failed, what: `${what}.`, todo: undefined }
  return {
    code: 'internal',
    exit: EXIT.failed,
    what: `Something went wrong inside Jobyard: ${what}`,
    todo: 'Add --debug for the particulars; please report it.',
  }
}

/** The exit code of a refusal: the catalogue's, or for a code that a newer server added, that of its status. */
function exitOf({ code, status, unreachable }: JobyardProblem): number {
  if (unreachable) return EXIT.unreachable
  if (code in ERRORS) return ERRORS[code as keyof typeof ERRORS].exit
  if (status === 404) return EXIT.notFound
  if (status === 401 || status === 403 || status === 409) return EXIT.refused
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.failed
}

/** The server's hints speak of HTTP; here the same is done by commands. */
function adviceFor({ code, hint }: JobyardProblem): string | undefined {
  switch (code) {
    case 'token-missing':
      return 'Log in with `jobyard login`, or set JOBYARD_TOKEN.'
    case 'token-invalid':
      return 'Log in anew with `jobyard login`, or set JOBYARD_TOKEN to another token.'
    case 'server-unreachable':
      return 'See that the server runs (`jobyard serve`), or name another one with --url or JOBYARD_URL.'
    case 'answer-unexpected':
      return 'See that --url or JOBYARD_URL is the address of a Jobyard server.'
    case 'job-unknown':
      return 'See `jobyard script list`, and --collection for jobs of another one.'
    case 'job-ambiguous':
      return 'Say its --type, or name it by its number or id; `jobyard script list --json` shows them.'
    case 'run-unknown':
      return 'See `jobyard run list`.'
    case 'collection-unknown':
      return 'See `jobyard collection list`.'
    default:
      return hint
  }
}

function isBrokenPipe(error: unknown): boolean {
  return isSystemError(error, 'EPIPE')
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}

/** Colours a text, but only on a terminal that shows colours (NO_COLOR and its like are honoured). */
export function paint(sink: Sink, style: Parameters<typeof styleText>[0], words: string): string {
  return sink.isTTY === true ? styleText(style, words, { stream: sink }) : words
}

/** A text from elsewhere for use on a terminal: what would move the cursor or change colours is made visible. */
export function printable(words: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return words.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (sign) => {
    return `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
