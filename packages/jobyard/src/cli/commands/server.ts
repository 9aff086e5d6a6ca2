import { type Command, Option } from 'commander'
import { flagOf, SETTINGS, type SettingKey, settingKeys } from '../../config.ts'
import type { BackupOptions, RestoreOptions } from '../backup/options.ts'
import type { LoginOptions } from '../login.ts'
import { type Build, type Common, type Connected, connected, type SettingFlags, speaking, verb } from '../shape.ts'

/** The commands around the server itself. */
export function addServer(program: Command, { terminal, result }: Build): void {
  speaking(withSettings(serveCommand(program), settingKeys())).action(async (options: SettingFlags) => {
    result.exit = await (await import('../serve.ts')).serve(terminal, options)
  })
  connected(loginCommand(program)).action(async (options: LoginOptions) => {
    await (await import('../login.ts')).login(terminal, options)
  })
  speaking(logoutCommand(program)).action(async (options: Common & { url?: string }) => {
    await (await import('../login.ts')).logout(terminal, options)
  })
  connected(statusCommand(program)).action(async (options: Connected) => {
    await (await import('../status.ts')).status(terminal, options)
  })
  speaking(withSettings(configCommand(program), settingKeys())).action(async (options: SettingFlags) => {
    await (await import('../show-config.ts')).showConfig(terminal, options)
  })
  speaking(withSettings(doctorCommand(program), settingKeys())).action(async (options: SettingFlags) => {
    result.exit = await (await import('../doctor/doctor.ts')).doctor(terminal, options)
  })
  speaking(withSettings(backupCommand(program), ['dataFolder', 'databaseUrl'])).action(
    async (file: string, options: BackupOptions) => {
      await (await import('../backup/backup.ts')).backup(terminal, file, options)
    },
  )
  speaking(withSettings(restoreCommand(program), ['dataFolder', 'keyFile', 'slot'])).action(
    async (file: string, options: RestoreOptions) => {
      await (await import('../backup/restore.ts')).restore(terminal, file, options)
    },
  )
}

/** Adds the flags of settings. Their values are read later, together with the environment. */
function withSettings(command: Command, keys: readonly SettingKey[]): Command {
  command.optionsGroup('Settings (each also as a JOBYARD_ variable of the environment):')
  for (const key of keys) {
    const { variable, type, meaning, otherwise } = SETTINGS[key]
    const flag = flagOf(variable)
    const usage = type.placeholder === undefined ? flag : `${flag} ${type.placeholder}`
    command.addOption(new Option(usage, `${meaning} Default: ${otherwise}.`))
  }
  return command.optionsGroup('Options:')
}

function serveCommand(program: Command): Command {
  return verb(program, 'serve', 'start the server', [
    'jobyard serve',
    'jobyard serve --data /var/lib/jobyard --port 8080',
    'JOBYARD_DATABASE_URL=postgres://jobyard@db/jobyard jobyard serve',
    'jobyard serve --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem',
  ])
}

function loginCommand(program: Command): Command {
  return verb(program, 'login', 'keep the address of a server and a token for it, for all later commands', [
    'jobyard login                                   # asks for the token',
    'jobyard login --url https://jobs.example.com    # another server',
    'jobyard login < token.txt                       # for scripts',
  ])
}

function logoutCommand(program: Command): Command {
  return verb(program, 'logout', 'forget the token of a server', ['jobyard logout']).option(
    '--url <url>',
    'server to forget (default: that of the latest login)',
  )
}

function statusCommand(program: Command): Command {
  return verb(program, 'status', 'show what the server is and how busy it is', [
    'jobyard status',
    'jobyard status --json',
  ])
}

function configCommand(program: Command): Command {
  return verb(program, 'config', 'show every setting of the server, its value and where that comes from', [
    'jobyard config',
    'jobyard config --data /var/lib/jobyard --json',
  ])
}

function doctorCommand(program: Command): Command {
  return verb(program, 'doctor', 'check whether the server can work here, and say what to do where not', [
    'jobyard doctor',
    'sudo -u jobyard jobyard doctor --data /var/lib/jobyard',
  ])
}

function backupCommand(program: Command): Command {
  return verb(program, 'backup <file>', 'write everything the server keeps, but its key, into one zip file', [
    'jobyard backup jobyard.zip               # while the server runs, or not',
    'jobyard backup jobyard.zip --no-output   # without what the runs have printed',
  ])
    .option('--no-output', 'leave out what runs have printed')
    .option('--files-only', 'with PostgreSQL: only packages and data of jobs; back up the database with pg_dump')
    .option('--force', 'replace the file if it is there')
}

function restoreCommand(program: Command): Command {
  return verb(program, 'restore <file>', 'put back a backup into an empty data folder, while no server runs there', [
    'jobyard restore jobyard.zip --data /var/lib/jobyard',
    'jobyard restore production.zip --slot staging --stopped    # a copy in which nothing runs',
  ])
    .option('--force', 'move aside what is in the data folder')
    .option('--stopped', 'let no job run on servers of this slot: WEBJOBS_STOPPED, pinned to it, in all collections')
}
