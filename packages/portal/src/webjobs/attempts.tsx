import type { Task } from '@jobyard/client'
import { RunState } from '../parts/state.tsx'
import { Took, When } from '../parts/time.tsx'
import { saySize } from '../words/amounts.ts'

/** The attempts of a run, those too that were followed by another. */
export function Attempts({ tasks }: { tasks: readonly Task[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section className="card attempts" tabIndex={0} aria-label="Attempts">
      <table>
        <caption className="unseen">Attempts</caption>
        <thead>
          <tr>
            <th scope="col">Attempt</th>
            <th scope="col">Status</th>
            <th scope="col">Started</th>
            <th scope="col" className="only-wide">
              Duration
            </th>
            <th scope="col" className="only-wide">
              Memory
            </th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td className="num">{task.attempt}</td>
              <td>
                <RunState state={task.state} />
              </td>
              <td>{task.startedAt === null ? <Later task={task} /> : <When at={task.startedAt} />}</td>
              <td className="only-wide">
                <Took from={task.startedAt} to={task.finishedAt} />
              </td>
              <td className="num only-wide">{task.peakBytes === null ? '–' : saySize(task.peakBytes)}</td>
              <td>{task.reason?.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Later({ task: { notBefore } }: { task: Task }) {
  return notBefore === null ? <span className="quiet">–</span> : <When at={notBefore} />
}
