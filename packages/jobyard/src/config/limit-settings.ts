import { DEFAULT_ARCHIVE_LIMITS } from '../kinds/script/archive-limits.ts'
import { KB, MB, setting } from './setting.ts'
import { count, size, sizeWithin } from './values.ts'

/** The largest limit for what is held in memory as a whole; a text in JavaScript cannot be much longer. */
const LARGEST_BODY = 256 * MB

/** The most of what is taken from callers. */
export const LIMIT_SETTINGS = {
  uploadBytes: setting('UPLOAD_LIMIT', size, 200 * MB, '200MB', 'Largest upload of a package that is taken.'),
  bodyBytes: setting(
    'BODY_LIMIT',
    sizeWithin(16 * KB, LARGEST_BODY),
    MB,
    '1MB',
    'Largest JSON body of a request that is taken, a payload for a run in it included.',
  ),
  payloadBytes: setting(
    'PAYLOAD_LIMIT',
    sizeWithin(KB, LARGEST_BODY),
    MB,
    '1MB',
    'Largest body of a call of a webhook that is taken; the script gets it as its payload.',
  ),
  liveStreams: setting(
    'LIVE_LIMIT',
    count(1, 1_000_000, 1000),
    1000,
    '1000',
    'Live streams (events, output as it comes) that may be open at a time; further ones get 503.',
  ),
  liveStreamsPerToken: setting(
    'LIVE_TOKEN_LIMIT',
    count(1, 1_000_000, 100),
    100,
    '100',
    'Live streams that may be open at a time with one token; further ones get 429.',
  ),
  archiveEntries: setting(
    'ARCHIVE_ENTRIES',
    count(1, 10_000_000, DEFAULT_ARCHIVE_LIMITS.entries),
    DEFAULT_ARCHIVE_LIMITS.entries,
    '10000',
    'Files and folders that an uploaded zip may hold.',
  ),
  archiveFileBytes: setting(
    'ARCHIVE_FILE',
    size,
    DEFAULT_ARCHIVE_LIMITS.fileBytes,
    '50MB',
    'Size of the largest file in an uploaded zip, unpacked.',
  ),
  archiveTotalBytes: setting(
    'ARCHIVE_TOTAL',
    size,
    DEFAULT_ARCHIVE_LIMITS.totalBytes,
    '200MB',
    'Size of all files in an uploaded zip together, unpacked.',
  ),
  archiveRatio: setting(
    'ARCHIVE_RATIO',
    count(1, 100_000, DEFAULT_ARCHIVE_LIMITS.ratio),
    DEFAULT_ARCHIVE_LIMITS.ratio,
    '100',
    'How many times larger than its packed form a file of more than 1 MB in an uploaded zip may be.',
  ),
}
