import { JobyardError } from '../../src/domain/errors.ts'
import type { InputOf } from '../../src/store/contract.ts'
import type { Repository, writes } from '../../src/store/procedures/index.ts'

type WriteName = keyof typeof writes & string

/** A write that a test stops on its way, as a slow or breaking connection does. */
export interface HeldWrite {
  /** Resolves when the write is about to be sent. */
  readonly arrived: Promise<void>
  /** Sends it; resolves when it is committed and the answer is on its way. */
  send(): Promise<void>
  /** Refuses it instead, for want of room: nothing is stored. */
  refuse(): void
  /** Lets the answer arrive. */
  answer(): void
  /** Loses the answer: whoever waits learns only that the connection broke. */
  lose(): void
}

/** Holds the next write of this name whose input, as JSON, holds these words; all others go through. */
export function holdWrite(store: Repository, name: WriteName, ...words: string[]): HeldWrite {
  const [arrived, sending, done] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<boolean>(),
    Promise.withResolvers<void>(),
  ]
  const answering = Promise.withResolvers<boolean>()
  const write = store.write.bind(store)
  store.write = async <N extends WriteName>(called: N, input: InputOf<(typeof writes)[N]>) => {
    const text = JSON.stringify(input)
    if (called !== name || !words.every((word) => text.includes(word))) return await write(called, input)
    store.write = write
    arrived.resolve()
    if (!(await sending.promise)) throw new JobyardError('store-full', 'There is no room.')
    const output = await write(called, input)
    done.resolve()
    if (await answering.promise) return output
    throw new JobyardError('store-unavailable', 'The connection broke.')
  }
  return {
    arrived: arrived.promise,
    async send() {
      sending.resolve(true)
      await done.promise
    },
    refuse: () => sending.resolve(false),
    answer: () => answering.resolve(true),
    lose: () => answering.resolve(false),
  }
}
