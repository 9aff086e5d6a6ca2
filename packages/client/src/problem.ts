/** Codes that the client itself gives, when no answer of Jobyard says what is wrong. */
export type ClientCode = 'server-unreachable' | 'server-timeout' | 'answer-unexpected'

/** What is known of a problem. */
export interface ProblemDetails {
  /** Stable name of the error, from the server's catalogue or a {@link ClientCode}. */
  readonly code: string
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** One line that names the error. */
  readonly title: string
  /** What is wrong, as a sentence. */
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string | undefined
  /** The input at fault, as a path such as `triggers.0.ncrontab`. */
  readonly field?: string | undefined
  /** Offset of the first wrong character in the field's text, from 0. */
  readonly position?: number | undefined
  /** Under which the server's log has the particulars. */
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

/** The one error of the client: a refusal of the server (a problem document, RFC 9457), or why there was no answer. */
export class JobyardProblem extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly hint: string | undefined
  readonly field: string | undefined
  readonly position: number | undefined
  readonly requestId: string | undefined

  constructor(details: ProblemDetails) {
    super(details.detail, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'JobyardProblem'
    this.code = details.code
    this.status = details.status
    this.title = details.title
    this.detail = details.detail
    this.hint = details.hint
    this.field = details.field
    this.position = details.position
    this.requestId = details.requestId
  }

  /** True when the server could not be reached or did not answer in time, so that nothing is known of the request. */
  get unreachable(): boolean {
    return this.code === 'server-unreachable' || this.code === 'server-timeout'
  }
}

/** The problem that an answer other than 2xx tells. */
export async function readProblem(response: Response, origin: string): Promise<JobyardProblem> {
  const text = await response.text()
  const body = parseObject(text)
  const code = textOf(body?.code)
  if (body === undefined || code === undefined) return notJobyard(response, origin)
  const title = textOf(body.title) ?? `HTTP ${response.status}`
  return new JobyardProblem({
    code,
    status: response.status,
    title,
    detail: textOf(body.detail) ?? title,
    hint: textOf(body.hint),
    field: textOf(body.field),
    position: typeof body.position === 'number' ? body.position : undefined,
    requestId: textOf(body.requestId),
  })
}

/** An answer that Jobyard does not give: another server's, or a proxy's. */
export function notJobyard(response: Response, origin: string, cause?: unknown): JobyardProblem {
  const type = response.headers.get('content-type') ?? 'no content type'
  return new JobyardProblem({
    code: 'answer-unexpected',
    status: response.status,
    title: 'The answer is none of Jobyard.',
    detail: `${origin} answered ${response.status} with ${type}, which is no answer of Jobyard.`,
    hint: 'See that the address is that of a Jobyard server, and that a proxy before it passes requests on.',
    cause,
  })
}

/** No connection could be made, or it broke. */
export function unreachable(origin: string, cause: unknown): JobyardProblem {
  return new JobyardProblem({
    code: 'server-unreachable',
    status: 0,
    title: 'The server cannot be reached.',
    detail: `No server can be reached at ${origin}: ${reasonOf(cause)}.`,
    hint: 'See that Jobyard runs there, and that address and port are right.',
    cause,
  })
}

/** The answer did not come in time. */
export function timedOut(origin: string, milliseconds: number): JobyardProblem {
  return new JobyardProblem({
    code: 'server-timeout',
    status: 0,
    title: 'The server did not answer in time.',
    detail: `${origin} did not answer within ${milliseconds} ms.`,
    hint: 'See how busy the server is; reading may be repeated at any time.',
  })
}

/** fetch says "fetch failed" for everything; what is wrong stands in the cause, or in the causes of the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  const [first] = error instanceof AggregateError ? error.errors : []
  if (first !== undefined) return reasonOf(first)
  if (error.message !== '') return error.message.replace(/\.$/, '')
  return 'code' in error ? String(error.code) : error.name
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
