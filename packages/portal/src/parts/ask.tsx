import { Button, Group, Modal, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'

interface AskProps {
  readonly opened: boolean
  readonly onClose: () => void
  readonly title: string
  /** What will happen. */
  readonly children: ReactNode
  /** The word on the button. */
  readonly verb: string
  /** A name that must be typed before the button works; absent: none. */
  readonly name?: string
  readonly busy: boolean
  readonly onYes: () => void
}

/** Asks once more before something is done that cannot be undone. */
export function Ask({ opened, onClose, title, children, verb, name, busy, onYes }: AskProps) {
  const [typed, setTyped] = useState('')
  const sure = name === undefined || typed.trim() === name
  const close = (): void => {
    setTyped('')
    onClose()
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (sure) onYes()
  }
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form onSubmit={submit}>
        {children}
        {name !== undefined && (
          <TextInput
            mt="md"
            label={`Type ${name} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <Group justify="flex-end" mt="lg" gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" color="red" loading={busy} disabled={!sure}>
            {verb}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
