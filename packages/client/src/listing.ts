import type { Transport } from './transport.ts'
import type { Page } from './types.ts'

/** How a list is read. */
export interface ListOptions {
  /** Items of a page, 1 to 500. Default: the server's, 50. */
  readonly pageSize?: number
  readonly signal?: AbortSignal
}

/**
 * A list that is read page by page, as far as somebody looks at it: `for await (const item of listing)`. `P` is what its
 * pages say besides their items.
 */
export class Listing<T, P extends Page<T> = Page<T>> implements AsyncIterable<T> {
  readonly #transport: Transport
  readonly #path: string
  readonly #query: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  readonly #options: ListOptions

  constructor(transport: Transport, path: string, query: object = {}, options: ListOptions = {}) {
    this.#transport = transport
    this.#path = path
    this.#query = { ...query }
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.items
  }

  /** The pages, one request each. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    let cursor: string | undefined
    do {
      const page = await this.page(cursor)
      yield page
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
  }

  /** One page: the first, or the one that a cursor names. */
  async page(cursor?: string): Promise<P> {
    const { pageSize: limit, signal } = this.#options
    const query = { ...this.#query, limit, cursor }
    return await this.#transport.json<P>({ method: 'GET', path: this.#path, query, signal })
  }

  /** The first so many items, or all there are. */
  async take(count = Number.POSITIVE_INFINITY): Promise<T[]> {
    const taken: T[] = []
    if (count <= 0) return taken
    for await (const item of this) {
      taken.push(item)
      if (taken.length >= count) break
    }
    return taken
  }
}
