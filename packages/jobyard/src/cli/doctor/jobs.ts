import { JobyardError } from '../../domain/errors.ts'
import { HOSTS, pathForJobs, resolveInterpreter } from '../../kinds/script/interpreters.ts'
import { checkReachable } from '../../kinds/script/reach.ts'
import { resolveRunAs } from '../../kinds/script/run-as.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** The user that jobs run as, and whether it comes to where they work. */
export const runAsCheck: Check = {
  name: "jobs' user",
  async run({ config }) {
    try {
      const { user, warnings } = await resolveRunAs(config.runAs ?? undefined)
      const words = user.own ? `Jobs run as ${user.name}, the user of the server.` : `Jobs run as ${user.name}.`
      const findings: Finding[] = [ok(words)]
      for (const { message } of warnings) findings.push(warn(message, 'Name another user in JOBYARD_RUN_AS.'))
      const reach = checkReachable(config.workFolder ?? config.dataFolder, user)
      if (!reach.reachable) {
        const todo = `Move JOBYARD_DATA to a place such as /var/lib/jobyard, or: chmod o+x ${reach.blockedBy}`
        findings.push(warn(`${reach.message} Jobs will work elsewhere.`, todo))
      }
      return findings
    } catch (error) {
      if (error instanceof JobyardError) return [fail(error.message, error.hint)]
      throw error
    }
  },
}

/** The programs that run scripts, as far as the jobs' user can execute them. */
export const interpretersCheck: Check = {
  name: 'interpreters',
  run({ terminal, user }) {
    if (user === undefined) return []
    const hosts = HOSTS.filter((host) => host !== 'windows' || process.platform === 'win32')
    const places = { path: pathForJobs(terminal.env.PATH, user), user }
    const all = hosts.map((host) => resolveInterpreter(host, places))
    const found = all.filter((each) => !each.missing)
    const missing = all.filter((each) => each.missing).map(({ name }) => name)
    const findings: Finding[] = [ok(`${found.map(({ name, file }) => `${name} ${file}`).join(', ')}.`)]
    if (missing.length > 0) findings.push(ok(`Not there for the jobs' user: ${missing.join(', ')}.`))
    for (const { note } of found) {
      if (note !== undefined) findings.push(warn(note, 'Install bash.'))
    }
    return findings
  },
}
