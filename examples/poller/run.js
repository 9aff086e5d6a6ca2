// Watches a web address or a folder for ever, says what has changed, and ends cleanly when it is asked to.
//
//   jobyard script deploy examples/poller --name poller --continuous --env POLL_URL=https://example.com/
//   jobyard script logs poller --follow
//
// POLL_URL     the address to look at, or
// POLL_FOLDER  the folder to look at
// POLL_EVERY   seconds between two looks (default 30, fractions are fine)
//
// After a failure it waits twice as long, up to five minutes, and by lot a little less, so that many pollers do not come
// back in the same moment. What it has seen is kept in state.json in the job's data folder, so a restart forgets nothing.
// It ends at the shutdown file, which Jobyard makes first, and at SIGTERM, which comes later. Needs Node 18 or newer.
import { createHash } from 'node:crypto'
import { existsSync, watch } from 'node:fs'
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LONGEST_WAIT = 300
const LONGEST_ANSWER = 30_000

const { POLL_URL, POLL_FOLDER, POLL_EVERY = '30', WEBJOBS_DATA_PATH = '.', WEBJOBS_SHUTDOWN_FILE } = process.env
const every = Number(POLL_EVERY)
if (!POLL_URL === !POLL_FOLDER) exitWith(2, 'set either POLL_URL or POLL_FOLDER')
if (!(every > 0)) exitWith(2, `POLL_EVERY is "${POLL_EVERY}", not a number of seconds`)

const stopping = new AbortController()
const stopWatching = listenForStop((why) => {
  console.log(`stopping: ${why}`)
  stopping.abort()
})

const file = join(WEBJOBS_DATA_PATH, 'state.json')
const state = await readState()
console.log(`watching ${POLL_URL ?? POLL_FOLDER} every ${every} s, look ${state.looks + 1} follows`)
await pollLoop()
stopWatching()
console.log(`ended after ${state.looks} looks, ${state.changes} changes and ${state.failures} failures`)

async function pollLoop() {
  let inARow = 0
  while (!stopping.signal.aborted) {
    try {
      report(POLL_URL ? await lookAtUrl(POLL_URL) : await lookAtFolder(POLL_FOLDER))
      if (inARow > 0) console.log(`works again after ${inARow} failures`)
      inARow = 0
    } catch (error) {
      if (stopping.signal.aborted) break
      inARow++
      state.failures++
      console.error(`look ${state.looks + 1} failed: ${explain(error)}`)
    }
    state.looks++
    await saveState()
    await pause(inARow)
  }
  await saveState()
}

/** What is at a web address, as a map of one thing. */
async function lookAtUrl(url) {
  const signal = AbortSignal.any
    ? AbortSignal.any([stopping.signal, AbortSignal.timeout(LONGEST_ANSWER)])
    : stopping.signal
  const answer = await fetch(url, { signal, headers: { 'user-agent': 'jobyard-example-poller' } })
  const body = Buffer.from(await answer.arrayBuffer())
  if (!answer.ok) throw new Error(`the answer is ${answer.status}`)
  return { [url]: `${createHash('sha256').update(body).digest('hex').slice(0, 16)} (${body.length} bytes)` }
}

/** What is in a folder: size and time of each file. */
async function lookAtFolder(folder) {
  const seen = {}
  for (const name of (await readdir(folder)).sort()) {
    try {
      const { size, mtimeMs } = await stat(join(folder, name))
      seen[name] = `${size} bytes, ${new Date(mtimeMs).toISOString()}`
    } catch (error) {
      // It was there when the folder was read, and is not any more.
      if (error.code !== 'ENOENT') throw error
    }
  }
  return seen
}

function report(now) {
  for (const name of new Set([...Object.keys(state.seen), ...Object.keys(now)])) {
    const [before, after] = [state.seen[name], now[name]]
    if (before === after) continue
    state.changes++
    console.log(before === undefined ? `new: ${name}: ${after}` : after === undefined ? `gone: ${name}` : `changed: ${name}: ${after}`)
  }
  state.seen = now
}

/** Waits for the next look, longer with every failure in a row; a stop ends the wait. */
async function pause(failures) {
  const grown = Math.min(every * 2 ** failures, Math.max(LONGEST_WAIT, every))
  const seconds = failures === 0 ? every : grown * (0.75 + Math.random() / 4)
  if (failures > 0) console.error(`waiting ${seconds.toFixed(1)} s`)
  await sleep(seconds * 1000, undefined, { signal: stopping.signal }).catch(() => undefined)
}

/** Calls `stop` once, at the shutdown file or at SIGTERM. Gives back how to stop listening. */
function listenForStop(stop) {
  let called = false
  const once = (why) => {
    if (called) return
    called = true
    stop(why)
  }
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => once(name))
  if (!WEBJOBS_SHUTDOWN_FILE) return () => undefined
  const look = () => existsSync(WEBJOBS_SHUTDOWN_FILE) && once('shutdown file')
  const watcher = watch(dirname(WEBJOBS_SHUTDOWN_FILE), (_event, name) => name === basename(WEBJOBS_SHUTDOWN_FILE) && look())
  // Not every file system tells of changes.
  const timer = setInterval(look, 1000)
  look()
  return () => {
    watcher.close()
    clearInterval(timer)
  }
}

async function readState() {
  const empty = { looks: 0, changes: 0, failures: 0, seen: {} }
  try {
    return { ...empty, ...JSON.parse(await readFile(file, 'utf8')) }
  } catch (error) {
    if (error.code !== 'ENOENT') console.error(`${file} cannot be used, beginning anew: ${error.message}`)
    return empty
  }
}

/** Written beside it and moved over it: a crash in between leaves the former state. */
async function saveState() {
  try {
    await writeFile(`${file}.new`, JSON.stringify(state))
    await rename(`${file}.new`, file)
  } catch (error) {
    console.error(`the state cannot be kept: ${error.message}`)
  }
}

function explain(error) {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message || error.cause.code}` : error.message
}

function exitWith(code, message) {
  console.error(`poller: ${message}`)
  process.exit(code)
}
