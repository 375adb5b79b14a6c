/** What people paste (a table of a spreadsheet, a plain list) as the CSV that the server reads. */

const COLUMNS = ["number", "name", "employee-id", "role", "password", "sip-password"];

export function asCsv(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const first = lines[0]?.toLowerCase() ?? "";
  if (/(^|[,;\t])\s*"?number"?\s*($|[,;\t])/.test(first)) return lines.map(withCommas).join("\n");
  const rows = lines.map(plainRow);
  const width = Math.min(COLUMNS.length, Math.max(...rows.map((row) => row.length), 2));
  return [COLUMNS.slice(0, width), ...rows].map((row) => row.map(quoted).join(",")).join("\n");
}

/** "101 Anna Orlova", "101;Anna Orlova" or a row of a spreadsheet: the number stands first, or the name does. */
function plainRow(line: string): string[] {
  const cells = line.includes("\t") || line.includes(";") || line.includes(",") ? line.split(/[\t;,]/) : byFirstNumber(line);
  const trimmed = cells.map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const [first = "", second = "", ...rest] = trimmed;
  return /^[\d*+]/.test(second) && !/^[\d*+]/.test(first) ? [second, first, ...rest] : trimmed;
}

function byFirstNumber(line: string): string[] {
  const match = /^\s*(\S*\d\S*)\s+(.*)$/.exec(line) ?? /^(.*?)\s+(\S*\d\S*)\s*$/.exec(line);
  return match ? [match[1] ?? "", match[2] ?? ""] : [line];
}

/** A CSV of a spreadsheet that parts its cells by semicolons or tabs. */
function withCommas(line: string): string {
  if (line.includes(",") || !/[;\t]/.test(line)) return line;
  return line.split(/[;\t]/).map((cell) => quoted(cell.trim())).join(",");
}

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export const credentialsCsv = (passwords: readonly [string, string][]): string =>
  ["number,sip-password", ...passwords.map((row) => row.map(quoted).join(","))].join("\n");
