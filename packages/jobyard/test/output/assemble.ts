import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Announcer } from '../../src/store/output/announcer.ts'
import { Intake } from '../../src/store/output/intake.ts'
import { Lines } from '../../src/store/output/lines.ts'
import { OpenLogs } from '../../src/store/output/open-logs.ts'
import { SqliteStorage } from '../../src/store/output/sqlite.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { TestHost } from './host.ts'
import { makeFolder } from './place.ts'

/** The parts of an output thread, here, on a clock that stands still. */
export async function assemble() {
  const clock = new ManualClock('2026-03-01T00:00:00Z')
  const storage = new SqliteStorage(join(await makeFolder(), 'output.db'))
  const announcer = new Announcer(clock, () => undefined)
  const intake = new Intake('secret', clock)
  const crash = (error: unknown): void => {
    throw error
  }
  const lines = new Lines(storage)
  const logs = new OpenLogs({ storage, clock, announcer, intake, lines, crash })
  const address = await intake.listen(logs)
  const host = await TestHost.connect({ address, secret: 'secret' })
  onTestFinished(async () => {
    await host.drop()
    await intake.stop()
    await logs.stop()
    await storage.close()
  })
  return { clock, logs, host, storage, lines, address }
}
