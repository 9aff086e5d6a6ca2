import { IconUpload } from '@tabler/icons-react'
import { type DragEvent, useId, useState } from 'react'

interface DropFileProps {
  readonly label: string
  readonly hint: string
  readonly file: File | undefined
  readonly onFile: (file: File) => void
  readonly disabled?: boolean
}

/** A file, dropped here or chosen from a list. */
export function DropFile({ label, hint, file, onFile, disabled = false }: DropFileProps) {
  const [over, setOver] = useState(false)
  const id = useId()
  const take = (list: FileList | null | undefined): void => {
    const [first] = list ?? []
    if (first !== undefined && !disabled) onFile(first)
  }
  const drag = (event: DragEvent, inside: boolean): void => {
    event.preventDefault()
    setOver(inside && !disabled)
  }
  return (
    <label
      htmlFor={id}
      className="drop"
      data-over={over || undefined}
      data-disabled={disabled || undefined}
      onDragOver={(event) => drag(event, true)}
      onDragLeave={(event) => drag(event, false)}
      onDrop={(event) => {
        drag(event, false)
        take(event.dataTransfer.files)
      }}
    >
      <IconUpload size={18} aria-hidden />
      <span>
        <strong>{file?.name ?? label}</strong>
        <small>{hint}</small>
      </span>
      <input
        id={id}
        type="file"
        aria-label={label}
        disabled={disabled}
        onChange={(event) => take(event.currentTarget.files)}
      />
    </label>
  )
}
