/** Finds by what one begins to type: at the start of a text first, then at the start of a word, then inside. */

export function ranked<T>(items: readonly T[], query: string, texts: (item: T) => string[], most: number): T[] {
  const wanted = fold(query);
  if (!wanted) return [];
  const scored: { item: T; score: number }[] = [];
  for (const item of items) {
    const score = Math.min(...texts(item).map((text) => position(fold(text), wanted)));
    if (score < 3) scored.push({ item, score });
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, most)
    .map(({ item }) => item);
}

/** Without case and accents; ё is found by е. */
const fold = (text: string): string =>
  text.trim().toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

function position(text: string, wanted: string): number {
  if (text.startsWith(wanted)) return 0;
  const words = text.split(/[\s.,()-]+/);
  if (words.some((word) => word.startsWith(wanted))) return 1;
  // Several words in any order: "orlova anna".
  const parts = wanted.split(/\s+/);
  if (parts.length > 1 && parts.every((part) => words.some((word) => word.startsWith(part)))) return 1;
  return text.includes(wanted) ? 2 : 3;
}
