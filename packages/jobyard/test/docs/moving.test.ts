import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CHECKOUT_PROGRAM, plainEnvironment } from '../../../../scripts/server.ts'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { ROOT, readText } from './checkout.ts'
import { isAsShown, Shell, stepsOf } from './shell-page.ts'

const page = await readText('docs/guide/moving-from-azure-webjobs.md')
const steps = stepsOf(page)

/** What the page calls the new server. */
const SITE = 'https://jobs.example.com'

let folder: string
let server: LiveServer
/** Stands in for the site on Azure: it speaks the same language. */
let old: LiveServer
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-moving-'))
  const [tlsKey, tlsCert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', tlsKey, '-out', tlsCert, ...subject], {
    stdio: 'ignore',
  })
  server = await startLiveServer({ tlsKey, tlsCert })
  old = await startLiveServer()
  await old.client.settings.change({ ORDERS_URL: 'https://shop.example.com/orders', API_KEY: 'k-1234567890' })
  const { hash } = await old.client.packages.upload(Buffer.from('#!/bin/bash\necho clean\n'), 'run.sh')
  await old.client.jobs.create({ name: 'cleanup', type: 'triggered', package: hash })
  await mkdir(join(folder, 'bin'))
  await program('jobyard', `exec "${process.execPath}" "${CHECKOUT_PROGRAM}" "$@"`)
  // Stands in for npm, which would ask the registry: the checkout has these packages.
  await program(
    'npm',
    `mkdir -p node_modules/@azure; shift 2; for p; do ln -sfn "${ROOT}/node_modules/$p" node_modules/$p; done`,
  )
  env = {
    ...(plainEnvironment() as Record<string, string>),
    PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
    HOME: folder,
    // The certificate that the machines trust.
    CURL_CA_BUNDLE: tlsCert,
    NODE_EXTRA_CA_CERTS: tlsCert,
  }
})

afterAll(async () => {
  await server.stop()
  await old.stop()
  await rm(folder, { recursive: true, force: true })
})

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'bin', name), 0o755)
}

async function freePort(): Promise<number> {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  await new Promise((resolve) => taken.close(resolve))
  return port
}

/** What a reader writes in the place of what the page has there, by the variable that is set. */
async function ofTheReader(): Promise<Map<string, string>> {
  return new Map([
    ['JOBYARD_URL', server.url],
    ['JOBYARD_TOKEN', server.token],
    ['SITE', server.url],
    ['PUBLISH_PASSWORD', 'as it was printed'],
    ['OLD_SITE', old.url],
    ['OLD_PASSWORD', old.token],
    ['FOLDER_PORT', String(await freePort())],
  ])
}

/** The commands with the values of the reader; those that were put in are taken out of the map. */
function fillIn(commands: string, values: Map<string, string>): string {
  return commands.replaceAll(/^export (\w+)=.*$/gm, (line, name) => {
    const value = values.get(name)
    values.delete(name)
    return value === undefined ? line : `export ${name}='${value}'`
  })
}

describe('the page for those who come from Azure WebJobs', () => {
  it('is true to the word', async () => {
    const place = join(folder, 'reader')
    await mkdir(place)
    const shell = new Shell(place, env)
    onTestFinished(() => shell[Symbol.asyncDispose]())
    const values = await ofTheReader()
    for (const { commands, prints, line } of steps) {
      const printed = (await shell.type(fillIn(commands, values))).replaceAll(server.url, SITE)
      const [token] = /\bjy_\S+/.exec(printed) ?? []
      if (token !== undefined) values.set('PUBLISH_PASSWORD', token)
      if (prints === undefined) expect(printed.trim(), `line ${line}`).toBe('')
      else if (!isAsShown(prints, printed)) expect(printed, `line ${line}`).toBe(prints)
    }
    // Nothing that was to be filled in was forgotten.
    expect([...values.keys()]).toEqual([])
    // The job is as the page has it, and its zip was made by the page.
    const { triggers } = JSON.parse(await shell.type('jobyard script show report --json\n'))
    expect(triggers).toContainEqual(expect.objectContaining({ type: 'schedule', ncrontab: '0 30 7 1 * *' }))
    const ran = await shell.type('jobyard script run cleanup --wait 2> /dev/null\n')
    expect(ran).toContain('clean')
    expect((await readFile(join(place, 'report.zip'))).subarray(0, 2).toString()).toBe('PK')
  }, 120_000)

  it('has a step for every way in', () => {
    const all = steps.map(({ commands }) => commands).join('')
    for (const part of [
      'curl',
      'vscode-azurekudu',
      '@azure/arm-appservice',
      'jobyard script deploy',
      '--site',
      'api/hooks',
    ]) {
      expect(all).toContain(part)
    }
  })
})

describe('what a page shows', () => {
  it('may leave out what differs, and nothing else', () => {
    expect(isAsShown('a … c\n…\nend\n', 'a b c\n1\n2\nend')).toBe(true)
    expect(isAsShown('a … c\n', 'a b d')).toBe(false)
    expect(isAsShown('a\n', 'a\nb')).toBe(false)
    expect(isAsShown('[a]\n', 'a')).toBe(false)
    expect(isAsShown('a … c\n', 'a\nc')).toBe(false)
  })

  it('is known by its fences', () => {
    expect(stepsOf('x\n```sh\na\n```\n\ny\n\n```text\nb\n```\n\n```sh\nc\n```\n')).toEqual([
      { commands: 'a\n', prints: 'b\n', line: 2 },
      { commands: 'c\n', line: 12 },
    ])
  })
})
