import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeMachine, showMachine } from './machine.ts'
import type { Measure, Sample } from './measure.ts'
import { PAGES } from './pages.ts'
import { judge, type Result, showResults, TABLE_HEAD } from './report.ts'

const USAGE = `Usage: npm run bench <page> [measure ...] [-- --runs 5 --json FILE --help]
Pages: ${Object.keys(PAGES).join(', ')}; measures: their letters, such as a c; all when none is named
`

const { values, positionals } = readArguments()
const [pageName = '', ...letters] = positionals
if (values.help) process.stdout.write(USAGE)
else process.exitCode = await main(PAGES[pageName], Number(values.runs), letters)

/** What was asked for; ends with 2 and the usage when it cannot be understood. */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: '5' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}`)
    process.exit(2)
  }
}

/** Measures a page. 0 unless a run was lost or happened twice, or an answer was wrong: figures that miss their target are figures all the same. */
async function main(page: readonly Measure[] | undefined, runs: number, only: readonly string[]): Promise<number> {
  const unknown = only.some((each) => !page?.some(({ letter }) => letter.startsWith(each)))
  const measures = page?.filter(({ letter }) => only.length === 0 || only.some((each) => letter.startsWith(each)))
  if (measures === undefined || unknown || !(Number.isInteger(runs) && runs > 0)) {
    process.stderr.write(USAGE)
    return 2
  }
  const machine = await describeMachine()
  process.stdout.write(`${showMachine(machine)}runs     ${runs} of each measure\n\n${TABLE_HEAD}`)
  const results: Result[] = []
  const faults: string[] = []
  const raw: Record<string, readonly Sample[]> = {}
  for (const measure of measures) {
    const samples = await take(measure, runs)
    const judged = judge(measure, samples)
    process.stdout.write(showResults(measure, judged))
    results.push(...judged)
    faults.push(...samples.flatMap((sample) => sample.faults.map((fault) => `(${measure.letter}) ${fault}`)))
    raw[measure.letter] = samples
  }
  process.stdout.write(`\n${showMethods(measures)}${showFaults(faults)}`)
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ machine, runs, results, faults, samples: raw }, null, 2)}\n`)
  }
  return faults.length === 0 ? 0 : 1
}

async function take(measure: Measure, runs: number): Promise<Sample[]> {
  const samples: Sample[] = []
  await using bench = await measure.setUp()
  for (let run = 1; run <= runs; run++) {
    if (process.stderr.isTTY) process.stderr.write(`\r(${measure.letter}) run ${run} of ${runs} `)
    samples.push(await bench.sample())
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  return samples
}

function showMethods(measures: readonly Measure[]): string {
  return measures.map(({ letter, method }) => `(${letter}) ${method}\n`).join('')
}

function showFaults(faults: readonly string[]): string {
  if (faults.length === 0) return 'Every run that was counted happened exactly once, and every answer was right.\n'
  return `NOT EXACTLY ONCE, OR WRONG:\n${faults.map((fault) => `  ${fault}\n`).join('')}`
}
