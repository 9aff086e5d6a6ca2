import type { Clock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import { Announcer } from './announcer.ts'
import { DistantGrowth } from './distant-growth.ts'
import { Intake } from './intake.ts'
import {
  carry,
  type FromWorker,
  type OutputDatabase,
  type Request,
  type Requests,
  type ThreadData,
  type ToWorker,
} from './messages.ts'
import { Lines } from './lines.ts'
import { OpenLogs } from './open-logs.ts'
import { readPage } from './pages.ts'
import { SqliteStorage } from './sqlite.ts'
import type { ChunkStorage } from './storage.ts'
import { Sweeper } from './sweeper.ts'

/** Sends a message to the main thread; what is in `transfer` belongs to it from then on. */
export type Post = (message: FromWorker, transfer?: ArrayBuffer[]) => void

/** What runs in the output thread. */
export interface OutputService {
  /** Where process hosts connect. */
  readonly address: string
  /** Takes a message of the main thread. `done` is called after the answer to "stop". */
  receive(message: ToWorker, done: () => void): void
}

type Answers = { readonly [N in keyof Requests]: (input: Requests[N]['input']) => Promise<Requests[N]['output']> }

/** Opens the database and listens. `crash` is called with errors that are defects. */
export async function startOutputService(
  { database, secret }: ThreadData,
  clock: Clock,
  post: Post,
  crash: (error: unknown) => void,
): Promise<OutputService> {
  const storage = await openStorage(database)
  const announcer = new Announcer(clock, (taskIds) => post({ type: 'grown', taskIds }))
  const intake = new Intake(secret, clock)
  const lines = new Lines(storage)
  const logs = new OpenLogs({ storage, clock, announcer, intake, lines, crash })
  const sweeper = new Sweeper(storage, clock, crash)
  const distant = new DistantGrowth(storage, clock, announcer, (taskId) => logs.has(taskId))
  const address = await intake.listen(logs)
  if (storage.shared) distant.start()
  // What a killed server had not finished. Nobody waits for it, and a refusal is tried again.
  sweeper.sweep().catch((error: unknown) => {
    if (!(error instanceof JobyardError)) crash(error)
  })
  const answers: Answers = {
    open: ({ taskId, options }) => logs.open(taskId, options),
    close: ({ taskId, channelUsed }) => logs.close(taskId, channelUsed),
    read: ({ taskId, query }) => readPage(storage, taskId, query, logs.known(taskId)),
    figures: ({ tasks }) => lines.figures(tasks),
    findPosition: async ({ taskId, place }) => (await lines.find(taskId, place)) ?? null,
    async remove({ taskIds }) {
      await logs.remove(taskIds)
      await sweeper.sweep()
      return null
    },
    async stop() {
      await distant.stop()
      await sweeper.stop()
      await intake.stop()
      await logs.stop()
      await storage.close()
      return null
    },
  }
  return {
    address,
    receive(message, done) {
      if (message.type === 'watch') return announcer.watch(message.taskId, message.on)
      if (message.type === 'append') return takeAppended(logs, message.items)
      void answer(answers, message.request, post).then(() => message.request.name === 'stop' && done())
    },
  }
}

async function openStorage(database: OutputDatabase): Promise<ChunkStorage> {
  if (database.kind === 'sqlite') return new SqliteStorage(database.path)
  // Loaded only here: on SQLite the driver would take memory for nothing.
  const { PostgresStorage } = await import('./postgres.ts')
  return PostgresStorage.connect(database.url)
}

function takeAppended(logs: OpenLogs, items: (ToWorker & { type: 'append' })['items']): void {
  for (const [taskId, stream, data] of items) {
    const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length)
    logs.append(taskId, stream, bytes)
  }
}

async function answer(answers: Answers, request: Request, post: Post): Promise<void> {
  const { id } = request
  try {
    const output = await ask(answers, request)
    const transfer = request.name === 'read' ? buffersOf(output) : []
    post({ type: 'answer', id, output }, transfer)
  } catch (error) {
    post({ type: 'refusal', id, error: carry(error) })
  }
}

/** A page's bytes are handed over and not copied. */
function buffersOf(output: Requests[keyof Requests]['output']): ArrayBuffer[] {
  if (typeof output !== 'object' || output === null || !('pageSeq' in output)) return []
  return [output.data.buffer]
}

function ask<N extends keyof Requests>(answers: Answers, { name, input }: Request<N>): Promise<Requests[N]['output']> {
  return answers[name](input)
}
