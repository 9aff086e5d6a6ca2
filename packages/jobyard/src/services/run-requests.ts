import { JobyardError } from '../domain/errors.ts'
import type { JobRow, RunRow } from '../domain/model.ts'
import type { RunRequest } from '../store/procedures/insert-runs.ts'
import type { ApiServices } from './services.ts'

/** What a run is asked for with, besides its id. */
export type Asked = Omit<RunRequest, 'id' | 'jobId'>

/** A run that was made, or that the job's overlap rule passed over. */
export type Made = { readonly run: RunRow } | { readonly skipped: string }

/** Asks the engine for a run under a given id. Throws 'run-refused', 'job-stopped', 'jobs-stopped' and 'job-unknown'. */
export async function requestRun(
  { engine, store }: Pick<ApiServices, 'engine' | 'store'>,
  id: string,
  job: JobRow,
  asked: Asked,
): Promise<Made> {
  const detail = { ...asked.detail, ...describePayload(asked.payload) }
  const outcome = await engine.request({ ...asked, detail, id, jobId: job.id })
  if (!outcome.ok) {
    if (outcome.code === 'skipped') return { skipped: outcome.text }
    throw refusal(outcome.code, outcome.text)
  }
  const run = await store.read('getRun', { id })
  if (run === null) throw new JobyardError('run-unknown', 'The run ended and was deleted by its retention already.')
  return { run }
}

/** The run says that it has a body, so that nobody must look for one, and people see what came. */
function describePayload(payload: Asked['payload']): { payload?: { contentType: string | null; bytes: number } } {
  if (payload === undefined) return {}
  return { payload: { contentType: payload.contentType, bytes: payload.body.length } }
}

function refusal(code: 'unknown' | 'halted' | 'disabled' | 'refused' | 'taken', text: string): JobyardError {
  if (code === 'unknown') return new JobyardError('job-unknown', text)
  if (code === 'halted') return new JobyardError('jobs-stopped', text)
  if (code === 'disabled') return new JobyardError('job-stopped', text)
  return new JobyardError('run-refused', text)
}
