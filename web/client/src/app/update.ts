/** The installed client: works from its own copy, and says when the server has a newer one. */
import { translate } from "@/i18n";
import { toast } from "@/ui/toasts";

export async function watchForUpdates(): Promise<void> {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  const { registerSW } = await import("virtual:pwa-register");
  const update = registerSW({
    onNeedRefresh() {
      toast.value = {
        text: translate("update.text"),
        isError: false,
        stays: true,
        action: { text: translate("update.action"), run: () => void update(true) },
      };
    },
    onRegisterError: () => undefined, // the certificate is not trusted by this browser: it works all the same
  });
}
