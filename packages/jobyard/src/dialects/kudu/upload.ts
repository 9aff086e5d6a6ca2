import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { readHeaderParameter } from '../../services/http/disposition.ts'
import { deploy } from '../webjobs/acts.ts'
import { bodyOf } from '../webjobs/bodies.ts'
import type { WebJobType } from '../webjobs/reader.ts'
import { sendJson, sendText } from '../webjobs/sending.ts'
import { armPlaceOf, jobFor } from './answers.ts'
import { putArmSettings } from './arm-settings.ts'
import { callerOf, type KuduContext, linksOf, siteOf } from './context.ts'
import { type OfJob, route } from './routes.ts'

/** What Kudu says when there is nothing in an upload that it could run. */
const NO_SCRIPT = 'No runnable script file was found.'

/** The route that takes a job in: a zip archive, or one script by its name. */
export function uploadRoute(app: ApiApp, context: KuduContext, base: string, type: WebJobType): void {
  const { reader, services } = context
  const path = `${base}/:name`
  app.put<OfJob>(path, route(path, 'deployer'), async (request, reply) => {
    const { name } = request.params
    const ofArm = armPlaceOf(request) !== undefined
    let job: JobRow
    try {
      job = await (ofArm ? putArmSettings(context, request, type, name) : receive(context, request, type, name))
    } catch (error) {
      return answerRefusal(error, reply)
    }
    const shown = await reader.complete(job)
    return sendJson(reply, jobFor(request, shown, linksOf(context, request), services.clock.now()))
  })
}

async function receive(context: KuduContext, request: FastifyRequest, type: WebJobType, name: string): Promise<JobRow> {
  const { headers } = request
  const fileName = readFileName(headers['content-disposition'])
  if (fileName === undefined) throw new JobyardError('input-invalid', 'Missing Content-Disposition header.')
  checkJobName(name)
  const address = { collectionId: await siteOf(context, request), type, name }
  const form = isZip(headers['content-type']) ? 'archive' : 'script'
  const length = headers['content-length']
  const declared = length === undefined ? undefined : Number(length)
  // Nothing is said of the job before all of the upload is there and was checked.
  return await context.uploads.receive(bodyOf(request), declared, ({ path }) =>
    deploy(context, address, { path, fileName, form }, callerOf(request)),
  )
}

function isZip(type: string | undefined): boolean {
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/zip'
}

/** The parameter `filename` of a header Content-Disposition, without its quotes and without folders. */
export function readFileName(header: string | undefined): string | undefined {
  const name = readHeaderParameter(header, 'filename')?.replace(/^.*[\\/]/s, '')
  return name === '' ? undefined : name
}

/** Uploads that can never be a job, and trouble while one is unpacked, have statuses of their own with Kudu. */
function answerRefusal(error: unknown, reply: FastifyReply): FastifyReply {
  if (!(error instanceof JobyardError)) throw error
  const { code, message } = error
  if (code === 'script-missing') return sendText(reply.code(400), NO_SCRIPT)
  if (code === 'script-unsupported') return sendText(reply.code(400), `${NO_SCRIPT} ${message}`)
  if (BROKEN.has(code)) return sendText(reply.code(500), message)
  throw error
}

const BROKEN: ReadonlySet<string> = new Set(['archive-broken', 'archive-unsupported', 'store-full'])
