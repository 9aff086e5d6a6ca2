/** The part of an OpenAPI document that the overview is made of. */
export interface OpenApiDocument {
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags?: readonly string[]
}

const INTRODUCTION = `# HTTP interface

The whole description is in the server: \`/docs\` is a page to read and try, \`/v1/openapi.json\` (OpenAPI 3.1) is for
programs. Both need no token. This page says what holds for all of it, and lists what there is.

- **Token**: \`Authorization: Bearer TOKEN\` on every route but \`/health/…\`, \`/hooks/…\`, \`/\`, \`/docs\` and
  \`/v1/openapi.json\`. See [who may do what](../security/README.md#who-may-do-what).
- **Bodies** are JSON (\`Content-Type: application/json\`, at most 1 MB unless \`JOBYARD_BODY_LIMIT\` says otherwise), except for the
  upload of a package and for webhooks. Unknown members are refused, with a guess of what was meant.
- **Times** are ISO 8601 in UTC with milliseconds, \`2026-11-21T02:00:00.000Z\`; **durations** are text such as \`30s\`, \`5m\`
  or \`1h30m\`; **sizes** such as \`64MB\`, in multiples of 1,024.
- **Lists** are \`{"items": […], "next": "…"}\`. \`next\` goes back as the query \`cursor\` for the next page and is null on the
  last one; \`limit\` is 50 unless said otherwise, and 500 at most.
- **Errors** are problem documents: see [errors](errors.md).
- **Sending again**: a write with a header \`Idempotency-Key\` is done once, however often it is sent within a day.
- **Naming a job**: by id, by name, or by its short number. Queries \`collection\`, \`kind\` and \`type\` narrow that: one of another
  is not found. Without \`collection\`, a name is one in \`default\`, an id or a number that of any job. A name that fits several jobs is refused with \`job-ambiguous\`.
- **Live**: with \`Accept: text/event-stream\` or \`?format=events\`, \`/v1/events\` and the output of a run are server-sent
  events. Both go on behind the id in \`Last-Event-ID\`, and send a comment every 15 seconds when nothing happens. A stream
  ends at once when its token is revoked or its session is over, within five seconds when that happened on another instance,
  and when the token expires. There may be 100 of them with one token (429) and 1,000 in all (503):
  \`JOBYARD_LIVE_TOKEN_LIMIT\`, \`JOBYARD_LIVE_LIMIT\`. Who takes nothing for two minutes loses the connection; who falls
  behind by 1,000 events is sent away with an event \`gap\`, and finds the rest by \`Last-Event-ID\`.
- **Events** that have happened come as pages of JSON, the newest first. Each instance keeps its latest 10,000, in memory:
  \`keptSince\` says how far back that is, and after a restart there are none.
- **Output** comes in three forms, by \`Accept\` or \`?format=\`: pages of JSON, plain bytes, or live events.

The package \`@jobyard/client\` is a typed client of all this for TypeScript.
`

/** The overview of the HTTP interface in Markdown. */
export function renderInterface(document: OpenApiDocument): string {
  const lines = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary, tags = ['others'] }]) => ({
      tag: tags[0] ?? 'others',
      row: `| \`${method.toUpperCase()} ${path}\` | ${summary.replaceAll('|', '\\|')} |`,
    })),
  )
  const sections = [...Map.groupBy(lines, ({ tag }) => tag)].map(([tag, rows]) =>
    [`## ${tag}`, '', '| route | what it does |', '|---|---|', ...rows.map(({ row }) => row), ''].join('\n'),
  )
  return [INTRODUCTION, ...sections].join('\n')
}
