import type { FileRequest } from '@jobyard/client'

/** Sends a file with XMLHttpRequest, which alone tells how much of it is on its way. */
export function sendFile({ url, method, headers, blob, onProgress, signal }: FileRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded, total)
    request.onload = () => resolve(responseOf(request))
    request.onerror = () => reject(new TypeError('the connection broke while the file was sent'))
    request.onabort = () => reject(signal?.reason ?? new DOMException('Aborted', 'AbortError'))
    signal?.addEventListener('abort', () => request.abort(), { once: true })
    request.send(blob)
  })
}

function responseOf(request: XMLHttpRequest): Response {
  const type = request.getResponseHeader('content-type')
  return new Response(request.responseText, {
    status: request.status,
    ...(type === null ? {} : { headers: { 'content-type': type } }),
  })
}
