import type pg from 'pg'
import type { Clock } from '../../domain/clock.ts'
import type { Steps } from '../sql.ts'
import { explain, isConflict, unavailable } from './errors.ts'
import { Session } from './session.ts'

/** What a writer needs. */
export interface WriterOptions {
  readonly pool: pg.Pool
  /** Transactions at the same time. */
  readonly lanes: number
  readonly clock: Clock
  readonly random: () => number
}

/** The most writes that share a transaction: the first of them waits for the last. */
const LARGEST_GROUP = 32

/** So many writes may wait for a connection, as for a database that does not answer; others are refused at once. */
const MOST_WAITING = 50_000

/** How often a write is begun that others keep getting in the way of. */
const ATTEMPTS = 6

/**
 * How long a group waits for a row that another transaction has, in milliseconds. A group holds the rows of many
 * writes, so two groups easily wait for each other; giving up soon and going one by one is cheaper than the second
 * after which PostgreSQL notices a deadlock.
 */
const GROUP_LOCK_TIMEOUT = 50

interface Call {
  readonly begin: () => Steps<unknown>
  readonly resolve: (output: unknown) => void
  readonly reject: (error: unknown) => void
  /** How often it was begun; one that was begun before goes alone. */
  attempts: number
  /** True once it was undone because the transaction stalled, for no fault of its own; that is forgiven once. */
  undone: boolean
}

type Reply = { readonly output: unknown } | { readonly error: unknown }

/**
 * Runs writes in transactions: each in its own while there is a free lane, and those that had to wait several in one,
 * each behind a savepoint so that a failing one is undone alone.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #waiting: Call[] = []
  readonly #idle: (() => void)[] = []
  #busy = 0
  #resting = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Runs a procedure in a transaction, more than once when others get in its way; resolves after COMMIT. */
  write(begin: () => Steps<unknown>): Promise<unknown> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(unavailable('too many writes wait for it', undefined))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ begin, resolve, reject, attempts: 0, undone: false })
      this.#fillLanes()
    })
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    if (this.#busy + this.#resting + this.#waiting.length === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #fillLanes(): void {
    while (this.#busy < this.#options.lanes && this.#waiting.length > 0) {
      this.#busy++
      void this.#work(this.#takeGroup())
    }
    if (this.#busy + this.#resting + this.#waiting.length > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #takeGroup(): Call[] {
    const first = this.#waiting.findIndex(({ attempts }) => attempts > 0)
    const size = first === 0 ? 1 : Math.min(first === -1 ? this.#waiting.length : first, LARGEST_GROUP)
    return this.#waiting.splice(0, size)
  }

  async #work(group: readonly Call[]): Promise<void> {
    try {
      const client = await this.#options.pool.connect()
      const session = new Session(client)
      try {
        await this.#writeGroup(session, group)
      } finally {
        client.release(!session.reusable)
      }
    } catch (error) {
      // No connection to be had: what waits would only wait for the same answer.
      const cause = explain(error)
      for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(cause)
    }
    this.#busy--
    this.#fillLanes()
  }

  /** Answers every call of the group, or puts it back to be done again. */
  async #writeGroup(session: Session, group: readonly Call[]): Promise<void> {
    const replies: Reply[] = []
    try {
      await transact(session, group, replies)
      for (const [index, call] of group.entries()) settle(call, replies[index])
    } catch (error) {
      await session.rollback()
      for (const [index, call] of group.entries()) {
        const reply = replies[index]
        const forgiven = session.undone && !call.undone
        call.undone ||= session.undone
        if (forgiven || isConflict(error)) this.#tryAgain(call, error)
        else if (reply !== undefined && 'error' in reply) settle(call, reply)
        else call.reject(error)
      }
    }
  }

  #tryAgain(call: Call, error: unknown): void {
    const { clock, random } = this.#options
    if (++call.attempts === ATTEMPTS) {
      call.reject(unavailable('others keep changing the same rows', error))
      return
    }
    this.#resting++
    const wait = call.attempts === 1 ? 0 : 2 ** call.attempts * 5 * (0.5 + random())
    clock.after(wait, () => {
      this.#resting--
      this.#waiting.unshift(call)
      this.#fillLanes()
    })
  }
}

function settle(call: Call, reply: Reply | undefined): void {
  if (reply === undefined) call.reject(new Error('A write has no answer.'))
  else if ('error' in reply) call.reject(reply.error)
  else call.resolve(reply.output)
}

/** One transaction for a group. Throws when it could not be committed; nothing is stored then, but see `commit`. */
async function transact(session: Session, group: readonly Call[], replies: Reply[]): Promise<void> {
  const alone = group.length === 1
  session.send(alone ? 'begin' : `begin; set local lock_timeout = ${GROUP_LOCK_TIMEOUT}; savepoint call`)
  for (const [index, call] of group.entries()) {
    const reply = await attempt(session, call)
    replies.push(reply)
    const failed = 'error' in reply
    if (alone && failed) return session.rollback()
    if (failed) session.send('rollback to savepoint call')
    else if (index < group.length - 1) session.send('release savepoint call; savepoint call')
  }
  await session.commit()
}

/** The procedure's own failure is an answer; a conflict and a lost connection concern the whole transaction. */
async function attempt(session: Session, call: Call): Promise<Reply> {
  try {
    return { output: await session.run(call.begin()) }
  } catch (error) {
    if (session.lost !== undefined || isConflict(error)) throw error
    return { error }
  }
}
