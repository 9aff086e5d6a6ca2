import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { findWebRoot } from '../services/folder/find-jobs.ts'
import { WatchedFolder, type WatchedFolderOptions } from '../services/folder/watched-folder.ts'

/** The collection that the jobs of a watched folder are in. */
const COLLECTION = 'default'

/** The folder of the web site that the jobs of a collection belong to; undefined for those of no watched folder. */
export async function webRootOf(
  { site }: Pick<Config, 'site'>,
  user: WatchedFolderOptions['user'],
  collection: string,
): Promise<string | undefined> {
  return site === null || collection.toLowerCase() !== COLLECTION ? undefined : await findWebRoot(site, user)
}

type Parts = Pick<
  WatchedFolderOptions,
  'store' | 'jobs' | 'engine' | 'events' | 'clock' | 'random' | 'packages' | 'user'
>

/**
 * Watches the folder that the settings name, if they name one. When this is done, its jobs are as they lie there: it is to
 * be called before anything falls due. A server that names none takes back what it said of one before.
 */
export async function startWatchedFolder(
  { site: folder, siteQuietMs: quietMs, instance }: Config,
  parts: Parts,
  logger: Logger,
): Promise<WatchedFolder | null> {
  const { store } = parts
  if (folder === null) {
    await store.write('leaveWatchedFolder', { instance })
    return null
  }
  const collections = await store.read('listCollections', undefined)
  const collection = collections.find(({ name }) => name.toLowerCase() === COLLECTION)
  if (collection === undefined) throw new Error('There is no collection for the jobs of the watched folder.')
  const onProblem = ({ path, message }: { path: string; message: string }) =>
    logger.warn({ path, problem: message }, 'something in the watched folder is not deployed')
  const options = { ...parts, folder, collectionId: collection.id, instance, quietMs, onProblem }
  const watched = new WatchedFolder(options)
  await watched.start()
  return watched
}
