import { ActionIcon, Textarea, Tooltip } from '@mantine/core'
import { IconEye, IconEyeOff } from '@tabler/icons-react'
import { useState } from 'react'

interface SecretAreaProps {
  readonly label: string
  /** True: the label is for those who cannot see where it stands. */
  readonly hidden?: boolean
  readonly description?: string | undefined
  readonly placeholder?: string
  /** True: what is typed is not to be read over a shoulder. */
  readonly secret: boolean
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error?: string | undefined
  readonly autoFocus?: boolean
}

/** A value of one or more lines; a secret one is dots until somebody wants to see what was typed. */
export function SecretArea(props: SecretAreaProps) {
  const { label, hidden = false, secret, value, onChange, autoFocus, ...others } = props
  const [shown, setShown] = useState(false)
  const look = shown ? 'Hide what is typed' : 'Show what is typed'
  return (
    <Textarea
      {...others}
      {...(hidden ? { 'aria-label': label } : { label })}
      autosize
      minRows={1}
      maxRows={8}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      classNames={{ input: secret && !shown ? 'mono dots' : 'mono' }}
      rightSection={
        secret && (
          <Tooltip label={look}>
            <ActionIcon aria-label={look} onClick={() => setShown(!shown)}>
              {shown ? <IconEyeOff size={15} /> : <IconEye size={15} />}
            </ActionIcon>
          </Tooltip>
        )
      }
      data-autofocus={autoFocus || undefined}
      autoComplete="off"
      spellCheck={false}
    />
  )
}
