/** Where the embedded database puts what does not fit into memory. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const DATA_FOLDER = new URL('../../src/server/data-folder.ts', import.meta.url).href
const SHUTDOWN = new URL('../../src/server/shutdown.ts', import.meta.url).href

/** Opens a data folder, then a database that must spill, and prints the open files that have no name any more. */
const PROGRAM = `
  import { readdirSync, readlinkSync } from 'node:fs'
  import { DatabaseSync } from 'node:sqlite'
  const { openDataFolder } = await import(${JSON.stringify(DATA_FOLDER)})
  const { Shutdown } = await import(${JSON.stringify(SHUTDOWN)})
  const shutdown = new Shutdown()
  const [, dataFolder] = process.argv
  openDataFolder({ dataFolder, keyFile: dataFolder + '/key' }, shutdown)
  const database = new DatabaseSync(':memory:')
  database.exec('pragma temp_store = file; pragma temp.cache_size = 1; create temp table wide (text)')
  database.exec("insert into wide select hex(randomblob(2000)) from json_each('[' || substr(replace(hex(zeroblob(500)), '00', ',1'), 2) || ']')")
  const open = readdirSync('/proc/self/fd').flatMap((fd) => { try { return [readlinkSync('/proc/self/fd/' + fd)] } catch { return [] } })
  console.log(JSON.stringify(open.filter((path) => path.includes('etilqs'))))
  database.close()
  await shutdown.run()
`

test.runIf(process.platform === 'linux')(
  'go into the data folder, whose next server removes what is left of them',
  () => {
    const root = mkdtempSync(join(tmpdir(), 'jobyard-temporary-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    const dataFolder = join(root, 'data')
    const temporary = join(dataFolder, '.sqlite')
    mkdirSync(temporary, { recursive: true })
    writeFileSync(join(temporary, 'etilqs_left'), 'of a server that was killed')
    writeFileSync(join(temporary, 'notes.txt'), 'not of SQLite')
    const args = ['--input-type=module', '--eval', PROGRAM, dataFolder]
    const open: string[] = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    expect(open).not.toEqual([])
    for (const path of open) expect(path.startsWith(`${temporary}/`)).toBe(true)
    expect(readdirSync(temporary)).toEqual(['notes.txt'])
  },
)
