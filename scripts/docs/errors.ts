import { ERRORS, type ErrorEntry } from '../../packages/jobyard/src/domain/errors.ts'

/** The reference of all errors in Markdown. */
export function renderErrors(): string {
  const entries = Object.entries<ErrorEntry>(ERRORS).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const rows = entries.map(
    ([code, { status, exit, title, hint }]) => `| \`${code}\` | ${status} | ${exit} | ${cell(title)} | ${cell(hint)} |`,
  )
  return [
    '# Errors',
    '',
    'Every error has a code that stays the same and is never used for something else. Over HTTP it comes as a problem',
    'document (RFC 9457, `application/problem+json`) with the members `type` (`urn:jobyard:error:` and the code), `title`,',
    '`status`, `detail` (what is wrong here), `code`, `hint` (what to do), `requestId` and, where one input is at fault,',
    '`field` and `position`. The command line prints detail and hint, and ends with the exit code.',
    '',
    'Exit codes: 1 failed, 2 the input or the command is wrong, 3 refused, 4 there is no such thing, 5 the server cannot be',
    'reached, 57 the database was made by a newer Jobyard. Programs should look at the code, not at the words.',
    '',
    'The client makes two codes of its own, which no server sends: `server-unreachable` and `answer-unexpected`.',
    '',
    '| code | HTTP | exit | what it says | what to do, unless the error says something better |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
