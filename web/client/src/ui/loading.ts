/** Data of a page: loading (shown only past 300 ms), failed, or there. Answers that come too late are dropped. */
import { computed, onUnmounted, type Ref, ref, shallowRef } from "vue";

const PATIENCE = 300; // ms

export interface Loading<T> {
  data: Ref<T | null>;
  error: Ref<unknown>;
  isLoading: Ref<boolean>;
  isSlow: Ref<boolean>; // loading for the first time, and long enough to say so
  load: () => Promise<void>;
}

export function useLoading<T>(fetcher: () => Promise<T>): Loading<T> {
  const data = shallowRef<T | null>(null);
  const error = shallowRef<unknown>(null);
  const isLoading = ref(false);
  const isLate = ref(false);
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    const mine = ++turn;
    isLoading.value = true;
    clearTimeout(timer);
    timer = setTimeout(() => (isLate.value = true), PATIENCE);
    try {
      const result = await fetcher();
      if (mine !== turn) return;
      data.value = result;
      error.value = null;
    } catch (reason) {
      if (mine === turn) error.value = reason;
    } finally {
      if (mine === turn) {
        clearTimeout(timer);
        isLoading.value = isLate.value = false;
      }
    }
  }

  onUnmounted(() => {
    turn++;
    clearTimeout(timer);
  });
  const isSlow = computed(() => isLate.value && data.value === null && error.value === null);
  return { data, error, isLoading, isSlow, load };
}
