import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import {
  filesOf,
  hashPortalSources,
  PORTAL_STAMP,
  readPortalStamp,
} from '../../packages/jobyard/src/server/portal-sources.ts'

const run = promisify(execFile)

const ROOT = join(import.meta.dirname, '..', '..')
const PORTAL = join(ROOT, 'packages', 'portal')
/** Where the built pages lie. */
export const PORTAL_DIST = join(PORTAL, 'dist')
/** Smaller files are sent as they are. */
const SMALLEST_PACKED = 1024

/** Builds the pages when they are missing or older than their sources. Answers whether they were built now. */
export async function buildPortal(): Promise<boolean> {
  const stamp = await hashPortalSources(ROOT)
  if ((await readPortalStamp(PORTAL_DIST)) === stamp) return false
  // Built beside and put in place in one go, so that a server never sees half of it.
  const out = await mkdtemp(join(PORTAL, 'dist-'))
  try {
    const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js')
    const env = { ...process.env, JOBYARD_PORTAL_OUT: out, NODE_ENV: 'production' }
    await run(process.execPath, [vite, 'build', '--logLevel', 'warn', '--config', join(PORTAL, 'vite.config.ts')], {
      env,
    })
    // A folder that mkdtemp made is its owner's alone; the server may be somebody else's.
    await chmod(out, 0o755)
    await pack(out)
    await writeFile(join(out, PORTAL_STAMP), stamp)
    await putInPlace(out)
  } finally {
    await rm(out, { recursive: true, force: true })
  }
  return true
}

/** Puts a built folder where the pages lie. Several may build at once, as tests do: what is in place is always whole. */
async function putInPlace(built: string): Promise<void> {
  const old = `${built}-old`
  try {
    await ignoring(['ENOENT'], rename(PORTAL_DIST, old))
    // Somebody else who built the same was faster by a hair.
    await ignoring(['ENOTEMPTY', 'EEXIST'], rename(built, PORTAL_DIST))
  } finally {
    await rm(old, { recursive: true, force: true })
  }
}

async function ignoring(codes: readonly string[], done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Puts beside each script and style what it is as brotli and gzip, so that nothing is packed while somebody waits. */
async function pack(folder: string): Promise<void> {
  const [brotli, zip] = [promisify(brotliCompress), promisify(gzip)]
  for (const file of (await filesOf(folder)).filter((each) => /\.(js|css|svg)$/.test(each))) {
    const bytes = await readFile(file)
    if (bytes.length < SMALLEST_PACKED) continue
    await writeFile(`${file}.br`, await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
    await writeFile(`${file}.gz`, await zip(bytes, { level: 9 }))
  }
}
