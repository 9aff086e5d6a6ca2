import { type Command, Option } from 'commander'

/** Adds what names a collection. */
export function inCollection(command: Command): Command {
  return command.option('--collection <name>', 'collection of the job (default: default)')
}

/** Adds what narrows the name of a job. */
export function ofJob(command: Command): Command {
  return inCollection(command).addOption(typeOption('type of the job, where there are two of that name'))
}

/** Which type of job is meant. */
export function typeOption(summary: string): Option {
  return new Option('--type <type>', summary).choices(['triggered', 'continuous'])
}
