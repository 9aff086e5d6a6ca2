/** An answer of a server, or that none came. */
export type Answer =
  | { readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly status: 'none'; readonly why: string }

/** A request to /v1. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** Sent instead of `body`, as it is. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  /** The same for every sending of the same request. */
  readonly key?: string
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 8000

/** Sends a request once. Never rejects: what becomes of a request whose server dies is what this is all about. */
export async function send(address: string, token: string, call: Call): Promise<Answer> {
  const { method, path, body, bytes, key, timeoutMs = TIMEOUT_MS } = call
  try {
    const response = await fetch(new URL(path, address), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(bytes === undefined ? {} : { body: bytes }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  } catch (error) {
    return { status: 'none', why: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

/** Whether the answer leaves open what became of the request, so that it is to be sent again under its key. */
export function isOpen(
  answer: Answer,
): answer is Extract<Answer, { status: 'none' }> | { status: number; body: never } {
  if (answer.status === 'none') return true
  return answer.status >= 500 || answer.status === 429 || (answer.status === 409 && answer.body.code === 'key-in-use')
}
