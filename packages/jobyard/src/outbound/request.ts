/** A call to an address of somebody else. */
export interface OutboundRequest {
  readonly method: string
  /** `http:` or `https:`, in full. User and password in it are sent as HTTP Basic. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Milliseconds for the connection, TLS included. Default 10,000. */
  readonly connectMs?: number
  /** Milliseconds from the connection to the head of the answer. Default 30,000. */
  readonly headersMs?: number
  /** Milliseconds for everything together, redirects and the body of the answer included. Default 60,000. */
  readonly wholeMs?: number
  /** Bytes of the answer's body that are read; what comes after them is not waited for. Default 64 KB. */
  readonly maxBytes?: number
  /** Redirects that are followed, each under the same rules. Default 0: the redirect itself is the answer. */
  readonly redirects?: number
  /** True: the server's certificate is not looked at. For this call alone. Default false. */
  readonly insecure?: boolean
  /** True: over a connection of its own, so that none can be stale. Default false: one of earlier calls is used again. */
  readonly fresh?: boolean
  readonly signal?: AbortSignal
}

/** What came back. */
export interface OutboundAnswer {
  readonly status: number
  /** The words beside the status, as they were sent. */
  readonly reason: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** At most `maxBytes` of it. */
  readonly body: Buffer
  /** True when the body had more. */
  readonly cut: boolean
  /** Where the answer came from, after redirects; without user and password. */
  readonly url: string
}

/** Time limits and sizes of a call that names none. */
export const DEFAULTS = {
  connectMs: 10_000,
  headersMs: 30_000,
  wholeMs: 60_000,
  maxBytes: 64 * 1024,
  redirects: 0,
} as const
