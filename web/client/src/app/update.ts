/** The installed client: works from its own copy, and says when the server has a newer one. */
import { translate } from "@/i18n";
import { toast } from "@/ui/toasts";

const SETTLED = 3_000; // ms after the start: the copy is half a hundred files, and what one came for goes first

export async function watchForUpdates(): Promise<void> {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  await new Promise((resolve) => setTimeout(resolve, SETTLED));
  try {
    await navigator.serviceWorker.register("/sw.js");
  } catch {
    return; // the certificate is not trusted by this browser: it works all the same
  }
  const registration = await navigator.serviceWorker.getRegistration();
  if (!registration) return; // somebody has set this browser so that it keeps none
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", () => offer(registration));
  });
  offer(registration); // it may have waited since the last visit
}

/** Says that a newer client is there; with the first one that this browser gets, there is nothing to say. */
function offer({ waiting }: ServiceWorkerRegistration): void {
  if (!waiting || !navigator.serviceWorker.controller) return;
  toast.value = {
    text: translate("update.text"),
    isError: false,
    stays: true,
    action: { text: translate("update.action"), run: () => take(waiting) },
  };
}

function take(worker: ServiceWorker): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  worker.postMessage({ type: "SKIP_WAITING" });
}
