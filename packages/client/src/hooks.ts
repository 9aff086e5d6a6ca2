import { Listing, type ListOptions } from './listing.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type { Hook, HookInput } from './types.ts'

/** Addresses that are called when something happens in a collection; for deployers. */
export class Hooks {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The hooks of a collection, the oldest first. */
  list(filter: { readonly collection?: string } = {}, options: ListOptions = {}): Listing<Hook> {
    return new Listing<Hook>(this.#transport, '/v1/hooks', filter, options)
  }

  /** A hook by its id. */
  async get(id: string): Promise<Hook> {
    return await this.#transport.json<Hook>({ method: 'GET', path: pathOf('v1', 'hooks', id) })
  }

  /** Has an address called; one that has a hook for this event already gives that one back. */
  async create(input: HookInput): Promise<Hook> {
    return await this.#transport.json<Hook>({ method: 'POST', path: '/v1/hooks', body: input })
  }

  /** Has a hook called now, with something made up; answers when the call is over, and `last` says how it went. */
  async test(id: string): Promise<Hook> {
    return await this.#transport.json<Hook>({ method: 'POST', path: pathOf('v1', 'hooks', id, 'test') })
  }

  /** Takes a hook away. */
  async remove(id: string): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: pathOf('v1', 'hooks', id) })
  }
}
