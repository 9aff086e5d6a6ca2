import { JobyardProblem } from './problem.ts'

/** A file to be sent. */
export interface FileRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly blob: Blob
  readonly onProgress?: ((sent: number, total: number | undefined) => void) | undefined
  readonly signal: AbortSignal | null
}

/** A value of the query; an absent one is left out, several are joined by commas. */
export type QueryValue = string | number | boolean | readonly string[] | undefined

/** One request to the server. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Begins with a slash; its parts are encoded already, see {@link pathOf}. */
  readonly path: string
  readonly query?: Readonly<Record<string, QueryValue>> | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is: called anew for every attempt. */
  readonly stream?: (() => ReadableStream<Uint8Array>) | undefined
  /** The same body as a file, for a client that sends those in another way. */
  readonly file?: Pick<FileRequest, 'blob' | 'onProgress'> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly accept?: string
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the answer's head, instead of the client's; 0 for no limit. */
  readonly timeoutMs?: number | undefined
  /** False when the body can be read only once. */
  readonly repeatable?: boolean
}

/** A path of these parts, each encoded by itself. */
export function pathOf(...parts: readonly (string | number)[]): string {
  return `/${parts.map(encodePart).join('/')}`
}

/** An empty part, and one that steps aside or back, would lead to another address than the one that is meant. */
function encodePart(part: string | number): string {
  if (part !== '' && part !== '.' && part !== '..') return encodeURIComponent(part)
  throw new JobyardProblem({
    code: 'input-invalid',
    status: 400,
    title: 'The input is not valid.',
    detail: `${JSON.stringify(part)} is no name, number or id.`,
    hint: 'Say what is meant by its name, number or id.',
  })
}
