import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../domain/clock.ts'
import { carry, type FromWorker, type ThreadData, type ToWorker } from './messages.ts'
import { startOutputService } from './service.ts'

const port = parentPort
if (port === null) throw new Error('The output thread was started as a program.')

const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

/** Ends the thread; the main thread gets the error. */
const crash = (error: unknown): void => {
  setImmediate(() => {
    throw error
  })
}

try {
  const service = await startOutputService(workerData as ThreadData, systemClock, post, crash)
  port.on('message', (message: ToWorker) => service.receive(message, () => port.close()))
  post({ type: 'ready', address: service.address })
} catch (error) {
  post({ type: 'failed', error: carry(error) })
}
