import * as access from './access.ts'
import { addAudit } from './audit.ts'
import { claimRuns } from './claim-runs.ts'
import { fillPlaces } from './continuous.ts'
import { createRuns } from './create-runs.ts'
import { expireParked } from './deadlines.ts'
import * as hooks from './hooks.ts'
import * as instances from './instances.ts'
import { deleteJob, saveJob } from './jobs.ts'
import { claimMeta, keepLogPlace } from './meta.ts'
import { openTasks } from './open-tasks.ts'
import { dropUnusedPackages, enterPackage } from './packages.ts'
import * as recovery from './recovery.ts'
import { resolveTasks } from './resolve-tasks.ts'
import { emptyTrash, pruneJob, pruneRecords } from './retention.ts'
import { rewindPlaces, rewindRuns, rewindSchedules, rewindTasks } from './rewind.ts'
import { tickSchedules } from './schedules.ts'
import { closeSession, openSession } from './sessions.ts'
import { changeSettings } from './settings.ts'
import { stopJobRuns, wantRuns } from './want-runs.ts'
import { holdWatchedFolder, leaveWatchedFolder, noteFolderProblems } from './watched-folder.ts'
import { changeTasks, closeRuns, releaseRuns } from './work.ts'

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
  rewindTasks,
  rewindRuns,
  rewindPlaces,
  fillPlaces,
  expireParked,
  enterInstance: instances.enterInstance,
  renewInstance: instances.renewInstance,
  loseOwned: recovery.loseOwned,
  recoverInstances: recovery.recoverInstances,
  drainInstance: instances.drainInstance,
  leaveInstance: recovery.leaveInstance,
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
  changeSettings,
  addAudit,
  claimMeta,
  keepLogPlace,
  addHook: hooks.addHook,
  deleteHook: hooks.deleteHook,
  publishToHooks: hooks.publishToHooks,
  claimHookCalls: hooks.claimHookCalls,
  settleHookCall: hooks.settleHookCall,
  dropHookCalls: hooks.dropHookCalls,
  freeHookCalls: hooks.freeHookCalls,
  holdWatchedFolder,
  leaveWatchedFolder,
  noteFolderProblems,
} as const
