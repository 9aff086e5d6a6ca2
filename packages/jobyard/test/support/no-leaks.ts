/**
 * Fails a test file that leaves something open: a process, a socket, a server, a worker thread. vitest loads this
 * before every file; its afterAll was registered first and so runs last.
 */
import { afterAll } from 'vitest'

/** What counts, as Node names it. Timers and files being read do not. */
const KINDS = new Set([
  'ProcessWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeServerWrap',
  'PipeWrap',
  'UDPWrap',
  'Worker',
  'MessagePort',
  'FSEventWrap',
])

/** How long what was told to end may take to do so, in milliseconds. */
const GRACE = 2000

/** What vitest itself has open. The standard streams are opened by the first who looks at them: that is us. */
const atFirst = countOpen([process.stdin, process.stdout, process.stderr])

afterAll(async () => {
  const deadline = Date.now() + GRACE
  let left = leftOpen()
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    left = leftOpen()
  }
  if (left.length > 0) throw new Error(`This test file leaves open: ${left.join(', ')}.`)
})

function countOpen(_opened?: unknown): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (KINDS.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

function leftOpen(): string[] {
  return [...countOpen()].flatMap(([kind, count]) => {
    const more = count - (atFirst.get(kind) ?? 0)
    return more > 0 ? [`${more} ${kind}`] : []
  })
}
