import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { Ids } from '../../domain/ids.ts'
import type { Repository } from '../../store/procedures/index.ts'

/** What every token that Jobyard makes begins with, so that people and scanners of leaked secrets know it. */
export const TOKEN_PREFIX = 'jy_'

/** Random bytes of a token. */
const TOKEN_BYTES = 32

/** The shortest secret that an administrator may set as a token, in characters. */
const SHORTEST_TOKEN = 20

/** Who enters tokens at the start. */
const SERVER = { name: 'server', role: 'admin', address: null } as const

/** A new token's secret: `jy_` and 32 random bytes in base64url. */
export function createToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`
}

/**
 * The hash under which a token is stored. SHA-256 once, and no slow hash: a token of 256 random bits cannot be guessed
 * however fast guesses are checked, and it is checked with every request. The look-up by hash gives nothing away by its
 * time either: who does not know the token cannot choose what its hash begins with.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** What {@link ensureAdminToken} did. */
export interface AdminToken {
  /** The secret to print once, when one was made now. */
  readonly created: string | null
}

/**
 * Sees to it that there is a token with the role admin. With `given` (JOBYARD_ADMIN_TOKEN) that one is entered, anew when
 * somebody revoked it: who sets the server's environment has the last word. Without, one is made when none is valid, and given back this once. Throws
 * 'input-invalid' when the given one is too short.
 */
export async function ensureAdminToken(
  { store, clock, ids }: { readonly store: Repository; readonly clock: Clock; readonly ids: Ids },
  given?: string,
): Promise<AdminToken> {
  if (given !== undefined) {
    await enterGiven({ store, clock, ids }, given)
    return { created: null }
  }
  const at = clock.now()
  const tokens = await store.read('listTokens', undefined)
  const valid = tokens.some(
    ({ role, collectionId, revokedAt, expiresAt }) =>
      role === 'admin' && collectionId === null && revokedAt === null && (expiresAt === null || expiresAt > at),
  )
  if (valid) return { created: null }
  const token = createToken()
  await enter({ store, clock, ids }, token, 'admin')
  return { created: token }
}

async function enterGiven(parts: Parameters<typeof enter>[0], token: string): Promise<void> {
  if (token.length < SHORTEST_TOKEN || /\s/.test(token)) {
    const message = `The admin token that was given must have at least ${SHORTEST_TOKEN} characters and no blanks.`
    const hint = `Make one with: openssl rand -base64 32`
    throw new JobyardError('input-invalid', message, { field: 'JOBYARD_ADMIN_TOKEN', hint })
  }
  const known = await parts.store.read('findToken', { hash: hashToken(token) })
  const valid =
    known !== null &&
    known.role === 'admin' &&
    known.revokedAt === null &&
    known.expiresAt === null &&
    known.collectionId === null
  if (!valid) await enter(parts, token, 'admin-given')
}

/** Enters a token under the first name of this beginning that is free. */
async function enter(
  { store, clock, ids }: { readonly store: Repository; readonly clock: Clock; readonly ids: Ids },
  token: string,
  name: string,
): Promise<void> {
  const rights = { role: 'admin', collectionId: null, expiresAt: null } as const
  const common = { ...rights, hash: hashToken(token), anew: true, actor: SERVER }
  for (let count = 1; ; count++) {
    const tried = count === 1 ? name : `${name}-${count}`
    try {
      await store.write('addToken', { id: ids.next(), name: tried, ...common, at: clock.now() })
      return
    } catch (error) {
      if (!(error instanceof JobyardError) || error.code !== 'token-exists' || count === 1000) throw error
    }
  }
}
