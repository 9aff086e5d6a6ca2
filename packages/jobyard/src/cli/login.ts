import { Jobyard } from '@jobyard/client'
import { isLoopback } from '../config/listening.ts'
import { JobyardError } from '../domain/errors.ts'
import { answer } from './answer.ts'
import { askSecret } from './ask.ts'
import { DEFAULT_URL, requireUrl } from './connection.ts'
import { readLogin, serverKey, writeLogin } from './login-file.ts'
import type { Common, Connected } from './shape.ts'
import type { Terminal } from './terminal.ts'

/** Options of `login`. */
export type LoginOptions = Connected

/** Keeps the address of a server and a token for it, once the server has taken that token. */
export async function login(terminal: Terminal, options: LoginOptions): Promise<void> {
  const before = await readLogin(terminal)
  const url = serverKey(requireUrl(options.url ?? (terminal.env.JOBYARD_URL || before.current || DEFAULT_URL)))
  const token = (options.token ?? (await askSecret(terminal, `Token for ${url}: `))).trim()
  const me = await new Jobyard({ url, token }).me()
  const file = await writeLogin(terminal, { current: url, tokens: { ...before.tokens, [url]: token } })
  for (const warning of warningsFor(url, terminal)) terminal.stderr.write(`warning: ${warning}\n`)
  const bound = me.collection === null ? '' : `, for the collection ${me.collection} only`
  await answer(
    terminal,
    options,
    { url, file, ...me },
    `Logged in to ${url} as ${me.name} (${me.role}${bound}). The token is kept in ${file}.`,
  )
}

function warningsFor(url: string, { env }: Terminal): string[] {
  const { protocol, hostname } = new URL(url)
  const warnings: string[] = []
  if (protocol === 'http:' && !isLoopback(hostname)) {
    warnings.push('the token goes over the network unencrypted; use https where the server offers it.')
  }
  if (env.JOBYARD_TOKEN || env.JOBYARD_URL) {
    warnings.push('JOBYARD_URL and JOBYARD_TOKEN of the environment come before this login.')
  }
  return warnings
}

/** Forgets the token of a server. */
export async function logout(terminal: Terminal, options: Common & { readonly url?: string }): Promise<void> {
  const before = await readLogin(terminal)
  const named = options.url ?? before.current
  const url = named === undefined ? undefined : serverKey(requireUrl(named))
  if (url === undefined || before.tokens[url] === undefined) {
    throw new JobyardError('usage-invalid', `Nobody is logged in${url === undefined ? '' : ` to ${url}`}.`, {
      hint: 'There is nothing to do.',
    })
  }
  const { [url]: _forgotten, ...tokens } = before.tokens
  await writeLogin(terminal, { current: before.current === url ? undefined : before.current, tokens })
  const hint = 'The token itself stays good until an admin revokes it.'
  await answer(terminal, options, { url, loggedOut: true }, `Logged out of ${url}. ${hint}`)
}
