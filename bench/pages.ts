import type { Measure } from './measure.ts'
import { firstByte } from './script/first-byte.ts'
import { idle } from './script/idle.ts'
import { engineLateness, serverLateness } from './script/lateness.ts'
import { noOp } from './script/no-op.ts'
import { output } from './script/output.ts'
import { throughput } from './script/throughput.ts'
import { webjobs } from './webjobs/index.ts'

/** Measures by the page they stand on. */
export const PAGES: Readonly<Record<string, readonly Measure[]>> = {
  script: [firstByte, throughput, noOp, output, idle, engineLateness, serverLateness],
  webjobs,
}
