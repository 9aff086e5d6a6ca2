import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../domain/clock.ts'
import { carry, type FromWorker, type ThreadData, type ToWorker } from './messages.ts'
import { startOutputService } from './service.ts'

const port = parentPort
if (port === null) throw new Error('The output thread was started as a program.')

let outbox: FromWorker[] = []
let transfers: ArrayBuffer[] = []

const flush = (): void => {
  const [messages, transfer] = [outbox, transfers]
  outbox = []
  transfers = []
  port.postMessage(messages, transfer)
}

/** What is said in one turn travels together. */
const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void => {
  if (outbox.length === 0) setImmediate(flush)
  outbox.push(message)
  transfers.push(...transfer)
}

/** Ends the thread; the main thread gets the error. */
const crash = (error: unknown): void => {
  setImmediate(() => {
    throw error
  })
}

/** After what is still to be said. */
const close = (): void => {
  setImmediate(() => port.close())
}

try {
  const service = await startOutputService(workerData as ThreadData, systemClock, post, crash)
  port.on('message', (messages: readonly ToWorker[]) => {
    for (const message of messages) service.receive(message, close)
  })
  post({ type: 'ready', address: service.address })
} catch (error) {
  post({ type: 'failed', error: carry(error) })
}
