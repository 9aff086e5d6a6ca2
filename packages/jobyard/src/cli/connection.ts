import { Jobyard } from '@jobyard/client'
import { JobyardError } from '../domain/errors.ts'
import { readLogin, serverKey } from './login-file.ts'
import type { Connected } from './shape.ts'
import type { Terminal } from './terminal.ts'

/** Where a server listens when nobody said otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:7780'

/** The server to speak with, and the token for it. */
export interface Target {
  readonly url: string
  readonly token: string | undefined
}

/**
 * Flags over environment over the login. A token of the login is sent to the server that it was given for and to no
 * other, wherever the address comes from.
 */
export async function findTarget(terminal: Terminal, options: Connected): Promise<Target> {
  const login = await readLogin(terminal)
  const url = requireUrl(given(options.url) ?? given(terminal.env.JOBYARD_URL) ?? login.current ?? DEFAULT_URL)
  const token = given(options.token) ?? given(terminal.env.JOBYARD_TOKEN) ?? login.tokens[serverKey(url)]
  if (token !== undefined) requireToken(token)
  return { url, token }
}

function requireToken(token: string): void {
  if (/^[\x21-\x7e]+$/.test(token)) return
  throw new JobyardError('usage-invalid', 'The token holds blanks or signs that no token has.', {
    field: 'token',
    hint: 'Give it as it was shown when it was made: one line of letters, digits and signs.',
  })
}

/** A client of the server to speak with. */
export async function connect(terminal: Terminal, options: Connected): Promise<Jobyard> {
  return new Jobyard(await findTarget(terminal, options))
}

/** The address of a server, refused when it is none. */
export function requireUrl(text: string): string {
  const url = URL.parse(text)
  const field = { field: 'url', hint: 'Write it in full, such as http://127.0.0.1:7780.' }
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new JobyardError('usage-invalid', `"${text}" is not the address of a server.`, field)
  }
  if (url.username !== '' || url.password !== '') {
    throw new JobyardError('usage-invalid', 'The address of the server must not hold a user or a password.', {
      field: 'url',
      hint: 'Give a token with `jobyard login` or JOBYARD_TOKEN instead.',
    })
  }
  return text
}

/** An empty text counts as not given, as it does for settings. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
