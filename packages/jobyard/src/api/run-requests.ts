import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { JobyardError } from '../domain/errors.ts'
import type { JobRow, RunRow } from '../domain/model.ts'
import { readArguments } from '../kinds/script/arguments.ts'
import { type Asked, type Made, requestRun } from '../services/run-requests.ts'
import type { RunRequest } from '../store/procedures/insert-runs.ts'
import type { ApiContext } from './context.ts'
import { subjectOf } from './idempotency.ts'
import { findMadeRun } from './made-before.ts'
import type { RunInput } from './schemas/runs.ts'

/**
 * Asks the engine for a run under the id that the request's idempotency key reserves, so that it is made once however often
 * the request is sent. Throws 'run-refused', 'job-stopped' and 'job-unknown'.
 */
export async function makeRun(context: ApiContext, request: FastifyRequest, job: JobRow, asked: Asked): Promise<Made> {
  const { services } = context
  const made = await findMadeRun(context, request)
  if (made !== undefined) return { run: made }
  return await requestRun(services, subjectOf(request, services), job, asked)
}

/** As {@link makeRun}, for somebody who waits for a run: that none is made is an error, 'run-skipped'. */
export async function makeRunOrRefuse(
  context: ApiContext,
  request: FastifyRequest,
  job: JobRow,
  asked: Asked,
): Promise<RunRow> {
  const made = await makeRun(context, request, job, asked)
  if ('run' in made) return made.run
  throw new JobyardError('run-skipped', made.skipped)
}

/** The caller's arguments, one by one. Throws 'arguments-invalid'. */
export function readArgs(args: Static<typeof RunInput>['args']): readonly string[] {
  return readArguments(args).list
}

/** The body that the caller sent along. Throws 'input-invalid'. */
export function readPayload(payload: Static<typeof RunInput>['payload']): Pick<RunRequest, 'payload'> {
  if (payload === undefined) return {}
  const { contentType, text, base64 } = payload
  if ((text === undefined) === (base64 === undefined)) {
    throw new JobyardError('input-invalid', 'payload must have either text or base64.', { field: 'payload' })
  }
  const type = contentType ?? (text === undefined ? null : 'text/plain; charset=utf-8')
  const body = text === undefined ? readBase64(base64 ?? '') : Buffer.from(text)
  return { payload: { contentType: type, body } }
}

function readBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const message = 'payload.base64 is not valid base64.'
    throw new JobyardError('input-invalid', message, { field: 'payload.base64', cause: error })
  }
}
