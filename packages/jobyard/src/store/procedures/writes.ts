import { addAudit } from './audit.ts'
import { claimRuns } from './claim-runs.ts'
import { addCollection, deleteCollection } from './collections.ts'
import { fillPlaces } from './continuous.ts'
import { createRuns } from './create-runs.ts'
import { expireParked } from './deadlines.ts'
import * as hookCalls from './hook-calls.ts'
import { publishToHooks } from './hook-causes.ts'
import { noteHookTrial } from './hook-trials.ts'
import { addHook, deleteHook } from './hooks.ts'
import { freeKey, settleKey, takeKey } from './idempotency.ts'
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
import { addToken, revokeToken, touchTokens } from './tokens.ts'
import { stopJobRuns, wantRuns } from './want-runs.ts'
import { holdWatchedFolder, leaveWatchedFolder, noteFolderProblems, placeFolderJob } from './watched-folder.ts'
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
  addToken,
  revokeToken,
  touchTokens,
  openSession,
  closeSession,
  addCollection,
  deleteCollection,
  takeKey,
  settleKey,
  freeKey,
  changeSettings,
  addAudit,
  claimMeta,
  keepLogPlace,
  addHook,
  deleteHook,
  publishToHooks,
  noteHookTrial,
  claimHookCalls: hookCalls.claimHookCalls,
  settleHookCall: hookCalls.settleHookCall,
  dropHookCalls: hookCalls.dropHookCalls,
  freeHookCalls: hookCalls.freeHookCalls,
  holdWatchedFolder,
  leaveWatchedFolder,
  noteFolderProblems,
  placeFolderJob,
} as const
