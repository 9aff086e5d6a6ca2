import { listCollections } from './collections.ts'
import { listContinuousRuns } from './continuous-runs.ts'
import { getHookTarget } from './hook-trials.ts'
import { getHook, listHooks } from './hooks.ts'
import { listInstances } from './instances.ts'
import { listJobNames, outlineJobs, readVersions } from './outline-jobs.ts'
import { isPackageOf, listDeployments, readPackage } from './packages.ts'
import { listRuns } from './page-runs.ts'
import { readPending } from './pending-tasks.ts'
import * as jobs from './read-jobs.ts'
import * as runs from './read-runs.ts'
import { listJobIds, listTrash } from './retention.ts'
import { findSession } from './sessions.ts'
import * as settings from './settings.ts'
import { readDefaultZone } from './steering.ts'
import { findToken, listTokens } from './tokens.ts'
import { getWatchedFolder, listFolderJobs } from './watched-folder.ts'

/** Every procedure that only looks. */
export const reads = {
  getRun: runs.getRun,
  getRunByNumber: runs.getRunByNumber,
  latestRuns: runs.latestRuns,
  liveRuns: runs.liveRuns,
  listRuns,
  listTasks: runs.listTasks,
  listTasksOf: runs.listTasksOf,
  listContinuousRuns,
  getTask: runs.getTask,
  readPending,
  getPayload: runs.getPayload,
  countLive: runs.countLive,
  getJob: jobs.getJob,
  getJobByNumber: jobs.getJobByNumber,
  briefJobs: jobs.briefJobs,
  findJobs: jobs.findJobs,
  listJobs: jobs.listJobs,
  listTriggers: jobs.listTriggers,
  listOccurrences: jobs.listOccurrences,
  listOccurring: jobs.listOccurring,
  listPlaces: jobs.listPlaces,
  outlineJobs,
  readVersions,
  listJobNames,
  listAudit: jobs.listAudit,
  getMeta: jobs.getMeta,
  listInstances,
  listDeployments,
  readPackage,
  isPackageOf,
  readDefaultZone,
  listSettings: settings.listSettings,
  settingsRevision: settings.settingsRevision,
  unwantedRuns: settings.unwantedRuns,
  continuousRuns: settings.continuousRuns,
  listJobIds,
  listTrash,
  findToken,
  listTokens,
  findSession,
  listCollections,
  listHooks,
  getHook,
  getHookTarget,
  getWatchedFolder,
  listFolderJobs,
} as const
