/** The numbers that were dialled last in this browser, the last one first. */
import { ref } from "vue";

const KEY = "gorizont.dialled";
const MOST = 8;

export const dialled = ref<string[]>(stored());

export function rememberDialled(number: string): void {
  dialled.value = [number, ...dialled.value.filter((one) => one !== number)].slice(0, MOST);
  localStorage.setItem(KEY, JSON.stringify(dialled.value));
}

export function forgetDialled(): void {
  dialled.value = [];
  localStorage.removeItem(KEY);
}

function stored(): string[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as string[];
  } catch {
    return [];
  }
}
