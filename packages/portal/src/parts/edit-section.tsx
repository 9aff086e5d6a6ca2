import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useEditFocus } from './edit-focus.ts'
import { Section } from './page.tsx'

/** What an editor is told. */
export interface Editing {
  /** Ends the editing. */
  readonly onClose: () => void
  /** Begins it again with what is there now. */
  readonly onAnew: () => void
}

interface EditSectionProps {
  readonly title: string
  readonly may: boolean
  /** The word on the button. */
  readonly verb?: string
  readonly children: ReactNode
  readonly editor: (editing: Editing) => ReactNode
}

/** A part of a page that is read, and edited in its place by whoever may. */
export function EditSection({ title, may, verb = 'Change', children, editor }: EditSectionProps) {
  const [editing, setEditing] = useState(false)
  const [round, setRound] = useState(0)
  const open = may && editing
  const { button, form } = useEditFocus(open ? round + 1 : 0)
  return (
    <Section
      title={title}
      aside={
        may &&
        !editing && (
          <Button ref={button} variant="default" size="compact-xs" onClick={() => setEditing(true)}>
            {verb}
          </Button>
        )
      }
    >
      {open ? (
        <div ref={form} key={round}>
          {editor({ onClose: () => setEditing(false), onAnew: () => setRound(round + 1) })}
        </div>
      ) : (
        children
      )}
    </Section>
  )
}
