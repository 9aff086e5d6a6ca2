import type { Store } from '../contract.ts'
import * as access from './access.ts'
import { addAudit } from './audit.ts'
import { claimRuns } from './claim-runs.ts'
import { fillPlaces } from './continuous.ts'
import { createRuns } from './create-runs.ts'
import { expireParked } from './deadlines.ts'
import * as instances from './instances.ts'
import { deleteJob, saveJob } from './jobs.ts'
import { claimMeta } from './meta.ts'
import { dropUnusedPackages, enterPackage, listDeployments, readPackage } from './packages.ts'
import * as jobs from './read-jobs.ts'
import * as runs from './read-runs.ts'
import { emptyTrash, listJobIds, listTrash, pruneJob, pruneRecords } from './retention.ts'
import { rewindSchedules, tickSchedules } from './schedules.ts'
import { closeSession, findSession, openSession } from './sessions.ts'
import { stopJobRuns, wantRuns } from './want-runs.ts'
import { changeTasks, closeRuns, openTasks, releaseRuns, resolveTasks } from './work.ts'

/** Every procedure that changes the repository. */
export const writes = {
  createRuns,
  claimRuns,
  openTasks,
  changeTasks,
  closeRuns,
  releaseRuns,
  resolveTasks,
  wantRuns,
  stopJobRuns,
  tickSchedules,
  rewindSchedules,
  fillPlaces,
  expireParked,
  enterInstance: instances.enterInstance,
  renewInstance: instances.renewInstance,
  loseOwned: instances.loseOwned,
  recoverInstances: instances.recoverInstances,
  drainInstance: instances.drainInstance,
  leaveInstance: instances.leaveInstance,
  saveJob,
  deleteJob,
  dropUnusedPackages,
  enterPackage,
  pruneJob,
  pruneRecords,
  emptyTrash,
  addToken: access.addToken,
  revokeToken: access.revokeToken,
  touchTokens: access.touchTokens,
  openSession,
  closeSession,
  addCollection: access.addCollection,
  deleteCollection: access.deleteCollection,
  takeKey: access.takeKey,
  settleKey: access.settleKey,
  freeKey: access.freeKey,
  addAudit,
  claimMeta,
} as const

/** Every procedure that only looks. */
export const reads = {
  getRun: runs.getRun,
  getRunByNumber: runs.getRunByNumber,
  latestRuns: runs.latestRuns,
  liveRuns: runs.liveRuns,
  listRuns: runs.listRuns,
  listTasks: runs.listTasks,
  getTask: runs.getTask,
  getPayload: runs.getPayload,
  countLive: runs.countLive,
  getJob: jobs.getJob,
  getJobByNumber: jobs.getJobByNumber,
  findJobs: jobs.findJobs,
  listJobs: jobs.listJobs,
  listTriggers: jobs.listTriggers,
  listOccurrences: jobs.listOccurrences,
  listPlaces: jobs.listPlaces,
  listAudit: jobs.listAudit,
  getMeta: jobs.getMeta,
  listDeployments,
  readPackage,
  listJobIds,
  listTrash,
  findToken: access.findToken,
  listTokens: access.listTokens,
  findSession,
  listCollections: access.listCollections,
} as const

/** The repository with all its procedures. */
export type Repository = Store<typeof writes, typeof reads>
