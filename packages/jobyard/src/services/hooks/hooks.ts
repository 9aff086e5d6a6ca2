import { JobyardError } from '../../domain/errors.ts'
import { readTarget } from '../../outbound/hops.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { HookEvent, HookRow } from '../../store/procedures/hooks.ts'
import type { ApiServices } from '../services.ts'

/** The longest address that is taken, in characters. */
const LONGEST_URL = 2048

/** A hook as somebody wants it. */
export interface HookInput {
  readonly event: HookEvent
  /** In full; user and password in it are kept encrypted and never shown. */
  readonly url: string
  /** True: the certificate of the address is not looked at. Default false. */
  readonly insecure?: boolean
}

/** What making calls knows and does, as far as those who manage hooks need it. */
export interface HookCalls {
  /** Refuses an address that could never be called. Throws 'destination-refused'. */
  check(url: string): void
  /** Says that there may be something to call. */
  wake(): void
  /** Calls a hook now with something made up, and keeps how it went with it. Throws 'hook-unknown'. */
  try(id: string, actor: Actor): Promise<void>
}

/** The hooks of collections: addresses that are called when something happens in them. */
export class Hooks {
  readonly #services: ApiServices

  constructor(services: ApiServices) {
    this.#services = services
  }

  /** The hooks of a collection, the oldest first. */
  async list(collectionId: string): Promise<HookRow[]> {
    return await this.#services.store.read('listHooks', { collectionId })
  }

  /** A hook by its id; null when there is none. */
  async get(id: string): Promise<HookRow | null> {
    return await this.#services.store.read('getHook', { id })
  }

  /**
   * Makes a hook under an id, or gives the one of this address and event back. Throws 'destination-invalid',
   * 'destination-refused', 'hook-exists' and 'hook-limit'.
   */
  async add(
    collectionId: string,
    { event, url: given, insecure = false }: HookInput,
    actor: Actor,
    id: string,
  ): Promise<{ readonly hook: HookRow; readonly isNew: boolean }> {
    const { store, clock, sealer, hookCalls } = this.#services
    const { url, secret } = splitUrl(given)
    hookCalls?.check(url)
    const credentials =
      secret === undefined ? {} : { credentials: sealer.seal(secret, hookPlace(collectionId, url)).sealed }
    const draft = { id, collectionId, event, url, insecure, ...credentials }
    const added = await store.write('addHook', { draft, actor, at: clock.now() })
    hookCalls?.wake()
    return added
  }

  /** Takes a hook away. Throws 'hook-unknown'. */
  async remove(id: string, actor: Actor): Promise<void> {
    await this.#services.store.write('deleteHook', { id, actor, at: this.#services.clock.now() })
  }

  /** Calls a hook now with something made up. Answers the hook with how that went. Throws 'hook-unknown'. */
  async test(id: string, actor: Actor): Promise<HookRow> {
    const { hookCalls } = this.#services
    if (hookCalls === undefined) throw new Error('This server makes no calls.')
    await hookCalls.try(id, actor)
    const hook = await this.get(id)
    if (hook === null) throw new JobyardError('hook-unknown')
    return hook
  }

  /** Has the hooks of a collection for an event called with a text. Answers how many there are. */
  async publish(collectionId: string, event: HookEvent, text: string): Promise<number> {
    const { store, clock, hookCalls } = this.#services
    const count = await store.write('publishToHooks', { collectionId, event, text, at: clock.now() })
    hookCalls?.wake()
    return count
  }
}

/** What the user and password of a hook are encrypted for. */
export function hookPlace(collectionId: string, url: string): string {
  return `hook:${collectionId}:${url}`
}

/** An address without its user and password, and the address whole when it has some. Throws 'destination-invalid'. */
function splitUrl(given: string): { readonly url: string; readonly secret?: string } {
  if (given.length > LONGEST_URL) {
    const message = `The address has ${given.length} characters; at most ${LONGEST_URL} are taken.`
    throw new JobyardError('destination-invalid', message, { field: 'url' })
  }
  const url = readTarget(given)
  url.hash = ''
  const whole = url.href
  const secret = url.username !== '' || url.password !== ''
  url.username = ''
  url.password = ''
  return secret ? { url: url.href, secret: whole } : { url: url.href }
}
