import { Button, Group, Modal, Text, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'

interface AskProps {
  /** Default: as long as it is there. */
  readonly opened?: boolean
  readonly onClose: () => void
  readonly title: string
  /** What will happen. */
  readonly children: ReactNode
  /** The word on the button. */
  readonly verb: string
  /** A name that must be typed before the button works; absent: none. */
  readonly name?: string
  /** What is done on yes. */
  readonly act: { readonly isPending: boolean; readonly mutate: () => void }
}

/** Asks once more before something is done that cannot be undone. */
export function Ask({ opened = true, onClose, title, children, verb, name, act }: AskProps) {
  const [typed, setTyped] = useState('')
  const sure = name === undefined || typed.trim() === name
  const close = (): void => {
    setTyped('')
    onClose()
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (sure) act.mutate()
  }
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form onSubmit={submit}>
        <Text size="sm">{children}</Text>
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
          <Button type="submit" color="red" loading={act.isPending} disabled={!sure}>
            {verb}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
