import { type Command, Option } from 'commander'
import type { SettingsOptions, SettingsSetOptions } from '../settings.ts'
import { type Build, connected, noun, verb } from '../shape.ts'

/** The commands of app settings. */
export function addSettings(program: Command, { terminal }: Build): void {
  const settings = noun(program, 'settings', 'names and values that all jobs of a collection get', [
    'jobyard settings set REGION=eu',
    'jobyard settings set API_KEY --secret',
    'jobyard settings list',
  ])
  const list = verb(settings, 'list', 'list the app settings of a collection, without secret values', [
    'jobyard settings list',
  ])
  connected(inCollection(list)).action(async (options: SettingsOptions) => {
    await (await import('../settings.ts')).listSettings(terminal, options)
  })
  const set = verb(settings, 'set <name=value...>', 'set app settings; they count at once', [
    'jobyard settings set REGION=eu QUEUE=orders',
    'jobyard settings set API_KEY --secret               # asks for the value',
    'jobyard settings set WEBJOBS_STOPPED=1 --slot       # on servers of this slot only, and in no backup',
    'jobyard settings set "WEBSITE_TIME_ZONE=W. Europe Standard Time"',
  ])
    .addOption(new Option('--secret', 'keep encrypted, never show, mask in output').conflicts('plain'))
    .option('--plain', 'no longer secret; needs the value')
    .addOption(new Option('--slot', "pin to the server's deployment slot").conflicts('everySlot'))
    .option('--every-slot', 'no longer pinned to a slot')
  connected(inCollection(set)).action(async (given: string[], options: SettingsSetOptions) => {
    await (await import('../settings.ts')).setSettings(terminal, given, options)
  })
  const unset = verb(settings, 'unset <name...>', 'take app settings away', ['jobyard settings unset REGION'])
  connected(inCollection(unset)).action(async (names: string[], options: SettingsOptions) => {
    await (await import('../settings.ts')).unsetSettings(terminal, names, options)
  })
}

function inCollection(command: Command): Command {
  return command.option('--collection <name>', 'collection that they belong to (default: default)')
}
