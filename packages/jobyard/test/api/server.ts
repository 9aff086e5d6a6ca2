import { readdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { pino } from 'pino'
import { createApi } from '../../src/api/app.ts'
import type { Clock } from '../../src/domain/clock.ts'
import type { JobKind } from '../../src/engine/kind.ts'
import { createToken, hashToken } from '../../src/services/auth/token.ts'
import type { Dialect } from '../../src/services/http/dialect.ts'
import type { ApiServices, ApiSettings } from '../../src/services/services.ts'
import type { Role } from '../../src/store/procedures/tokens.ts'
import { Sealer } from '../../src/store/seal.ts'
import { openPackages } from '../support/packages.ts'
import { ACTOR, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'
import { checkAnswer, type OpenApi, readDocument } from './described.ts'

/** How a test's server differs from the usual one. */
export interface ServerOptions {
  readonly settings?: Partial<ApiSettings>
  readonly clock?: Clock
  readonly kinds?: readonly JobKind[]
  /** A database and its folder to go on with; absent: new ones, removed at the stop. */
  readonly place?: Place
  /** Interfaces beside `/v1`. Default: none. */
  readonly dialects?: readonly Dialect[]
  /** Called with every line of the log. */
  readonly onLog?: (line: string) => void
  /** Changes the services before the interface is made of them. */
  readonly change?: (services: ApiServices) => ApiServices
}

/** How a request differs from the usual one. */
export interface CallOptions {
  /** Default: the admin's; null: none. */
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer, its body read as JSON where it is. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it tests.
  readonly body: any
  readonly text: string
}

/** The interface on real parts: engine, SQLite, output store, packages on disk. */
export interface TestServer {
  readonly app: FastifyInstance
  readonly stack: Stack
  readonly kind: TestKind
  readonly services: ApiServices
  readonly folder: string
  /** The token of an admin. */
  readonly admin: string
  /** What the interface says of itself; every answer of {@link call} is held against it. */
  readonly document: OpenApi
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** A new token. */
  token(role: Role, collectionId?: string | null, expiresAt?: number | null): Promise<string>
  /** A new collection; its id. */
  collection(name: string): Promise<string>
  /** Listens on a port of its own; its address. */
  listen(): Promise<string>
  /** Names of the files in the folder of uploads. */
  uploads(): Promise<string[]>
  stop(): Promise<void>
}

/** Starts the interface as the server does. */
export async function startTestServer(options: ServerOptions = {}): Promise<TestServer> {
  const place = options.place ?? (await makePlace('sqlite'))
  const { folder } = place
  const kind = new TestKind('script')
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const stack = await startStack({ kinds: [kind, ...(options.kinds ?? [])], place, ...clock })
  const services = await makeServices(stack, folder, options)
  const app = await createApi(options.change?.(services) ?? services, options.dialects)
  const admin = await addToken(stack, 'admin', null, null)
  const document = readDocument(await app.inject('/v1/openapi.json'))
  return {
    app,
    stack,
    kind,
    services,
    folder,
    admin,
    document,
    call: (method, path, call = {}) => send(app, document, admin, method, path, call),
    token: (role, collectionId = null, expiresAt = null) => addToken(stack, role, collectionId, expiresAt),
    async collection(name) {
      const { parts } = stack
      const row = { id: parts.ids.next(), name, actor: ACTOR, at: parts.clock.now() }
      return (await stack.store.write('addCollection', row)).id
    },
    async listen() {
      if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    },
    uploads: () => readdir(join(folder, 'uploads')),
    async stop() {
      await app.close()
      await stack.stop()
      if (options.place === undefined) await place.drop()
    },
  }
}

async function makeServices(stack: Stack, folder: string, options: ServerOptions): Promise<ApiServices> {
  const { engine, jobs, parts, settings: appSettings } = stack
  const sink = { write: (line: string) => options.onLog?.(line) }
  return {
    ...parts,
    engine,
    jobs,
    appSettings,
    sealer: new Sealer(Buffer.alloc(32, 7)),
    packages: await openPackages(stack, folder),
    limits: { memory: 'rlimit', processes: 'none', notes: ['Processes are not limited here.'] },
    logger: pino({ level: options.onLog === undefined ? 'silent' : 'debug' }, sink),
    version: '0.1.0-test',
    settings: {
      publicUrl: () => 'https://jobs.example',
      dataFolder: folder,
      uploadFolder: join(folder, 'uploads'),
      concurrency: 16,
      ...options.settings,
    },
    isReady: () => true,
  }
}

async function addToken({ parts, store }: Stack, role: Role, collectionId: string | null, expiresAt: number | null) {
  const token = createToken()
  const id = parts.ids.next()
  const row = { id, name: `${role}-${id.slice(-8)}`, hash: hashToken(token), role, collectionId, expiresAt }
  await store.write('addToken', { ...row, actor: ACTOR, at: parts.clock.now() })
  return token
}

async function send(
  app: FastifyInstance,
  document: OpenApi,
  admin: string,
  method: string,
  path: string,
  { token = admin, body, headers = {} }: CallOptions,
): Promise<Answer> {
  const plain = typeof body === 'string' || body instanceof Uint8Array
  const answer = await app.inject({
    method: method as NonNullable<InjectOptions['method']>,
    url: path,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || plain ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: plain ? Buffer.from(body) : JSON.stringify(body) }),
  })
  const type = String(answer.headers['content-type'] ?? '')
  const isJson = /^application\/(problem\+)?json/.test(type)
  const shown = {
    status: answer.statusCode,
    headers: answer.headers,
    body: isJson && answer.body !== '' ? answer.json() : null,
    text: answer.body,
  }
  checkAnswer(document, method, path, shown)
  return shown
}
