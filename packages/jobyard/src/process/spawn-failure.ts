import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { errorCode } from './proc.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOEXEC: 'it is not a program that this machine can run',
  E2BIG: 'its arguments and environment together are longer than the system allows',
  EAGAIN: 'the system has no room for another process: its limit of processes is reached',
  ENOMEM: 'the system has no memory for another process',
  EMFILE: 'too many files are open in the process that starts jobs',
  ENFILE: 'too many files are open on this machine',
  EPERM: 'the server may not start it as that user',
  EINVAL: 'its arguments or its user cannot be used',
  ELOOP: 'its path leads through too many symbolic links',
  ENAMETOOLONG: 'its path is too long',
  ETXTBSY: 'it is being written at this moment',
  EISDIR: 'it is a folder',
  ERR_INVALID_ARG_VALUE: 'its path, its arguments or its environment hold a NUL character',
}

/**
 * Says in words why a program could not be started. The system's code alone does not tell a missing program from a
 * missing working directory or a missing interpreter, so the files are looked at.
 */
export function spawnReason(file: string, cwd: string, code: string): string {
  if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') {
    return REASONS[code] ?? `the system refused with ${code || 'an unknown error'}`
  }
  const folder = look(cwd)
  if (folder === 'missing') return `its working directory ${cwd} does not exist`
  if (folder === 'file') return `its working directory ${cwd} is not a folder`
  const program = look(file)
  if (program === 'missing') return 'there is no such file'
  if (program === 'folder') return 'it is a folder'
  if (code === 'EACCES')
    return 'it may not be executed (permission denied for it, for its folder or for the working directory)'
  const interpreter = readInterpreter(file)
  return interpreter === null
    ? 'something that it needs does not exist'
    : `its first line asks for ${interpreter}, which does not exist`
}

function look(path: string): 'missing' | 'folder' | 'file' | 'hidden' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file'
  } catch (error) {
    return errorCode(error) === 'EACCES' ? 'hidden' : 'missing'
  }
}

function readInterpreter(file: string): string | null {
  const head = Buffer.alloc(256)
  try {
    const fd = openSync(file, 'r')
    try {
      readSync(fd, head)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (errorCode(error) === '') throw error
    return null
  }
  return /^#!\s*(\S+)/.exec(head.toString('utf8'))?.[1] ?? null
}
