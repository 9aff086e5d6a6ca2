import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { JobPorts } from '../../src/kinds/script/ports.ts'

test('every job that runs has a port of its own, on which it can listen', async () => {
  const ports = new JobPorts()
  const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => ports.take(`job-${i}`, `task-${i}`)))
  expect(new Set(taken).size).toBe(50)
  const server = createServer().listen(taken[0], '127.0.0.1')
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
})

test('a port is known as long as the task that has it, and not taken away by the end of an earlier one', async () => {
  const ports = new JobPorts()
  expect(ports.portOf('job')).toBeUndefined()
  await ports.take('job', 'first')
  const second = await ports.take('job', 'second')
  ports.release('job', 'first')
  expect(ports.portOf('job')).toBe(second)
  ports.release('job', 'second')
  expect(ports.portOf('job')).toBeUndefined()
})
