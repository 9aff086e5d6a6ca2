import { createHash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { JobyardError } from '../domain/errors.ts'
import type { Ids } from '../domain/ids.ts'
import { explainFullDisk } from '../kinds/script/system-error.ts'
import { bodyTooLarge } from './body-limit.ts'

/** An upload that lies complete on the disk. */
export interface Upload {
  readonly path: string
  readonly bytes: number
  /** SHA-256 of what came, in hexadecimal. */
  readonly sha256: string
}

/** Takes uploads in, piece by piece, into a folder of its own; each is gone when its user has done with it. */
export class Uploads {
  readonly #folder: string
  readonly #ids: Ids
  readonly #limit: number

  constructor(folder: string, ids: Ids, limit: number) {
    this.#folder = folder
    this.#ids = ids
    this.#limit = limit
  }

  /** Makes the folder and removes what a crash left in it. */
  async open(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
  }

  /**
   * Stores a body and hands it to `use`. Whatever happens, nothing stays. Throws 'body-too-large' and 'store-full', and
   * 'input-invalid' when its sender breaks off.
   */
  async receive<T>(body: Readable, declared: number | undefined, use: (upload: Upload) => Promise<T>): Promise<T> {
    if (declared !== undefined && declared > this.#limit) throw bodyTooLarge(this.#limit, 'package')
    const path = join(this.#folder, this.#ids.next())
    try {
      return await use({ path, ...(await this.#store(body, path)) })
    } finally {
      await rm(path, { force: true })
    }
  }

  async #store(body: Readable, path: string): Promise<Omit<Upload, 'path'>> {
    const hash = createHash('sha256')
    let bytes = 0
    try {
      await using handle = await open(path, 'wx', 0o600)
      // Destroying the body would close the connection before its sender could read why it is refused.
      for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > this.#limit) throw bodyTooLarge(this.#limit, 'package')
        hash.update(chunk)
        await handle.writeFile(chunk)
      }
    } catch (error) {
      if (body.errored !== null || body.destroyed) throw brokenOff(error)
      body.resume()
      throw explainFullDisk(error, 'the upload was stored')
    }
    return { bytes, sha256: hash.digest('hex') }
  }
}

function brokenOff(cause: unknown): JobyardError {
  return new JobyardError('input-invalid', 'The upload was broken off by its sender.', { field: 'body', cause })
}
