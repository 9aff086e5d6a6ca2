/** Works on every item, on no more than `width` of them at a time. Rejects with the first error once all begun ones ended. */
export async function runLimited<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const ahead = items.values()
  let failed = false
  const lane = async (): Promise<void> => {
    for (const item of ahead) {
      if (failed) return
      try {
        await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane))
  const refused = ended.find((each) => each.status === 'rejected')
  if (refused !== undefined) throw refused.reason
}
