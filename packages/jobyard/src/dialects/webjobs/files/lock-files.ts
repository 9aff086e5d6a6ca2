import type { RunRow } from '../../../domain/model.ts'
import { showDate } from '../net-time.ts'
import { renderedFile } from './rendered-file.ts'
import { textSegment } from './segments.ts'
import type { SiteFile } from './tree.ts'

/** What says that a run of a triggered job goes on: no other may begin. */
export const RUN_LOCK = 'triggeredJob.lock'
/** What says on which instance a singleton runs. */
export const SINGLETON_LOCK = 'singleton.job.lock'

/** The lock that a run holds, as WebJobs write one; `called` is how logs call its instance. */
export function lockFile(name: string, run: RunRow, called: string): SiteFile {
  const time = run.startedAt ?? run.createdAt
  const text = JSON.stringify({
    OperationName: `Run ${run.number}`,
    AcquiredDateTime: showDate(time),
    StackTrace: '',
    InstanceId: called,
  })
  return renderedFile({ name, createdAt: time, modifiedAt: time }, [textSegment(text)])
}
