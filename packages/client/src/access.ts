import { Listing, type ListOptions } from './listing.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type {
  AuditEntry,
  Collection,
  JobScope,
  NewToken,
  Preview,
  PreviewInput,
  Session,
  Token,
  TokenInput,
  WatchedFolder,
  Webhook,
} from './types.ts'

/** Schedules that belong to no job. */
export class Schedules {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** When a schedule would fall due. Fails with `schedule-invalid` and the position of what is wrong. */
  async preview(input: PreviewInput): Promise<Preview> {
    return await this.#transport.json<Preview>({ method: 'POST', path: '/v1/schedules/preview', body: input })
  }
}

/** The sign-in of the browser that this client runs in. Elsewhere there is nothing to hold the cookie, and no use for it. */
export class Sessions {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Signs the browser in with the client's token: for 12 hours or until it is closed, or for 30 days if it is to
   * remember. Clients without a token, in pages of the server itself, are let through from then on.
   */
  async open(options: { readonly remember?: boolean } = {}): Promise<Session> {
    return await this.#transport.json<Session>({ method: 'POST', path: '/v1/session', body: options })
  }

  /** Signs the browser out. */
  async close(): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: '/v1/session' })
  }
}

/** Tokens; for admins. */
export class Tokens {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All tokens, revoked ones too. */
  list(options: ListOptions = {}): Listing<Token> {
    return new Listing<Token>(this.#transport, '/v1/tokens', {}, options)
  }

  /** Makes a token, which is in the answer and never shown again. */
  async create(input: TokenInput): Promise<NewToken> {
    return await this.#transport.json<NewToken>({ method: 'POST', path: '/v1/tokens', body: input })
  }

  /** Makes a token worthless from now on. `id` is its id. */
  async revoke(id: string): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: pathOf('v1', 'tokens', id) })
  }
}

/** The addresses at which jobs can be started by others; for deployers. Every look at a password is on record. */
export class Webhooks {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** A job's address and password. */
  async get(job: string, scope: JobScope = {}): Promise<Webhook> {
    return await this.#transport.json<Webhook>({ method: 'GET', path: address(job), query: { ...scope } })
  }

  /** Gives a job a webhook, or another password: the one given, or a new one. */
  async set(job: string, input: { readonly password?: string } = {}, scope: JobScope = {}): Promise<Webhook> {
    return await this.#transport.json<Webhook>({ method: 'PUT', path: address(job), query: { ...scope }, body: input })
  }

  /** Replaces the password by a new one; the old one is worthless at once. */
  async renew(job: string, scope: JobScope = {}): Promise<Webhook> {
    return await this.#transport.json<Webhook>({
      method: 'POST',
      path: `${address(job)}/renew`,
      query: { ...scope },
    })
  }

  /** Takes the webhook away. */
  async remove(job: string, scope: JobScope = {}): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: address(job), query: { ...scope } })
  }
}

function address(job: string): string {
  return pathOf('v1', 'jobs', job, 'webhook')
}

/** What was changed by whom; for admins. */
export class Audit {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Entries, the newest first. `target` is the id of what was changed. */
  list(
    filter: { readonly target?: string; readonly collection?: string } = {},
    options: ListOptions = {},
  ): Listing<AuditEntry> {
    return new Listing<AuditEntry>(this.#transport, '/v1/audit', filter, options)
  }
}

/** Groups of jobs. A collection is named by its name or its id. */
export class Collections {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All collections, by name. */
  list(options: ListOptions = {}): Listing<Collection> {
    return new Listing<Collection>(this.#transport, '/v1/collections', {}, options)
  }

  /** A collection. */
  async get(collection: string): Promise<Collection> {
    const path = pathOf('v1', 'collections', collection)
    return await this.#transport.json<Collection>({ method: 'GET', path })
  }

  /** The folder that its jobs come from; null where no folder is watched. */
  async folder(collection: string): Promise<WatchedFolder | null> {
    const path = pathOf('v1', 'collections', collection, 'folder')
    return (await this.#transport.json<{ folder: WatchedFolder | null }>({ method: 'GET', path })).folder
  }

  /** Makes a collection; for admins. */
  async create(name: string): Promise<Collection> {
    return await this.#transport.json<Collection>({ method: 'POST', path: '/v1/collections', body: { name } })
  }

  /** Takes an empty collection away; for admins. */
  async remove(collection: string): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: pathOf('v1', 'collections', collection) })
  }
}
