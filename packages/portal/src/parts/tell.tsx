import { JobyardProblem } from '@jobyard/client'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'

/** Says briefly that something was done. */
export function tellDone(message: string): void {
  notifications.show({ message, color: 'teal', icon: <IconCheck size={16} />, autoClose: 4000 })
}

/** Says what went wrong, in the server's own sentence, and what to do about it. */
export function tellProblem(error: unknown): void {
  const { detail, hint } = wordsOf(error)
  notifications.show({
    title: detail,
    message: hint ?? '',
    color: 'red',
    icon: <IconAlertTriangle size={16} />,
    autoClose: 12_000,
    role: 'alert',
  })
}

/** The sentence that says what is wrong, and the one that says what to do. */
export function wordsOf(error: unknown): { readonly detail: string; readonly hint: string | undefined } {
  if (error instanceof JobyardProblem) return { detail: error.detail, hint: error.hint }
  return { detail: error instanceof Error ? error.message : String(error), hint: 'Load the page again.' }
}
