import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../domain/clock.ts'
import { JobyardError } from '../../domain/errors.ts'
import { createIds } from '../../domain/ids.ts'
import type { Procedure, Procedures, Scope } from '../contract.ts'
import { type Steps, sqliteDialect } from '../sql.ts'
import { SqliteDatabase } from './database.ts'
import type { Call, CarriedError, Reply, ThreadData } from './messages.ts'

const { path, role, slot, instance } = workerData as ThreadData
const port = parentPort
if (port === null) throw new Error('The database thread was started as a program.')

const database = new SqliteDatabase(path, { readOnly: role === 'reader' })
// Only what the thread needs: what composes pages is worth 4 MB, and the writer reads none.
const procedures: Procedures =
  role === 'writer' ? (await import('../procedures/writes.ts')).writes : (await import('../procedures/reads.ts')).reads
const scope: Scope = {
  dialect: sqliteDialect,
  ids: createIds(systemClock),
  slot,
  instance,
  // biome-ignore lint/correctness/useYield: there is no database to ask.
  *leaseTime(at) {
    return at
  },
  *send() {
    // The run's dispatch_at is the message; the server wakes its dispatcher after the commit.
  },
}

let waiting: Call[] = []

port.on('message', (calls: Call[] | 'stop') => {
  if (calls === 'stop') {
    database.close()
    port.close()
    return
  }
  // All that arrives before the next turn of the loop goes into one transaction: group commit.
  if (waiting.length === 0) setImmediate(answerWaiting)
  waiting.push(...calls)
})

function answerWaiting(): void {
  const calls = waiting
  waiting = []
  port?.postMessage(role === 'writer' ? writeGroup(calls) : calls.map((call) => attempt(call)))
}

/** One transaction for all calls; each has a savepoint, so that a failing one is undone alone. */
function writeGroup(calls: readonly Call[]): Reply[] {
  try {
    database.exec('begin immediate')
    const replies = calls.map(writeOne)
    database.exec('commit')
    return replies
  } catch (error) {
    if (database.inTransaction) database.exec('rollback')
    return calls.map(({ id }) => ({ id, error: carry(error) }))
  }
}

function writeOne(call: Call): Reply {
  database.exec('savepoint call')
  const reply = attempt(call)
  if (!database.inTransaction) throw new JobyardError('store-full')
  if ('error' in reply) database.exec('rollback to call')
  database.exec('release call')
  return reply
}

function attempt(call: Call): Reply {
  try {
    return { id: call.id, output: database.run(begin(call)) }
  } catch (error) {
    return { id: call.id, error: carry(error) }
  }
}

function begin({ name, input }: Call): Steps<unknown> {
  const procedure: Procedure<unknown, unknown> | undefined = procedures[name]
  if (procedure === undefined) throw new Error(`There is no procedure ${name} for a ${role}.`)
  return procedure(input, scope)
}

function carry(error: unknown): CarriedError {
  if (error instanceof JobyardError) {
    return { message: error.message, stack: error.stack, code: error.code, details: error.details }
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { message, stack, code: undefined, details: {} }
}
