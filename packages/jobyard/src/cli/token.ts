import type { Role, Token } from '@jobyard/client'
import { parseDuration } from '../domain/durations.ts'
import { JobyardError } from '../domain/errors.ts'
import { answer, printJson } from './answer.ts'
import { connect } from './connection.ts'
import type { Connected } from './shape.ts'
import { printFacts, printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { NOTHING, sayShortTime, sayTime } from './wording.ts'

/** Options of `token create`. */
export interface TokenCreateOptions extends Connected {
  readonly role: Role
  readonly collection?: string
  readonly expires?: string
}

/** Makes a token and shows it. */
export async function createToken(terminal: Terminal, name: string, options: TokenCreateOptions): Promise<void> {
  const { role, collection, expires } = options
  if (expires !== undefined) parseDuration(expires, '--expires')
  const made = await (await connect(terminal, options)).tokens.create({
    name,
    role,
    ...(collection === undefined ? {} : { collection }),
    ...(expires === undefined ? {} : { expiresIn: expires }),
  })
  if (options.json === true) return printJson(terminal, made)
  await printFacts(terminal.stdout, [
    ['token', made.token],
    ['name', made.name],
    ['role', made.role],
    ['collection', made.collection ?? 'all'],
    ['expires', made.expiresAt === null ? 'never' : sayTime(made.expiresAt)],
  ])
  terminal.stderr.write('The token is not shown again; hand it over by a safe way.\n')
}

/** Lists all tokens. */
export async function listTokens(terminal: Terminal, options: Connected): Promise<void> {
  const tokens = await (await connect(terminal, options)).tokens.list({ pageSize: 500 }).take()
  if (options.json === true) return printJson(terminal, tokens)
  const now = terminal.clock.now()
  await printTable(terminal.stdout, tokens, [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'ROLE', value: ({ role }) => role },
    { title: 'COLLECTION', value: ({ collection }) => collection ?? 'all' },
    {
      title: 'STATE',
      value: (token) => stateOf(token, now),
      style: (token) => (stateOf(token, now) === 'good' ? 'green' : 'dim'),
    },
    timeColumn('LAST USED', ({ lastUsedAt }) => lastUsedAt),
    {
      title: 'EXPIRES',
      value: ({ expiresAt }) => (expiresAt === null ? 'never' : sayTime(expiresAt)),
      short: ({ expiresAt }) => (expiresAt === null ? 'never' : sayShortTime(expiresAt)),
    },
    { title: 'MADE BY', value: ({ createdBy }) => createdBy || NOTHING, yields: true },
    { title: 'ID', value: ({ id }) => id, yields: true },
  ])
}

function stateOf({ revokedAt, expiresAt }: Token, now: number): 'good' | 'revoked' | 'expired' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && new Date(expiresAt).getTime() <= now ? 'expired' : 'good'
}

/** Makes a token worthless. */
export async function revokeToken(terminal: Terminal, which: string, options: Connected): Promise<void> {
  const jobyard = await connect(terminal, options)
  const tokens = await jobyard.tokens.list({ pageSize: 500 }).take()
  const fitting = tokens.filter((token) => token.id === which || token.name.toLowerCase() === which.toLowerCase())
  const token = fitting.find(({ revokedAt }) => revokedAt === null)
  if (token === undefined) {
    const message = fitting.length === 0 ? `There is no token ${which}.` : `The token ${which} is revoked already.`
    throw new JobyardError('token-unknown', message, { hint: 'See `jobyard token list`.' })
  }
  await jobyard.tokens.revoke(token.id)
  await answer(terminal, options, { ...token, revoked: true }, `Revoked the token ${token.name}.`)
}
