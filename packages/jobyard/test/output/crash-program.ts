/** Writes the logs of the tasks named on its command line until it is killed, and prints what became readable. */
import { createOutputStore } from '../../src/store/output/store.ts'
import { TestHost } from './host.ts'

const [path = '', ...taskIds] = process.argv.slice(2)
const store = await createOutputStore({
  database: { kind: 'sqlite', path },
  onFatal: (error) => {
    throw error
  },
})
const host = await TestHost.connect(store.channel)
const channels = await Promise.all(
  taskIds.map((taskId) => store.open(taskId, { capBytes: 1e9, rolling: false, secrets: [] })),
)
for (let line = 0; ; line++) {
  for (const [index, taskId] of taskIds.entries()) {
    await host.send(channels[index] ?? 0, 0, `${taskId} line ${line}\n`)
    if (line % 100 !== 99) continue
    const { bytes } = await store.read(taskId)
    process.stdout.write(`${JSON.stringify({ taskId, bytes, address: store.channel.address })}\n`)
  }
}
