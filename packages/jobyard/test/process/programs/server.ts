/**
 * A server in small: a process host with jobs, to be killed and frozen by tests. Its one argument is JSON (see
 * {@link Setup}); it prints one line of JSON when all jobs run, and then waits.
 */
import { systemClock } from '../../../src/domain/clock.ts'
import type { ProcessLimits } from '../../../src/process/contract.ts'
import { startProcessHost } from '../../../src/process/host.ts'
import { Sink } from '../sink.ts'

interface Setup {
  readonly dataFolderId: string
  readonly instanceId: string
  readonly silentAfterMs?: number
  readonly beatMs?: number
  readonly scripts: readonly { readonly script: string; readonly limits?: ProcessLimits }[]
}

const { scripts, ...options } = JSON.parse(process.argv[2] ?? '') as Setup
const sink = await Sink.open()
const host = await startProcessHost({ ...options, channel: sink.channel, clock: systemClock })
process.once('SIGTERM', async () => {
  await host.stop()
  await sink.close()
  process.exit(0)
})

const exits: unknown[] = []
const pids: number[] = []
for (const [index, { script, limits = {} }] of scripts.entries()) {
  const running = await host.start({
    taskId: `task-${index}`,
    channel: index + 1,
    file: '/bin/sh',
    args: ['-c', script],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    limits,
  })
  pids.push(running.pid)
  void running.exited.then((exit) => {
    exits.push({ index, ...exit, output: sink.text(index + 1), error: sink.text(index + 1, 'error') })
    process.stdout.write(`${JSON.stringify({ exits })}\n`)
  })
}
process.stdout.write(`${JSON.stringify({ pids, support: host.support })}\n`)
