/** A list of the server that is read page by page and begins anew when what is asked for changes. */
import { onMounted, type Ref, ref, shallowRef, watch } from "vue";

import type { Page } from "@/api/schemas";
import { useLoading } from "@/ui/loading";

const PAUSE = 220; // ms after the last letter of a search

export interface Paging<T> {
  items: Ref<readonly T[]>;
  next: Ref<string | null>;
  error: Ref<unknown>;
  isSlow: Ref<boolean>;
  isLoaded: Ref<boolean>;
  load: () => Promise<void>;
  more: () => Promise<void>;
}

export function usePaging<T>(fetcher: (before: string | null) => Promise<Page<T>>, on: () => unknown = () => null): Paging<T> {
  const items: Ref<readonly T[]> = shallowRef([]);
  const next = ref<string | null>(null);
  const isLoaded = ref(false);
  const { data, error, isSlow, load } = useLoading(() => fetcher(null));
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(data, (page) => {
    items.value = page?.items ?? [];
    next.value = page?.next ?? null;
    isLoaded.value = page !== null;
  });
  watch(on, () => {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE);
  });
  onMounted(load);

  async function more(): Promise<void> {
    const before = data.value;
    const page = await fetcher(next.value);
    if (before !== data.value) return; // the list has begun anew meanwhile
    items.value = [...items.value, ...page.items];
    next.value = page.next;
  }
  return { items, next, error, isSlow, isLoaded, load, more };
}
