import { JobyardProblem, type PackageInfo } from '@jobyard/client'
import { Button, Progress } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { jobyard } from '../app/client.ts'
import { DropFile } from '../parts/drop-file.tsx'
import { Notice, Problem } from '../parts/problem.tsx'
import { sayCount, saySize } from '../words/amounts.ts'

/** How far a file is on its way to the server. */
export type Upload =
  | { readonly state: 'none' }
  | { readonly state: 'sending'; readonly file: File; readonly sent: number }
  | { readonly state: 'failed'; readonly file: File; readonly error: unknown }
  | { readonly state: 'done'; readonly file: File; readonly info: PackageInfo }

interface PackageFieldProps {
  readonly upload: Upload
  readonly onUpload: (upload: Upload) => void
  /** True where nothing can be deployed; why is told beside it. */
  readonly disabled?: boolean
}

/** Takes a zip or a single script, sends it at once, and says what was found in it. It belongs to no job yet. */
export function PackageField({ upload, onUpload, disabled = false }: PackageFieldProps) {
  const sending = useRef<AbortController>(undefined)
  useEffect(() => () => sending.current?.abort(), [])
  const send = async (file: File): Promise<void> => {
    sending.current?.abort()
    const controller = new AbortController()
    sending.current = controller
    const { signal } = controller
    onUpload({ state: 'sending', file, sent: 0 })
    const onProgress = (sent: number): void => {
      if (!signal.aborted) onUpload({ state: 'sending', file, sent })
    }
    try {
      onUpload({ state: 'done', file, info: await jobyard.packages.upload(file, file.name, { onProgress, signal }) })
    } catch (error) {
      if (!signal.aborted) onUpload({ state: 'failed', file, error })
    }
  }
  const cancel = (): void => {
    sending.current?.abort()
    onUpload({ state: 'none' })
  }
  return (
    <div className="package-field">
      <DropFile
        label="Choose a file, or drop it here"
        hint="A zip with run.sh, run.py, run.js … in it, or such a script by itself"
        file={upload.state === 'none' ? undefined : upload.file}
        disabled={disabled}
        onFile={(file) => void send(file)}
      />
      {upload.state === 'sending' && <Sending file={upload.file} sent={upload.sent} onCancel={cancel} />}
      {upload.state === 'failed' && (
        <Problem error={upload.error} {...(isRefusal(upload.error) ? {} : { again: () => void send(upload.file) })} />
      )}
      {upload.state === 'done' && <Found info={upload.info} />}
    </div>
  )
}

/** True for what the same file would meet with again. */
function isRefusal(error: unknown): boolean {
  return error instanceof JobyardProblem && [400, 413, 422].includes(error.status)
}

function Sending({ file, sent, onCancel }: { file: File; sent: number; onCancel: () => void }) {
  const share = file.size === 0 ? 100 : (100 * Math.min(sent, file.size)) / file.size
  const all = sent >= file.size
  return (
    <div className="sending">
      <Progress value={share} aria-label="Upload" animated={all} />
      <span className="num quiet">{all ? 'Looking into it…' : `${saySize(sent)} of ${saySize(file.size)}`}</span>
      <Button variant="default" size="compact-xs" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  )
}

function Found({ info: { script, files, bytes, warnings, settings } }: { info: PackageInfo }) {
  const { schedule } = settings
  return (
    <>
      <Notice tone="good">
        {sayCount(files, 'file')}, {saySize(bytes)}.{' '}
        {script !== null && (
          <>
            Runs <code>{script.file}</code> with {script.interpreter}.
          </>
        )}
        {typeof schedule === 'string' && (
          <>
            {' '}
            Its settings.job has the schedule <code>{schedule}</code>.
          </>
        )}
      </Notice>
      {warnings.map(({ message }) => (
        <Notice key={message} tone="wait">
          {message}
        </Notice>
      ))}
    </>
  )
}
