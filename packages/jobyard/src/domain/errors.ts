/** What the catalogue says about one kind of error. Codes are stable and never used again for something else. */
export interface ErrorEntry {
  /** HTTP status of an answer that carries this error. */
  readonly status: number
  /**
   * Exit code of a command line call that ends with this error: 1 failed, 2 bad input, 3 refused, 4 not found,
   * 5 unreachable, 57 the database is newer than the program.
   */
  readonly exit: number
  /** One line that names the error, without particulars. */
  readonly title: string
  /** What to do about it, when the thrower knows nothing better. */
  readonly hint: string
}

/** Every error that a user can meet, by its code. */
export const ERRORS = {
  'schedule-invalid': {
    status: 400,
    exit: 2,
    title: 'The schedule cannot be read.',
    hint: 'Write six fields: {second} {minute} {hour} {day} {month} {day of week}.',
  },
  'time-zone-unknown': {
    status: 400,
    exit: 2,
    title: 'The time zone is not known.',
    hint: 'Use an IANA name such as Europe/Berlin, or UTC.',
  },
  'store-full': {
    status: 507,
    exit: 1,
    title: 'The disk is full.',
    hint: 'Make room on the disk that holds the data folder; nothing of this request was stored.',
  },
  'store-unavailable': {
    status: 503,
    exit: 5,
    title: 'The database cannot be reached.',
    hint: 'See whether the database runs; what was asked may be tried again.',
  },
  'store-newer': {
    status: 503,
    exit: 57,
    title: 'The database was made by a newer Jobyard.',
    hint: 'Start the newer version, or restore a backup that was made before the upgrade.',
  },
  'duration-invalid': {
    status: 400,
    exit: 2,
    title: 'The duration cannot be read.',
    hint: 'Write a number with its unit: 500ms, 30s, 5m, 2h or 7d; or an ISO 8601 duration such as PT5M.',
  },
  'size-invalid': {
    status: 400,
    exit: 2,
    title: 'The size cannot be read.',
    hint: 'Write a number of bytes with its unit: 512B, 64KB, 10MB or 1GB.',
  },
  'name-invalid': {
    status: 400,
    exit: 2,
    title: 'The name cannot be used.',
    hint: 'Begin with a letter or digit (A-Z, a-z, 0-9); after it letters, digits, - and _; at most 100 characters.',
  },
  'archive-broken': {
    status: 400,
    exit: 2,
    title: 'The zip archive is damaged.',
    hint: 'Make the archive again, test it with "unzip -t", and upload it again.',
  },
  'archive-unsafe': {
    status: 400,
    exit: 2,
    title: 'The zip archive holds something that could be written outside of its folder or over another file.',
    hint: 'Make the archive again from plain files and folders, with relative names that differ in more than their case.',
  },
  'archive-too-large': {
    status: 413,
    exit: 2,
    title: 'The zip archive exceeds a limit.',
    hint: 'Leave out what the script does not need, or have the administrator raise the limit.',
  },
  'archive-unsupported': {
    status: 400,
    exit: 2,
    title: 'The zip archive uses something that is not supported.',
    hint: 'Make the archive with plain zip: no encryption, and the method "deflate" or "store".',
  },
  'script-missing': {
    status: 400,
    exit: 2,
    title: 'No script that can be run was found.',
    hint: 'Put a file called run.sh, run.py, run.js … at the top of the archive.',
  },
  'script-unsupported': {
    status: 400,
    exit: 2,
    title: 'The script is of a sort that cannot run here.',
    hint: 'Add a script that runs here, such as run.sh, run.py or run.js.',
  },
  'settings-invalid': {
    status: 400,
    exit: 2,
    title: 'The file settings.job cannot be read.',
    hint: 'Write one JSON object, such as {"schedule": "0 */5 * * * *"}, or leave the file out.',
  },
  'package-not-found': {
    status: 404,
    exit: 4,
    title: 'There is no such package.',
    hint: 'List the packages of the job, or deploy the script again.',
  },
  'package-file-not-found': {
    status: 404,
    exit: 4,
    title: 'The package holds no such file.',
    hint: 'List the files of the package; names are relative, with / between folders.',
  },
  'log-gone': {
    status: 410,
    exit: 4,
    title: 'The log is no longer kept.',
    hint: 'It was deleted while it was read, by the rules of its job.',
  },
  'arguments-invalid': {
    status: 400,
    exit: 2,
    title: 'The arguments cannot be read.',
    hint: 'Separate arguments by blanks and put quotes around one that holds blanks: "first arg" second.',
  },
  'environment-invalid': {
    status: 400,
    exit: 2,
    title: 'The environment of the job cannot be made.',
    hint: 'Correct or remove the setting that is named.',
  },
  'run-as-invalid': {
    status: 500,
    exit: 2,
    title: 'The system user that jobs run as cannot be used.',
    hint: 'Set JOBYARD_RUN_AS to the name or number of a user of this machine, or remove it.',
  },
  'folder-unsafe': {
    status: 500,
    exit: 1,
    title: 'A folder of the server is in the hands of somebody else.',
    hint: 'Remove it, or make the user that the server runs as its owner and take the right to write from all others.',
  },
  'job-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such job.',
    hint: 'List the jobs to see what there is.',
  },
  'job-exists': {
    status: 409,
    exit: 3,
    title: 'There is a job of this name already.',
    hint: 'Choose another name, or change the job that is there.',
  },
  'job-changed': {
    status: 409,
    exit: 3,
    title: 'The job was changed in the meantime.',
    hint: 'Read it again and repeat the change.',
  },
  'package-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such package.',
    hint: 'List the packages of the job to see what there is.',
  },
  'token-exists': {
    status: 409,
    exit: 3,
    title: 'There is a token of this name already.',
    hint: 'Choose another name, or revoke the token that is there.',
  },
  'token-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such token, or it is revoked already.',
    hint: 'List the tokens to see what there is.',
  },
  'collection-exists': {
    status: 409,
    exit: 3,
    title: 'There is a collection of this name already.',
    hint: 'Choose another name.',
  },
  'collection-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such collection.',
    hint: 'List the collections to see what there is.',
  },
  'collection-in-use': {
    status: 409,
    exit: 3,
    title: 'The collection is not empty.',
    hint: 'Delete its jobs first; their history goes within a minute.',
  },
  'run-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such run.',
    hint: 'List the runs of the job to see what there is.',
  },
  'task-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such task.',
    hint: 'List the tasks of the run to see what there is.',
  },
  'run-refused': {
    status: 409,
    exit: 3,
    title: 'The job runs already.',
    hint: 'Wait until it has ended, stop it, or give the job an overlap rule: queue, skip, replace or allow.',
  },
  'jobs-stopped': {
    status: 409,
    exit: 3,
    title: 'All jobs of the collection are stopped.',
    hint: 'Take the app setting WEBJOBS_STOPPED (or WEBJOB_STOPPED) of the collection away, or set it to 0.',
  },
  'app-setting-invalid': {
    status: 400,
    exit: 2,
    title: 'The app setting cannot be taken.',
    hint: 'Correct the setting that is named; nothing of the request was stored.',
  },
  'app-setting-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such app setting.',
    hint: 'See the list of app settings of the collection.',
  },
  'app-setting-elsewhere': {
    status: 409,
    exit: 3,
    title: 'The app setting is pinned to another slot.',
    hint: 'Change it at a server of that slot, or through /v1 or the command line, which tell slots apart.',
  },
  'app-settings-changed': {
    status: 409,
    exit: 3,
    title: 'Somebody else changed the app settings at the same moment.',
    hint: 'Read them again, and send the change once more.',
  },
  'job-stopped': {
    status: 409,
    exit: 3,
    title: 'The job is stopped.',
    hint: 'Start the job first.',
  },
  'spawn-failed': {
    status: 500,
    exit: 1,
    title: 'The process cannot be started.',
    hint: 'See that the program exists, that its first line names an interpreter that exists, and that it may be executed.',
  },
  'job-ambiguous': {
    status: 409,
    exit: 3,
    title: 'More than one job has this name.',
    hint: 'Say which one: its type, its number or its id.',
  },
  'kind-unknown': {
    status: 400,
    exit: 2,
    title: 'There is no such kind of job.',
    hint: 'See the list of kinds in the documentation.',
  },
  'input-invalid': {
    status: 400,
    exit: 2,
    title: 'The input is not valid.',
    hint: 'See the interface description at /docs.',
  },
  'key-invalid': {
    status: 500,
    exit: 1,
    title: 'The key for secrets is not usable.',
    hint: 'The key file must hold 32 bytes in base64; restore it from where you keep it.',
  },
  'secret-unreadable': {
    status: 500,
    exit: 1,
    title: 'A secret cannot be decrypted.',
    hint: 'Put back the key file that belongs to this database, or set the secret anew.',
  },
  'token-missing': {
    status: 401,
    exit: 3,
    title: 'A token is needed.',
    hint: 'Send `Authorization: Bearer TOKEN`; make a token with `jobyard token create`.',
  },
  'token-invalid': {
    status: 401,
    exit: 3,
    title: 'The token is not known, has expired or was revoked.',
    hint: 'Use another token; an admin can make one with `jobyard token create`.',
  },
  'origin-foreign': {
    status: 403,
    exit: 3,
    title: 'The request comes from a page that is not of this server.',
    hint: 'Use a token in the header Authorization; a browser session only serves the pages of the server itself.',
  },
  'role-insufficient': {
    status: 403,
    exit: 3,
    title: 'The token may not do this.',
    hint: 'Use a token with the role that the message names.',
  },
  'route-unknown': {
    status: 404,
    exit: 4,
    title: 'There is nothing at this address.',
    hint: 'See the interface description at /docs.',
  },
  'method-unknown': {
    status: 405,
    exit: 2,
    title: 'The address takes other methods than this one.',
    hint: 'Use a method that the header Allow names.',
  },
  'address-invalid': {
    status: 400,
    exit: 2,
    title: 'The address cannot be read.',
    hint: 'Encode each part of the path as RFC 3986 says.',
  },
  'head-too-large': {
    status: 431,
    exit: 2,
    title: 'The head of the request is too large.',
    hint: 'Send fewer and shorter headers, and a shorter address: 16 KB in all.',
  },
  'request-broken': {
    status: 400,
    exit: 2,
    title: 'What came is no HTTP request.',
    hint: 'Speak HTTP/1.1, and https:// only to a server that serves it.',
  },
  'request-too-slow': {
    status: 408,
    exit: 1,
    title: 'The request did not come to its end in time.',
    hint: 'Send it again, in one go.',
  },
  'body-too-large': {
    status: 413,
    exit: 2,
    title: 'The body is too large.',
    hint: 'Send less, or raise the limit that the message names.',
  },
  'key-reused': {
    status: 422,
    exit: 2,
    title: 'The Idempotency-Key was used for a different request.',
    hint: 'Use a new key for every new request.',
  },
  'key-in-use': {
    status: 409,
    exit: 3,
    title: 'A request with this Idempotency-Key is under way.',
    hint: 'Wait for its answer, then send it again to read it.',
  },
  'setting-unknown': {
    status: 400,
    exit: 2,
    title: 'There is no such setting.',
    hint: 'See `jobyard config` for all settings.',
  },
  'setting-invalid': {
    status: 400,
    exit: 2,
    title: 'A setting cannot be used.',
    hint: 'See `jobyard config` for what each setting takes.',
  },
  'listen-refused': {
    status: 400,
    exit: 2,
    title: 'The server does not listen beyond this machine without encryption.',
    hint: 'Set JOBYARD_TLS_CERT and JOBYARD_TLS_KEY, or say --behind-proxy when a proxy that encrypts stands before it.',
  },
  'usage-invalid': {
    status: 400,
    exit: 2,
    title: 'The command cannot be understood.',
    hint: 'Add --help to see what it takes.',
  },
  'folder-unreadable': {
    status: 400,
    exit: 2,
    title: 'A file or folder cannot be deployed.',
    hint: 'Remove it, or deploy a copy without it.',
  },
  'backup-failed': {
    status: 500,
    exit: 1,
    title: 'The backup could not be made.',
    hint: 'See what the message names; nothing was changed in the data folder.',
  },
  'backup-invalid': {
    status: 400,
    exit: 2,
    title: 'The file is no whole backup of Jobyard.',
    hint: 'Use another backup; this one was not restored.',
  },
  'backup-newer': {
    status: 400,
    exit: 2,
    title: 'The backup was made by a newer Jobyard.',
    hint: 'Restore it with that version or a later one.',
  },
  'restore-refused': {
    status: 409,
    exit: 3,
    title: 'The data folder is not empty.',
    hint: 'Choose another folder with --data, or say --force to move aside what is there.',
  },
  'data-unusable': {
    status: 500,
    exit: 2,
    title: 'The data folder cannot be made or used.',
    hint: 'Name a folder that this user may write to with --data or JOBYARD_DATA.',
  },
  'data-in-use': {
    status: 409,
    exit: 3,
    title: 'A server works in the data folder.',
    hint: 'Stop the server first.',
  },
  'stop-incomplete': {
    status: 500,
    exit: 1,
    title: 'The server has ended, but not everything in good order.',
    hint: 'See its log. What was acknowledged is on record; runs that were given up are ended, or tried again, by another instance or at the next start.',
  },
  'media-type-unknown': {
    status: 415,
    exit: 2,
    title: 'The body is of a type that is not read here.',
    hint: 'Send JSON with `Content-Type: application/json`.',
  },
  'too-many-failures': {
    status: 429,
    exit: 3,
    title: 'Too many requests with a wrong token or password.',
    hint: 'Wait as many seconds as the header Retry-After says, and use the right one.',
  },
  'live-token-full': {
    status: 429,
    exit: 3,
    title: 'The token has too many live streams open.',
    hint: 'Close one first, or have the administrator raise JOBYARD_LIVE_TOKEN_LIMIT.',
  },
  'live-full': {
    status: 503,
    exit: 5,
    title: 'The server has as many live streams open as it may.',
    hint: 'Try again later, ask for pages instead, or have the administrator raise JOBYARD_LIVE_LIMIT.',
  },
  'run-finished': {
    status: 409,
    exit: 3,
    title: 'The run has finished.',
    hint: 'Start the job again, or rerun the run.',
  },
  'run-skipped': {
    status: 409,
    exit: 3,
    title: 'No run was started, because the job skips triggers while it runs.',
    hint: 'Wait until the run has ended, or give the job another overlap rule: queue, replace or allow.',
  },
  'webhook-unknown': {
    status: 404,
    exit: 4,
    title: 'The job has no webhook.',
    hint: 'Give it one with PUT /v1/jobs/{job}/webhook.',
  },
  'webhook-refused': {
    status: 401,
    exit: 3,
    title: 'The password of the webhook is missing or wrong.',
    hint: "Send the webhook's password with HTTP basic authentication, under any user name.",
  },
  internal: {
    status: 500,
    exit: 1,
    title: 'Something went wrong inside Jobyard.',
    hint: 'The server log has the details under the request id; please report it.',
  },
  'package-missing': {
    status: 400,
    exit: 2,
    title: 'A script job needs a package.',
    hint: 'Upload a zip or a script first and name its hash in `package`; `jobyard script deploy` does both.',
  },
  'interpreter-missing': {
    status: 400,
    exit: 2,
    title: 'The program that runs the script is not installed.',
    hint: 'Install it for the user that jobs run as, or set PATH in the environment of the job.',
  },
  'address-unusable': {
    status: 500,
    exit: 2,
    title: 'The server cannot listen on its address.',
    hint: 'Give it another port with --port (0 takes any free one), or another address with --host.',
  },
  'destination-refused': {
    status: 400,
    exit: 3,
    title: 'The address lies in a network that calls must not reach.',
    hint: 'Use an address that JOBYARD_CALLS_NETWORKS allows, or have the administrator allow its network.',
  },
  'destination-invalid': {
    status: 400,
    exit: 2,
    title: 'The address cannot be called.',
    hint: 'Write it in full, such as https://example.com/path.',
  },
  'destination-unreachable': {
    status: 502,
    exit: 5,
    title: 'The address cannot be reached.',
    hint: 'See whether the name is right and whether something answers there.',
  },
  'destination-slow': {
    status: 504,
    exit: 5,
    title: 'The answer of an address did not come in time.',
    hint: 'Have it answer sooner, or give it more time.',
  },
  'hook-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such hook.',
    hint: 'List the hooks with `jobyard hook list`.',
  },
  'hook-exists': {
    status: 409,
    exit: 3,
    title: 'There is a hook to that address already, for another event.',
    hint: 'Remove that one first, or use an address that differs, by a query perhaps.',
  },
  'hook-limit': {
    status: 409,
    exit: 3,
    title: 'The collection has as many hooks as it can have.',
    hint: 'Remove those that nobody needs any longer.',
  },
  'source-controlled': {
    status: 409,
    exit: 3,
    title: 'The job comes from a watched folder.',
    hint: 'Change the files in that folder; the job follows.',
  },
  'data-unknown': {
    status: 404,
    exit: 4,
    title: 'There is no such file or folder.',
    hint: 'List the folder; links that jobs made, pipes and devices are not shown and never followed.',
  },
  'data-refused': {
    status: 409,
    exit: 3,
    title: 'The file or folder cannot be changed in this way.',
    hint: 'List the folder to see what is there.',
  },
  'range-invalid': {
    status: 416,
    exit: 2,
    title: 'The range lies outside of the file.',
    hint: 'Ask for bytes that the file has; Content-Range says how many these are.',
  },
  'data-changed': {
    status: 412,
    exit: 3,
    title: 'The file is not the one that was meant.',
    hint: 'Read the file and its ETag again, or send If-Match: * for whatever is there.',
  },
} as const satisfies Record<string, ErrorEntry>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERRORS

/** Particulars of an error: the field at fault, a place in a text, or a better hint than the catalogue's. */
export interface ErrorDetails {
  /** The input at fault, as a path such as `schedule.ncrontab`. */
  readonly field?: string
  /** Offset of the first wrong character in the field's text, counted in UTF-16 units from 0. */
  readonly position?: number
  /** What to do, replacing the catalogue's hint. */
  readonly hint?: string
  /** Whatever else a program may want to read; must be plain JSON and hold no secret. */
  readonly data?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The one error class of Jobyard: a code of the catalogue, a sentence, and particulars. */
export class JobyardError extends Error {
  readonly code: ErrorCode
  readonly field: string | undefined
  readonly position: number | undefined
  readonly data: Readonly<Record<string, unknown>> | undefined
  /** The particulars as they were given, for whoever carries the error to another thread or host. */
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}) {
    super(message ?? ERRORS[code].title, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'JobyardError'
    this.code = code
    this.field = details.field
    this.position = details.position
    this.data = details.data
    const { cause: _, ...rest } = details
    this.details = rest
  }

  /** HTTP status that goes with the code. */
  get status(): number {
    return ERRORS[this.code].status
  }

  /** Exit code that goes with the code. */
  get exit(): number {
    return ERRORS[this.code].exit
  }

  /** What to do about it. */
  get hint(): string {
    return this.details.hint ?? ERRORS[this.code].hint
  }
}
