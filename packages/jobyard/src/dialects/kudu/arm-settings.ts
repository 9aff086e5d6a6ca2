import type { FastifyRequest } from 'fastify'
import type { JobRow } from '../../domain/model.ts'
import { putSettings } from '../webjobs/acts.ts'
import { readArmSettings } from '../webjobs/arm-settings.ts'
import { readText } from '../webjobs/bodies.ts'
import type { WebJobType } from '../webjobs/reader.ts'
import { callerOf, type KuduContext, requireJob } from './context.ts'

/** What Resource Manager can write of a job: the settings of one that is there. The job as it is then. */
export async function putArmSettings(
  context: KuduContext,
  request: FastifyRequest,
  type: WebJobType,
  name: string,
): Promise<JobRow> {
  const job = await requireJob(context, request, type, name)
  const settings = readArmSettings(await readText(request, context.settings.bodyBytes))
  if (settings === undefined) return job
  await putSettings(context, job, settings, callerOf(request))
  return await requireJob(context, request, type, name)
}
