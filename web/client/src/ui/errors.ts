/** An error as a sentence for the person who meets it. */
import { ApiError } from "@/api/http";
import { translate } from "@/i18n";

export function inWords(error: unknown): string {
  if (!(error instanceof ApiError)) return translate("error.unexpected");
  if (error.code === "offline" || error.code === "timeout") return translate(`error.${error.code}`);
  if (error.status === 403) return translate("error.forbidden");
  if (error.status === 429) return translate("error.too-many", { seconds: error.retryAfter ?? 60 });
  if (error.status >= 500) return translate("error.server");
  return error.message || translate("error.unexpected");
}
