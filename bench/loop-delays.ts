import type { BenchServer } from './server.ts'

/** The histogram of Node behind the metric counts from timer to timer, which are this far apart when nothing is late. */
const TIMER_MS = 10

/** Delays of the server's main loop since they were last read, in milliseconds. */
export async function readDelays(server: BenchServer): Promise<{ delay: number; longest: number }> {
  const text = await server.text({ method: 'GET', path: '/metrics', accept: 'text/plain' })
  const read = (name: string) => {
    const seconds = new RegExp(`^jobyard_nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1]
    if (seconds === undefined) throw new Error(`There is no metric eventloop_lag_${name}.`)
    return Math.max(0, Number(seconds) * 1000 - TIMER_MS)
  }
  return { delay: read('p99'), longest: read('max') }
}
