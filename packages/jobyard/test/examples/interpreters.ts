import { type Host, pathForJobs, resolveInterpreter } from '../../src/kinds/script/interpreters.ts'
import { resolveRunAs } from '../../src/kinds/script/run-as.ts'

/** Why a job that needs an interpreter cannot run here, which is also written to standard error; undefined when it can. */
export async function whyNot(host: Host): Promise<string | undefined> {
  const { user } = await resolveRunAs(undefined)
  const found = resolveInterpreter(host, { path: pathForJobs(process.env.PATH, user), user })
  if (!found.missing) return undefined
  process.stderr.write(`SKIPPED: ${found.message}\n`)
  return found.message
}
