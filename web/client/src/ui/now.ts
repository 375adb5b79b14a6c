/** The time, for what counts up while one looks: ticks only while somebody uses it. */
import { onMounted, onUnmounted, type Ref, ref } from "vue";

export function useNow(every = 1000): Ref<number> {
  const now = ref(Date.now());
  let timer: ReturnType<typeof setInterval>;
  onMounted(() => (timer = setInterval(() => (now.value = Date.now()), every)));
  onUnmounted(() => clearInterval(timer));
  return now;
}
