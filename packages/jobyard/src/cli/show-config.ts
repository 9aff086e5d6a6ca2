import { describeConfig } from '../config/describe.ts'
import { printJson } from './answer.ts'
import { configOf } from './machine.ts'
import type { SettingFlags } from './shape.ts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Shows every setting, its value and where that comes from. */
export async function showConfig(terminal: Terminal, options: SettingFlags): Promise<void> {
  const rows = describeConfig(configOf(terminal, options))
  if (options.json === true) return printJson(terminal, rows)
  await printTable(terminal.stdout, rows, [
    { title: 'SETTING', value: ({ setting }) => setting },
    { title: 'VALUE', value: ({ value }) => value, style: ({ source }) => (source === 'default' ? undefined : 'bold') },
    { title: 'SOURCE', value: ({ source }) => source, style: ({ source }) => (source === 'default' ? 'dim' : 'cyan') },
    { title: 'MEANING', value: ({ meaning }) => meaning, yields: true },
  ])
}
