/**
 * The crash campaign: real servers under load, killed at random points, and every promise counted. `npm run chaos -- --help`
 * tells what can be chosen.
 */
import { parseArgs } from 'node:util'
import { type CampaignOptions, type CampaignReport, runCampaign } from './campaign.ts'
import { renderReport } from './report.ts'
import type { DatabaseName } from './stage.ts'

const HELP = `npm run chaos -- [options]

  --database sqlite|postgres   only this one; default: both, one after the other
  --kills N                    kills in all; default 600, two thirds of them on SQLite
  --minutes N                  at most so long for each database; default 90
  --seed N                     chooses what is done when; default: by the clock. What the machine does stays its own
  --instances N                servers that share a PostgreSQL database; default 3
  --lease SECONDS              of the servers; default 15, as it is without a setting
  --life SECONDS               mean life of a server; default 1.2 on SQLite, 6 on PostgreSQL
  --no-freeze                  nothing is frozen, which takes 14 seconds each time
  --keep                       keeps the folder with databases, logs and marks in any case

Ends with exit code 1 when a promise was broken; the evidence is kept then, in a folder that is named.`

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    kills: { type: 'string', default: '600' },
    minutes: { type: 'string', default: '90' },
    seed: { type: 'string' },
    instances: { type: 'string', default: '3' },
    lease: { type: 'string', default: '15' },
    life: { type: 'string' },
    'no-freeze': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function toNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isFinite(number) && number > 0) return number
  throw new Error(`--${name} ${text} is no number above 0.`)
}

function toDatabases(text: string | undefined): DatabaseName[] {
  if (text === undefined) return ['sqlite', 'postgres']
  if (text === 'sqlite' || text === 'postgres') return [text]
  throw new Error(`--database ${text}: there are sqlite and postgres.`)
}

function optionsFor(database: DatabaseName, seed: number, share: number): CampaignOptions {
  const shared = database === 'postgres'
  const lifeMs = values.life === undefined ? (shared ? 6000 : 1200) : toNumber('life', values.life) * 1000
  return {
    database,
    seed,
    kills: Math.ceil(toNumber('kills', values.kills) * share),
    milliseconds: toNumber('minutes', values.minutes) * 60_000,
    instances: shared ? toNumber('instances', values.instances) : 1,
    leaseMs: toNumber('lease', values.lease) * 1000,
    lifeMs,
    longestMs: lifeMs * 5,
    freezes: !values['no-freeze'],
    lastLoadsMs: 15_000,
    clients: 6,
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${database}: ${line}`),
    keep: values.keep,
  }
}

if (values.help) {
  console.log(HELP)
} else {
  const databases = toDatabases(values.database)
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : toNumber('seed', values.seed)
  console.log(`seed ${seed}`)
  const reports: CampaignReport[] = []
  for (const database of databases) {
    const share = databases.length === 1 ? 1 : database === 'sqlite' ? 2 / 3 : 1 / 3
    const report = await runCampaign(optionsFor(database, seed, share))
    reports.push(report)
    console.log(renderReport(report).join('\n'))
  }
  const kills = reports.reduce((sum, report) => sum + report.kills, 0)
  const broken = reports.reduce((sum, { violations }) => sum + violations.total, 0)
  console.log(`\n${kills} kills, ${broken} violations`)
  for (const { evidence } of reports) if (evidence !== undefined) console.log(`evidence: ${evidence}`)
  process.exitCode = broken === 0 ? 0 : 1
}
