import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Top of the checkout. */
export const ROOT = join(import.meta.dirname, '..', '..', '..', '..')

/** What is not ours, or made. */
const PASSED_OVER = new Set(['node_modules', 'dist', 'coverage', 'jobyard-data', '.git'])

/** All Markdown files of the checkout, relative to its top. */
export async function listMarkdown(folder = ROOT): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (PASSED_OVER.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await listMarkdown(path)))
    else if (entry.name.endsWith('.md')) found.push(relative(ROOT, path))
  }
  return found
}

/** A file of the checkout as text. */
export function readText(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8')
}

/** The text without its fenced and indented code. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/^ {4}.*$/gm, '')
}

/** The rows of all tables under a heading, cell by cell, without their heads. */
export function tableRows(markdown: string, heading: string): string[][] {
  const from = markdown.indexOf(`\n## ${heading}\n`)
  if (from < 0) throw new Error(`There is no heading "${heading}".`)
  const next = markdown.indexOf('\n## ', from + 1)
  const lines = markdown.slice(from, next < 0 ? undefined : next).split('\n')
  const rows = lines.flatMap((line, index) =>
    line.startsWith('|') && !line.startsWith('|---') && !lines[index + 1]?.startsWith('|---') ? [line] : [],
  )
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The words of a text that stand in backquotes. */
export function quotedWords(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}
