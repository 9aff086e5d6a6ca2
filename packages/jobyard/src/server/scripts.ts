import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Clock } from '../domain/clock.ts'
import type { Ids } from '../domain/ids.ts'
import type { Events } from '../engine/events.ts'
import type { JobKind } from '../engine/kind.ts'
import { allowedVariables } from '../kinds/script/environment.ts'
import { ScriptHousekeeping } from '../kinds/script/housekeeping.ts'
import { createScriptKind } from '../kinds/script/index.ts'
import { InterpreterFinder } from '../kinds/script/interpreter-finder.ts'
import { pathForJobs } from '../kinds/script/interpreters.ts'
import { PackageStore } from '../kinds/script/package.ts'
import { ScriptPackages } from '../kinds/script/packages.ts'
import { JobPorts } from '../kinds/script/ports.ts'
import { type JobsUser, resolveRunAs } from '../kinds/script/run-as.ts'
import { Workspaces } from '../kinds/script/workspace.ts'
import { chooseJobFolders } from '../kinds/script/workspace-folders.ts'
import type { ProcessHost } from '../process/contract.ts'
import type { ApiServices } from '../services/services.ts'
import type { Repository } from '../store/procedures/index.ts'
import type { Sealer } from '../store/seal.ts'
import { webRootOf } from './watched-folder.ts'

/** What the script kind stands on. */
export interface ScriptsParts {
  readonly config: Config
  readonly store: Repository
  readonly clock: Clock
  readonly ids: Ids
  readonly random: () => number
  readonly events: Events
  readonly host: ProcessHost
  readonly sealer: Sealer
  /** The data folder. */
  readonly folder: string
}

/** The script kind with all that belongs to it. */
export interface Scripts {
  readonly kind: JobKind
  /** Who jobs run as. */
  readonly user: JobsUser
  readonly packages: ScriptPackages
  readonly housekeeping: ScriptHousekeeping
  readonly workspaces: Workspaces
  /** What the interface is given of it. */
  readonly offered: Pick<ApiServices, 'jobPort' | 'lasting'> & { readonly packages: ScriptPackages }
  readonly warnings: readonly string[]
}

/** Opens packages and working folders, finds the jobs' user, and makes the kind. */
export async function openScripts(parts: ScriptsParts): Promise<Scripts> {
  const { config, store, clock, ids, random, events, host, sealer, folder } = parts
  const runAs = await resolveRunAs(config.runAs ?? undefined)
  const { user } = runAs
  const chosen = await chooseJobFolders(folder, user)
  const work = config.workFolder ?? chosen.work
  const path = pathForJobs(process.env.PATH, user)
  const finder = new InterpreterFinder({ path, user }, clock)
  const limits = {
    entries: config.archiveEntries,
    fileBytes: config.archiveFileBytes,
    totalBytes: config.archiveTotalBytes,
    ratio: config.archiveRatio,
  }
  const { instance } = config
  const interpreters = { path, user }
  const files = new PackageStore({ folder: join(folder, 'packages'), clock, ids, limits, interpreters, instance })
  await files.open()
  const packages = new ScriptPackages(files, store, clock)
  const onTrouble = (error: unknown) => events.emit({ type: 'error', where: 'working folders', error })
  const workspaces = new Workspaces({ work, jobs: chosen.jobs, user, packages: files, clock, ids, onTrouble })
  await workspaces.open()
  const ports = new JobPorts()
  const kind = createScriptKind({
    workspaces,
    host,
    store,
    sealer,
    user,
    path,
    serverEnvironment: allowedVariables(process.env),
    instance: config.instance,
    interpreter: (name) => finder.find(name),
    packageDetail: (hash) => packages.detail(hash),
    collectionName: collectionNames(store),
    ports,
    webRoot: (collection) => webRootOf(config, user, collection),
    slot: config.slot,
    defaults: defaultLimits(config, host),
  })
  const housekeeping = new ScriptHousekeeping({ store, events, clock, random, packages, workspaces })
  const warnings = [...runAs.warnings, ...chosen.warnings].map(({ message }) => message)
  const offered = { packages, jobPort: (jobId: string) => ports.portOf(jobId), lasting: workspaces.lasting }
  return { kind, user, packages, housekeeping, workspaces, warnings, offered }
}

/** A limit that is only a default holds only where control groups can keep it: rlimits would break innocent scripts. */
function defaultLimits(config: Config, { support }: ProcessHost) {
  const holds = (how: string, key: 'jobMemoryBytes' | 'jobProcesses') =>
    how.startsWith('cgroup') || config.sources[key] !== 'default'
  return {
    memoryBytes: holds(support.memory, 'jobMemoryBytes') ? (config.jobMemoryBytes ?? undefined) : undefined,
    processes: holds(support.processes, 'jobProcesses') ? (config.jobProcesses ?? undefined) : undefined,
  }
}

/** Names of collections by id; they never change. */
function collectionNames(store: Repository): (id: string) => Promise<string> {
  const names = new Map<string, string>()
  return async (id) => {
    const known = names.get(id)
    if (known !== undefined) return known
    for (const collection of await store.read('listCollections', undefined)) names.set(collection.id, collection.name)
    return names.get(id) ?? id
  }
}
