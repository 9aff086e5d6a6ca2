import type { Job, ScriptSpec } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMay } from '../app/may.ts'
import { settingsQuery } from '../app/queries.ts'
import { EditSection } from '../parts/edit-section.tsx'
import { sayCount } from '../words/amounts.ts'
import { settingKey } from '../words/setting-lines.ts'
import { EnvironmentEditor } from './environment-editor.tsx'

/** The variables of a job, and those that its collection adds. */
export function EnvironmentSection({ job }: { job: Job }) {
  const { env = {}, secrets = {} }: ScriptSpec = job.spec
  const { data: settings } = useQuery(settingsQuery(job.collection))
  const names = [...Object.keys(env), ...Object.keys(secrets)].sort()
  const shadowed = new Set(settings?.map(({ name }) => settingKey(name)))
  return (
    <EditSection
      title="Environment"
      may={useMay('deployer')}
      editor={(editing) => <EnvironmentEditor job={job} {...editing} />}
    >
      {names.length === 0 ? (
        <p className="nothing">No variables of its own.</p>
      ) : (
        <table className="variables">
          <caption className="unseen">Environment variables</caption>
          <thead>
            <tr>
              <th scope="col">Variable</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                  {shadowed.has(settingKey(name)) && <small className="quiet block">instead of the app setting</small>}
                </th>
                <td>{name in secrets ? <span className="quiet">secret</span> : <code>{env[name]}</code>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="more">
        <Link to="/app-settings" search={{ collection: job.collection }}>
          {settings === undefined ? 'App settings' : sayCount(settings.length, 'app setting')}
        </Link>{' '}
        of {job.collection} {settings?.length === 1 ? 'comes' : 'come'} with them.
      </p>
    </EditSection>
  )
}
